"""What many sources cost a daemon: nothing while none of them is due, and an edit of one costs what that one does."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.stories.upkeep import adopt_config
from tests.unit.chain.test_service import Desk, run

FEW, MANY = 10, 300


def config(sources: int) -> str:
    listed = "".join(f"  - {{id: s{number}, url: 'https://s{number}.example/feed'}}\n" for number in range(sources))
    return f"server: {{port: 8091}}\nsources:\n{listed}"


TOUCHED = """
CREATE TABLE touched (what TEXT);
CREATE TRIGGER t1 AFTER UPDATE ON sources BEGIN INSERT INTO touched VALUES (new.id); END;
CREATE TRIGGER t2 AFTER INSERT ON sources BEGIN INSERT INTO touched VALUES (new.id); END;
CREATE TRIGGER t3 AFTER UPDATE ON key_values BEGIN INSERT INTO touched VALUES (new.key); END;
CREATE TRIGGER t4 AFTER INSERT ON key_values BEGIN INSERT INTO touched VALUES (new.key); END;
"""
"""Notes which rows are written."""


def put_off(desk: Desk) -> None:
    """Has every source polled a moment ago: none is due."""
    now = desk.clock.now()
    with desk.store.begin() as transaction:
        for state in desk.store.states().values():
            transaction.save_state(replace(state, due=now + 3600, last_poll=now, first_success=now, last_success=now))


class Lines:
    """Counts the lines that this thread runs: a loop over sources shows, however fast it is."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        self.count += event == "line"
        return self


@contextmanager
def counted() -> Iterator[Lines]:
    lines, before = Lines(), sys.gettrace()
    sys.settrace(lines)
    try:
        yield lines
    finally:
        sys.settrace(before)


def lines_of_a_tick(folder: Path, sources: int) -> int:
    folder.mkdir()
    found = []

    async def work(desk: Desk) -> None:
        service = await desk.start(config(sources))
        put_off(desk)
        await service.tick()
        with counted() as lines:
            await service.tick()
        found.append(lines.count)

    run(folder, work)
    return found[0]


def test_a_tick_looks_at_no_source_that_is_not_due(tmp_path: Path) -> None:
    few, many = (lines_of_a_tick(tmp_path / str(sources), sources) for sources in (FEW, MANY))
    assert few > 100, "the tick is counted"
    assert abs(many - few) < MANY - FEW


def touched_by(folder: Path, *edits: str) -> list[set[str]]:
    """The rows of sources that each edit of a config of ten sources has written."""
    found = []

    async def work(desk: Desk) -> None:
        service = await desk.start(config(FEW))
        with closing(sqlite3.connect(desk.store.path, isolation_level=None)) as connection:
            connection.executescript(TOUCHED)
            for text in edits:
                connection.execute("DELETE FROM touched")
                desk.configure(text)
                await service.reload_if_changed(forced=False)
                rows = {row[0] for row in connection.execute("SELECT what FROM touched")}
                found.append({row for row in rows if row.startswith(("s", "source."))} - {"site"})

    run(folder, work)
    return found


def test_the_edit_of_a_source_touches_no_row_of_another_one(tmp_path: Path) -> None:
    whole = config(FEW)
    line = next(line for line in whole.splitlines(keepends=True) if "{id: s4," in line)
    titled = whole.replace(line, line.replace("}", ", title: The Fourth}"))
    moved = whole.replace(line, line.replace("s4.example", "fourth.example"))
    added = whole + "  - {id: snew, url: 'https://new.example/feed'}\n"
    first, second, third, fourth = touched_by(tmp_path, titled, moved, added, whole.replace(line, ""))
    assert first == {"source.s4"}
    assert second == {"s4", "source.s4"}
    assert third == {"s4", "source.s4", "snew", "source.snew"}, "its address is the old one again"
    assert fourth == {"s4", "snew"}, "both are marked as no longer configured"


EDITS = (
    "{id: s4, url: 'https://s4.example/feed', title: The Fourth}",
    "{id: s4, url: 'https://s5.example/other', rank: 1, tags: [wire]}",
    "{id: s4, url: 'https://s5.example/other', title: The Fifth - World}",
    "{id: s4, url: 'https://s5.example/other', outlet: The Fifth}",
    "{id: s4, url: 'https://s4.example/feed', private: true}",
    "{id: s4, url: 'https://s6.example.org/feed', title: S6, keep: ferry}",
    "{id: snew, url: 'https://s4.example/feed'}",
)


def test_after_edits_the_same_is_adopted_as_by_a_look_at_every_source(tmp_path: Path) -> None:
    records: list[dict[str, str]] = []

    async def edit(desk: Desk, *, whole: bool) -> None:
        service = await desk.start(config(FEW))
        for text in EDITS:
            desk.configure(config(FEW).replace("{id: s4, url: 'https://s4.example/feed'}", text))
            await service.reload_if_changed(forced=False)
            if whole:
                await service.config.adopt()
        records.append(dict(desk.store.values("source.")))

    for whole in (False, True):
        folder = tmp_path / str(whole)
        folder.mkdir()
        run(folder, lambda desk, whole=whole: edit(desk, whole=whole))  # type: ignore[misc]
    assert records[0] == records[1]
    assert "source.snew" in records[0]


def test_a_tick_during_a_reload_does_not_adopt_the_config_once_more(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start(config(FEW))
        loop, adopt, ticks = asyncio.get_running_loop(), adopt_config.adopt, []

        def with_a_tick(*arguments: Any) -> Any:
            ticks.append(asyncio.run_coroutine_threadsafe(service.config.retry_adopt(), loop))
            return adopt(*arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(adopt_config, "adopt", with_a_tick)
            desk.configure(config(FEW + 1))
            await service.reload_if_changed(forced=False)
            await asyncio.wrap_future(ticks[0])
        assert len(ticks) == 1

    run(tmp_path, work)
