"""Copies the published site into the object store that `publish.directory` names, beside everything else: a store that hangs
holds up nothing but the copy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from aggregator.errors import AggregatorError
from aggregator.ports import Job
from aggregator.publish.site.ownership import SITE_ID, make_owner
from aggregator.run.runtime import CurrentRuntime
from aggregator.settings import is_on_server

if TYPE_CHECKING:
    from aggregator.publish.objects.mirror import Mirror

log = structlog.get_logger("uploading")

LOOK = 15.0
"""Seconds between two looks at what was published: readers' programs keep a feed for minutes, and each request is paid for."""
PAUSE = 30.0
LONGEST_PAUSE = 300.0
"""Seconds after a first failure until it is tried again, and at most; the pause doubles each time."""
LAST_WORDS = 1.0
"""Seconds at the end for writing down what was copied."""


class Uploading:
    """Keeps the object store up to date. error: why the last copy failed, None if it did not.

    record: called with what happened to objects ("put", "removed", "failed"), and how many.
    """

    def __init__(self, current: CurrentRuntime, record: Callable[[str, int], None] = lambda outcome, count: None) -> None:
        self._current = current
        self._record = record
        self._turn = asyncio.Lock()
        self._address: str | None = None
        self._mirror: Mirror | None = None
        self._paused_until = 0.0
        self._pause = PAUSE
        self._since = current.runtime.clock.now()
        self.error: str | None = None

    def jobs(self) -> list[Job]:
        return [Job("upload", LOOK, self.upload_if_due)]

    async def upload_if_due(self) -> None:
        """Copies what has changed, unless an attempt has failed just now. A failure is kept, told, and tried again later."""
        clock = self._current.runtime.clock
        if self._follow_config() is None or clock.monotonic() < self._paused_until:
            return
        try:
            await self.upload()
        except AggregatorError as error:
            self._record("failed", 1)
            self.error, self._paused_until = str(error), clock.monotonic() + self._pause
            log.error("upload_failed", error=self.error, pause=self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        else:
            self.error, self._pause = None, PAUSE

    async def upload(self) -> None:
        """Brings the object store up to date with what is published now, if the config names one. Raises AggregatorError."""
        runtime = self._current.runtime
        async with self._turn:
            if (address := self._follow_config()) is None:
                return
            mirror = self._mirror = self._mirror or self._open(address)
            owner = make_owner(runtime.settings, runtime.store.value(SITE_ID), runtime.store.outputs().keys())
            began, began_at = runtime.clock.monotonic(), runtime.clock.now()
            self._since = min(self._since, began_at)  # the clock may be set back
            since = self._since if is_on_server(runtime.settings.storage.database) else None
            copied = await mirror.update(runtime.settings, owner, runtime.writer.call, since)
            if copied.written or copied.removed:
                self._record("put", len(copied.written))
                self._record("removed", len(copied.removed))
                seconds = round(runtime.clock.monotonic() - began, 3)
                log.info("uploaded", put=len(copied.written), removed=len(copied.removed), seconds=seconds)

    def _follow_config(self) -> str | None:
        """The address of the object store, None without one. If it has changed, forgets what was known of the old one."""
        address = self._current.runtime.settings.publish.objects
        if address != self._address:
            self._address, self._mirror, self.error = address, None, None
            self._pause, self._paused_until = PAUSE, 0.0
        return address

    def _open(self, address: str) -> Mirror:
        from aggregator.publish.objects.bucket import Bucket
        from aggregator.publish.objects.mirror import Mirror

        return Mirror(Bucket(address), self._current.runtime.clock.monotonic)

    async def close(self) -> None:
        """Writes down what was copied, so that the next start copies nothing twice. The job has been cancelled before."""
        async with self._turn:
            if self._mirror is not None:
                with suppress(AggregatorError, TimeoutError):
                    async with asyncio.timeout(LAST_WORDS):
                        await self._mirror.save()
