"""What many sources cost a daemon: nothing while none of them is due, and an edit of one costs what that one does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from msgspec.structs import replace

from tests.unit.chain.test_service import Desk, run

FEW, MANY = 10, 300


def config(sources: int) -> str:
    listed = "".join(f"  - {{id: s{number}, url: 'https://s{number}.example/feed'}}\n" for number in range(sources))
    return f"server: {{port: 8091}}\nsources:\n{listed}"


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
