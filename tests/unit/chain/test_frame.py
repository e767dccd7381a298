"""The daemon's frame: signals, and an end that waits for nobody too long."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from dataclasses import dataclass, field

import pytest

from aggregator.ports import Job
from aggregator.run import scheduler


@dataclass
class Busy:
    """A service whose end takes as long as its writer's thread does."""

    release: threading.Event = field(default_factory=threading.Event)
    reloads: int = 0
    told: list[str] = field(default_factory=list)

    async def start(self) -> None:
        for _ in range(50):
            os.kill(os.getpid(), signal.SIGHUP)
        asyncio.get_running_loop().call_later(0.3, os.kill, os.getpid(), signal.SIGTERM)

    async def tick(self) -> None: ...

    async def reload_if_changed(self, *, forced: bool) -> None:
        if forced:
            self.reloads += 1
            await asyncio.sleep(0.02)

    async def check_database(self) -> None: ...

    def may_be_killed(self) -> bool:
        return True

    def jobs(self) -> list[Job]:
        return []

    async def drain(self, seconds: float) -> None:
        await asyncio.to_thread(self.release.wait)


def test_a_backup_under_way_does_not_put_off_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "END_LIMIT", 0.05)
    busy, ends = Busy(), []

    def end(code: int) -> None:
        ends.append(code)
        busy.release.set()

    asyncio.run(scheduler.run(busy, end=end))
    assert ends == [0]
    assert 1 <= busy.reloads <= 2, "a storm of SIGHUPs before and during the start is one reload, or two"
