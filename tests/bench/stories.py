"""`python -m tests.bench.stories [FOLDER]`: how well entries are grouped into stories, and what it costs.

FOLDER holds the measuring sets (default: `shared/data/stories` beside the checkout); their truth is scored with the program
`score.py` of `shared/lab`.

    --orders 10             random orders of the sources of each hourly poll
    --growth 10000,200000   also speed and memory with so many items stored    --biggest 10   print the replay's largest stories
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from types import ModuleType

from aggregator.cli import COLLECT
from aggregator.dedup.engine import Engine
from aggregator.model import StoryId
from aggregator.settings import Dedup
from aggregator.store.index import MemoryStoryIndex
from aggregator.tag.places import find_places
from tests.bench.stories_data import Named, documents, polled_hourly, replay, shuffled
from tests.bench.stories_growth import growth
from tests.conftest import CHECKOUT

SHARED = CHECKOUT.parent / "shared"
MADE, RULED = "tpl|o-|s-", "(?!tpl|o-|s-)"
"""Which documents of the near-duplicates are right by construction, and which by rules over their texts."""
LATE_HOURS = 6.0


@dataclass(frozen=True, slots=True)
class Grouped:
    """What became of items: the story of each, in the order of arrival. seconds: CPU, preparing included."""

    stories: dict[str, StoryId]
    seconds: float

    @property
    def speed(self) -> float:
        return len(self.stories) / self.seconds


def grouped(items: Sequence[Named], level: str) -> Grouped:
    """Runs the engine over a stream that starts with nothing known."""
    engine, index = Engine(Dedup(level=level), find_places), MemoryStoryIndex()
    index.begin()
    stories: dict[str, StoryId] = {}
    aliases: dict[StoryId, StoryId] = {}
    started = time.process_time()
    for name, item in items:
        read = engine.prepare(item)
        placement = engine.place(index, item, read, item.first_seen)
        story = placement.story or StoryId(str(item.id))
        engine.record(index, item, story, read, placement)
        for alias in placement.merges:
            index.merge(story, alias)
            aliases[alias] = story
        stories[name] = story
    spent = time.process_time() - started
    return Grouped({name: _kept(story, aliases) for name, story in stories.items()}, spent)


def _kept(story: StoryId, aliases: dict[StoryId, StoryId]) -> StoryId:
    while story in aliases:
        story = aliases[story]
    return story


def pairs(stories: dict[str, StoryId]) -> set[tuple[str, str]]:
    """All pairs of items that stand in one story."""
    return {pair for names in members(stories) for pair in combinations(sorted(names), 2)}


def members(stories: dict[str, StoryId]) -> list[list[str]]:
    together: dict[StoryId, list[str]] = defaultdict(list)
    for name, story in stories.items():
        together[story].append(name)
    return list(together.values())


def changed(before: dict[str, StoryId], after: dict[str, StoryId]) -> float:
    """Share of the pairs of both that only one has."""
    one, other = pairs(before), pairs(after)
    return len(one ^ other) / max(1, len(one | other))


class Truth:
    """The measuring sets' labels and the program that scores against them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.score = _program(SHARED / "lab" / "score.py")

    def pairs(self, name: str, stories: dict[str, StoryId], ids: str = "") -> tuple[dict[str, float], dict[str, float]]:
        """(pair figures, B-cubed figures)."""
        import re

        truth = {key: label for key, label in self.score.read_truth(str(self.folder / name)).items() if re.match(ids, key)}
        rows, _ = self.score.aligned(truth, stories)
        return self.score.pairs(rows), self.score.b_cubed(rows)

    def titles(self, name: str, stories: dict[str, StoryId]) -> dict[str, float]:
        figures: dict[str, float] = self.score.title_recall(json.loads((self.folder / name).read_text("utf-8")), stories)
        return figures


