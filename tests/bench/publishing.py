"""`python -m tests.bench.publishing`: CPU of republishing a large feed after one story changed, and when nothing did."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aggregator.model import Slug
from aggregator.publish.publisher import Publisher
from aggregator.settings import Output
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import DAILY, NOON, change_story, item, open_outputs, store_story

SUMMARY = "<p>" + "Ministers talked about a step and other matters at length. " * 8 + "</p>"
LATER = NOON + 1e6


def median_ms(times: int, before: Callable[[int], object], work: Callable[[int], object]) -> tuple[float, float]:
    """Medians of CPU and wall milliseconds of `work`, each time after `before`, which is not counted."""
    cpu, wall = [], []
    for turn in range(times):
        before(turn)
        started, clock = time.process_time(), time.perf_counter()
        work(turn)
        cpu.append((time.process_time() - started) * 1000)
        wall.append((time.perf_counter() - clock) * 1000)
    return statistics.median(cpu), statistics.median(wall)


def main(stories: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = samples.settings(Path(folder), Output(Slug("all"), "All", items=stories))
        store = SqliteStore(Path(folder) / "db")
        open_outputs(store, settings)
        ids = [store_story(store, item(n, summary=SUMMARY), item(n + 100_000, DAILY)) for n in range(stories)]
        publisher = Publisher(settings, store)
        slug = [Slug("all")]
        first = median_ms(1, lambda turn: None, lambda turn: publisher.publish(None, LATER))
        update = median_ms(
            40,
            lambda turn: change_story(store, ids[turn * 7 % stories], f"Changed {turn}", LATER + turn),
            lambda turn: publisher.publish(slug, LATER + turn),
        )
        idle = median_ms(40, lambda turn: None, lambda turn: publisher.publish(slug, LATER + 99))
        size = len((Path(folder) / "public/feeds/all.atom").read_bytes())
        print(f"{stories} stories, {size / 1000:.0f} kB of Atom; milliseconds of CPU and of wall time")
        for name, (cpu, wall) in (("first", first), ("one story changed", update), ("nothing changed", idle)):
            print(f"  {name:18} {cpu:7.2f} {wall:7.2f}")
        store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
