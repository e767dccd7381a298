"""What grouping costs as the store grows: a day's entries told again each day, with that day's own rare words."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path

from msgspec.structs import replace

from aggregator.dedup.engine import Engine
from aggregator.model import Item, ItemId, StoryId
from aggregator.settings import Dedup
from aggregator.store.connect import open_writer
from aggregator.store.index import SqlStoryIndex
from aggregator.store.index_schema import create
from tests.bench.stories_data import Named
from tests.faults.processes import resident

POLL = 10
"""New items in one transaction: a poll of a lively feed."""
MEASURED = 5_000
"""Items over which a speed is taken."""
RARE = 4
"""Items of a day in which a word stands at most to be that day's own."""
ALIKE = 100
"""Words that are taken for equally frequent."""
_WORD = re.compile(r"[^\W\d_]{4,}")


def growth(day: Sequence[Named], sizes: Sequence[int]) -> None:
    """Prints speed, memory and the time of a restart whenever so many items are stored. Ends with a restart."""
    stream = _days([item for _, item in day])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stories.db"
        connection = open_writer(path)
        create(connection)
        index, engine = SqlStoryIndex(connection), Engine(Dedup())
        stored = 0
        before = _memory()
        for size in sorted(sizes):
            _run(index, connection, engine, islice(stream, max(0, size - stored)))
            spent, most = _run(index, connection, engine, islice(stream, MEASURED))
            stored = max(stored, size) + MEASURED
            file = path.stat().st_size / 1e6
            print(
                f"stored {size:>8,}  {MEASURED / spent:>6,.0f} items/s  {spent / MEASURED * 1e3:.3f} ms an item, "
                f"slowest transaction {most * 1e3:.0f} ms  memory +{_memory() - before:.0f} MB  file {file:.0f} MB"
            )
        connection.close()
        print(f"restart  {_restart(path, stream) * 1e3:.0f} ms until the first item is placed")


def _run(index: SqlStoryIndex, connection: sqlite3.Connection, engine: Engine, items: Iterator[Item]) -> tuple[float, float]:
    """(CPU seconds of all but making the items, wall seconds of the slowest transaction)."""
    spent, most = 0.0, 0.0
    while batch := list(islice(items, POLL)):
        started = time.process_time()
        read = [engine.prepare(item) for item in batch]
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        index.begin()
        engine.expect(index, read)
        for item, signature in zip(batch, read, strict=True):
            placement = engine.place(index, item, signature, item.first_seen)
            story = placement.story or StoryId(str(item.id))
            engine.record(index, item, story, signature, placement)
            for alias in placement.merges:
                index.merge(story, alias)
        index.commit()
        connection.execute("COMMIT")
        most = max(most, time.perf_counter() - began)
        spent += time.process_time() - started
    return spent, most


def _restart(path: Path, stream: Iterator[Item]) -> float:
    started = time.perf_counter()
    connection = open_writer(path)
    _run(SqlStoryIndex(connection), connection, Engine(Dedup()), islice(stream, 1))
    spent = time.perf_counter() - started
    connection.close()
    return spent


def _days(day: Sequence[Item]) -> Iterator[Item]:
    """The day's items again and again, a day later each time, in other words: rare ones are new, the others change places with
    words as frequent as they are, and the most frequent stay. So stories differ from day to day and the language does not."""
    common = Counter(word for item in day for word in set(_WORD.findall(f"{item.entry.title} {item.entry.text}")))
    frequent = [word for word, times in common.most_common() if times > RARE]
    number = count(1)
    for shift in count():
        words = _exchanged(frequent, random.Random(shift))

        def today(found: re.Match[str], shift: int = shift, words: dict[str, str] = words) -> str:
            return words.get(found[0]) or f"{chr(97 + shift % 26)}{chr(97 + shift // 26)}{found[0]}"

        for item in day:
            entry = item.entry
            title, text = _WORD.sub(today, entry.title), _WORD.sub(today, entry.text)
            at = item.published + shift * 86_400.0
            yield replace(
                item,
                id=ItemId(next(number)),
                entry=replace(entry, title=title, text=text),
                canonical=f"{item.canonical}?day={shift}",
                published=at,
                first_seen=at,
            )


def _exchanged(frequent: Sequence[str], chance: random.Random) -> dict[str, str]:
    """Each word → one of the hundred as frequent as it; the first hundred, which carry no story, stay."""
    words = dict(zip(frequent[:ALIKE], frequent[:ALIKE], strict=True))
    for start in range(ALIKE, len(frequent), ALIKE):
        block = list(frequent[start : start + ALIKE])
        others = block.copy()
        chance.shuffle(others)
        words |= dict(zip(block, others, strict=True))
    return words


def _memory() -> float:
    """Megabytes resident now."""
    return resident(os.getpid()) / 1e6
