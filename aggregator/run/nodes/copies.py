"""What a node that does not publish holds of the published documents: loaded as they are announced, served while nobody leads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog
from msgspec import MsgspecError

from aggregator.errors import StoreError
from aggregator.ports import PUBLISHED, Clock, Cluster
from aggregator.publish.shared_documents import load
from aggregator.publish.shelf import Shelf

log = structlog.get_logger("copies")

CHECK = 5.0
"""Seconds between two looks for documents whose announcement was not heard."""
AGAIN = 1.0
"""Seconds until a database that did not answer is asked again."""
STALE = 2.5 * CHECK
"""Seconds without an answer of the database after which documents count as stale: there may be newer ones."""


class Copies:
    """Keeps a node's shelf the same as the published documents.

    tokens: of the config in use; loaded: called, in a thread, once documents have been loaded.
    """

    def __init__(
        self,
        cluster: Cluster,
        shelf: Shelf,
        clock: Clock,
        tokens: Callable[[], Mapping[str, str]],
        loaded: Callable[[], None],
    ) -> None:
        self._cluster, self._shelf, self._clock = cluster, shelf, clock
        self._tokens, self._loaded = tokens, loaded
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._checked: float | None = None
        self._is_anew = True
        self.revision = 0
        self.trouble: str | None = None
        self._shelf.is_filled = bool(self._shelf.answers())

    # --- what is known
    @property
    def are_loaded(self) -> bool:
        """Whether there is anything to serve."""
        return self._shelf.is_filled

    @property
    def age(self) -> float:
        """Seconds since these were known to be the newest; infinite before the first load."""
        return self._clock.monotonic() - self._checked if self._checked is not None else float("inf")

    @property
    def are_stale(self) -> bool:
        return self.trouble is not None or self.age > STALE

    # --- loading
    async def start(self) -> None:
        """Loads everything, and follows from then on. If the database does not answer, what is held is served meanwhile."""
        await self._look()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Returns once nothing is loaded any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def load_anew(self) -> None:
        """Has everything loaded again, under the tokens of another config."""
        self._is_anew = True
        self._news.set()

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        end = self._cluster.listen(lambda kind: self._hear(loop, kind))
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CHECK if self.trouble is None else AGAIN):
                        await self._news.wait()
                self._news.clear()
                await self._look()
        finally:
            loop.run_in_executor(None, end)  # may take seconds if the server is away

    def _hear(self, loop: asyncio.AbstractEventLoop, kind: str) -> None:
        if kind == PUBLISHED:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._news.set)

    async def _look(self) -> None:
        loading = asyncio.ensure_future(asyncio.to_thread(self._load))
        try:
            await asyncio.shield(loading)
        except asyncio.CancelledError:
            await loading  # nothing may be put on the shelf once this has ended
            raise

    def _load(self) -> None:
        began, since = self._clock.monotonic(), 0 if self._is_anew else self.revision
        self._is_anew = False
        try:
            revision = load(self._cluster.documents, self._shelf, self._tokens(), since)
        except (StoreError, MsgspecError) as error:  # MsgspecError: a newer release's leader wrote them
            if self.trouble is None:
                log.warning("documents_stale", error=str(error))
            self.trouble, self._is_anew = str(error), True  # the server that answers next may lack the latest
            return
        if self.trouble is not None:
            log.info("documents_current", seconds=round(self.age))
        if revision != self.revision:
            self.revision, self._shelf.is_filled = revision, revision > 0
            self._loaded()
        self.trouble, self._checked = None, began
