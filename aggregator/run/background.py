"""Tasks that run beside the tick; what they raise is logged."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from aggregator.errors import StoreError

log = structlog.get_logger("background")


class BackgroundTasks:
    """Holds a reference to each running task: asyncio itself keeps only weak ones (asyncio.create_task)."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._log_failure)

    async def wait(self) -> None:
        """Waits until the tasks that run now have ended, whether or not they fail."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def end(self) -> None:
        """Cancels the tasks that still run."""
        for task in self._running:
            task.cancel()
        await self.wait()

    def _log_failure(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, StoreError):  # the database is away; the tick tells it, too
            log.error("task_failed", error=str(error))
        else:
            log.error("task_failed", error=repr(error), exc_info=error)