def _program(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def day_report(truth: Truth, seeds: Iterable[int]) -> Grouped:
    """The replayed day: labels, and how far the order of arrival matters."""
    items = replay(truth.folder)
    day = grouped(items, "story")
    weak, read = truth.titles("title_clusters.json", day.stories), truth.titles("read_pairs.json", day.stories)
    labelled = len(json.loads((truth.folder / "read_pairs.json").read_text("utf-8"))["near_pairs"])
    print(
        f"replay   titles {weak['recall']:.3f}  addresses {weak['url_recall']:.3f}  wire {weak['wire_recall']:.3f}  "
        f"like titles {weak['near_recall']:.3f}  apart, joined {weak['apart_merged']:.0f}"
    )
    found = round(read["near_recall"] * labelled)
    print(f"         pairs that were read: {found} of {labelled} found, {read['apart_merged']:.0f} wrong")
    shares = [changed(day.stories, grouped(shuffled(items, LATE_HOURS, seed), "story").stories) for seed in seeds]
    print(f"         up to {LATE_HOURS:.0f} h late: " + ", ".join(f"{share:.1%}" for share in shares) + " of the pairs changed")
    return day


def documents_report(truth: Truth, seeds: Iterable[int]) -> Grouped:
    """Near-duplicates at the story level."""
    items = documents(truth.folder, "neardup.jsonl")
    result = grouped(items, "story")
    late = [grouped(shuffled(items, LATE_HOURS, seed), "story").stories for seed in seeds]
    for name, ids in (("made", MADE), ("ruled", RULED)):
        figures, _ = truth.pairs("neardup_truth.json", result.stories, ids)
        line = "  ".join(f"{key} {figures[key]:.3f}" for key in ("precision", "recall", "f1"))
        print(f"{name:8} {line}  changed when late: " + ", ".join(f"{changed(result.stories, one):.1%}" for one in late))
    return result


def orders_report(truth: Truth, day: Grouped, seeds: Iterable[int]) -> None:
    """How far it matters which source of an hourly poll is read first."""
    items, near = replay(truth.folder), documents(truth.folder, "neardup.jsonl")
    shares, scores = [], []
    for seed in seeds:
        shares.append(changed(day.stories, grouped(polled_hourly(items, seed), "story").stories))
        figures, _ = truth.pairs("neardup_truth.json", grouped(polled_hourly(near, seed), "story").stories, MADE)
        scores.append(figures["f1"])
    print(f"orders   {len(shares)}: at most {max(shares):.1%} of the pairs changed, made f1 at least {min(scores):.3f}")


def events_report(truth: Truth) -> Grouped:
    """Many outlets' own texts at the event level."""
    result = grouped(documents(truth.folder, "events.jsonl"), "event")
    figures, cubed = truth.pairs("events_truth.json", result.stories)
    line = "  ".join(f"{key} {figures[key]:.3f}" for key in ("precision", "recall", "f1"))
    print(f"events   {line}  B-cubed {cubed['f1']:.3f}")
    return result


def biggest(folder: Path, stories: dict[str, StoryId], count: int) -> None:
    """Prints the largest stories of the replay, to be read."""
    items = dict(replay(folder))
    for names in sorted(members(stories), key=len, reverse=True)[:count]:
        outlets = Counter(items[name].outlet for name in names)
        print(f"\n{len(names)} items of {len(outlets)} outlets")
        for name in names:
            item = items[name]
            print(f"  {time.strftime('%H:%M', time.gmtime(item.published))} {item.outlet:22.22} {item.entry.title}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=SHARED / "data" / "stories")
    parser.add_argument("--biggest", type=int, default=0, metavar="N")
    parser.add_argument("--orders", type=int, default=10, metavar="N")
    parser.add_argument("--growth", default="", metavar="N,N")
    options = parser.parse_args()
    gc.set_threshold(*COLLECT)  # as every command does
    truth = Truth(options.folder)
    day = day_report(truth, range(3))
    near = documents_report(truth, range(1))
    orders_report(truth, day, range(options.orders))
    events = events_report(truth)
    print(f"speed    replay {day.speed:,.0f}/s  near-duplicates {near.speed:,.0f}/s  events {events.speed:,.0f}/s (CPU)")
    if options.biggest:
        biggest(options.folder, day.stories, options.biggest)
    if options.growth:
        growth(replay(options.folder), [int(size) for size in options.growth.split(",")])


if __name__ == "__main__":
    main()
