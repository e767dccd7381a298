"""What the store costs: `python -m tests.bench.store [STORIES]` prints CPU for each kind of work, as the store grows."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from aggregator.model import Category, Entry, Evidence, Item, ItemId, Slug, Source, SourceId, Tag, TagKind
from aggregator.ports import EveryOf, Phrase, StoryFilter
from aggregator.store.sqlite import SqliteStore

SOURCES = 1000
ENTRIES = 30
"""Entries of a document, as in the measuring world: 48 KB a feed."""
WORDS = [
    f"{syllable}{ending}"
    for syllable in "bar cor del fin gol har jun kel lim mor nev pol".split()
    for ending in "a er ing os ten um".split()
]
NEW = Evidence("new", 0.41, (("title", 0.2), ("lead", 0.21)), nearest_score=0.1)


def text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words)) + f" {rng.randrange(10**6)}"


def item(source: SourceId, number: int, now: float, rng: random.Random) -> Item:
    body = text(rng, 120)
    guid = f"https://{source}.example/{number}"
    entry = Entry(
        guid, guid, text(rng, 9).title(), f"<p>{body}</p>", "", body, now - 60, None,
        (text(rng, 2).title(),), (Category("World"), Category("Storms")), fingerprint=rng.randbytes(8),
    )  # fmt: skip
    return Item(
        ItemId(0), source, guid, entry, guid.removeprefix("https://"), "Outlet", f"{source}.example",
        now - 60, now, rng.randbytes(8), "en", 2, "wires", ("wire",),
    )  # fmt: skip


def cost(name: str, count: int, work: Callable[[], object]) -> None:
    """Prints the CPU time of `work`, which does `count` things."""
    started, wall = time.process_time(), time.perf_counter()
    work()
    cpu = (time.process_time() - started) / count * 1e6
    print(f"{name:44} {cpu:10.1f} µs CPU {(time.perf_counter() - wall) / count * 1e6:10.1f} µs wall")


def poll(store: SqliteStore, source: SourceId, items: list[Item], now: float) -> None:
    """One first poll as the pipeline does it: items, their stories looked at again, a feed entered, the state."""
    with store.begin() as transaction:
        ids = [transaction.add_item(one, None, NEW)[1] for one in items]
        transaction.touch_items(source, (), (), now)
        transaction.published_stories(ids)
        transaction.members_of(ids)
        for story in transaction.stories(ids):
            tags = (Tag(TagKind.TAG, "wire", "group"), Tag(TagKind.ENTITY, "nato", "list"))
            transaction.save_story(replace(story, tags=tags, topics=(Slug("sea"),), visible=b"12345678"))
            transaction.enter(Slug("all"), [story.id], now)
        transaction.bump([Slug("all")], now)


def main(stories: int) -> None:
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "news.db")
        sources = [Source(SourceId(f"source-{number}"), f"https://source-{number}.example/feed") for number in range(SOURCES)]
        cost("sync of a source, new", SOURCES, lambda: store.sync_sources(sources, 1.0))
        cost("sync of a source, known", SOURCES, lambda: store.sync_sources(sources, 2.0))
        states(store)
        grown = 0
        while grown < stories:
            size = min(9_000, stories - grown) // ENTRIES * ENTRIES
            batch = [
                [item(sources[(grown + at) // ENTRIES % SOURCES].id, grown + at + i, 1e9 + grown, rng) for i in range(ENTRIES)]
                for at in range(0, size, ENTRIES)
            ]
            cost(
                f"a new entry, {grown} stored",
                size,
                lambda batch=batch: [poll(store, items[0].source, items, items[0].first_seen) for items in batch],
            )  # type: ignore[misc]
            grown += size
        reads(store, [source.id for source in sources], stories)
        store.close()


def states(store: SqliteStore) -> None:
    known = [
        replace(
            state, arrivals=tuple(map(float, range(40))), last_status=304, last_error=None, title="A title", counters={"keep": 3}
        )
        for state in store.states().values()
    ]

    rounds = [[replace(state, due=float(round), last_poll=float(round)) for state in known] for round in range(5)]

    def save() -> None:
        for states in rounds:
            with store.begin() as transaction:
                for state in states:
                    transaction.save_state(state)

    cost("a state after a 304", 5 * SOURCES, save)
    cost("a due source", 100 * 16, lambda: [store.due(1e9, 16) for _ in range(100)])


def reads(store: SqliteStore, sources: list[SourceId], stories: int) -> None:
    cost("fingerprints of a source", len(sources), lambda: [store.fingerprints(source) for source in sources])
    guids = {
        source: [item.guid for story in store.find(StoryFilter(sources=frozenset([source])), 30) for item in story.items]
        for source in sources[:30]
    }
    cost("known, of 30 guids", 30, lambda: [store.known(source, names, names) for source, names in guids.items()])
    shown = store.shown(Slug("all"))
    cost("shown, a member", len(shown), lambda: store.shown(Slug("all")))
    ids = [one.story for one in shown[:3000]]
    cost("a story", len(ids), lambda: store.stories(ids))
    cost("a story of find", stories, lambda: sum(1 for _ in store.find(StoryFilter())))
    cost("find 20 by a word", 1, lambda: list(store.find(StoryFilter(EveryOf((Phrase(("barer",)), Phrase(("goling",))))), 20)))
    cost("find 20 by tag", 1, lambda: list(store.find(StoryFilter(tags=frozenset(["nato"])), 20)))
    cost("counts", 1, store.counts)


if __name__ == "__main__":
    main(int(sys.argv[1]) // ENTRIES * ENTRIES if len(sys.argv) > 1 else 27_000)
