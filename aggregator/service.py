"""What the daemon runs: polls as they fall due, publishing soon after, and reload by swapping one whole runtime for another."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import structlog

from aggregator import adopt, requests
from aggregator.door import Door
from aggregator.errors import AggregatorError, ConfigError
from aggregator.keeping import Keeping
from aggregator.metrics import Metrics
from aggregator.model import Fetched, Slug, Source, SourceId, SourceState
from aggregator.notify import notify
from aggregator.pipeline import PollReport
from aggregator.poller import Poller
from aggregator.ports import Job, OutputState
from aggregator.runtime import Runtime
from aggregator.settings import Settings
from aggregator.upkeep import Upkeep
from aggregator.wiring import Parts

log = structlog.get_logger("service")
T = TypeVar("T")

DEBOUNCE = 0.1
"""Seconds between a poll's commit and publishing: feeds touched by several polls of one tick are written once."""
CLAIM = 500
"""Due sources taken up in one tick at most."""
LATE_TICK = 60.0
"""Seconds without a tick after which the daemon is not ready: it does not poll any more."""
LEAST_DISK = 50_000_000
"""Bytes of free disk below which it is not ready."""


def fingerprint(settings: Settings, also: Iterable[Path] = ()) -> bytes:
    """A hash of the config file and of all that it includes, as they are now; a file that is missing counts as empty.

    also: files that a refused config names; mending one of them is a reason to read it again.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in (settings.file, *settings.includes, *also):
        try:
            digest.update(path.read_bytes() + b"\0")
        except OSError:
            digest.update(b"-")
    return digest.digest()


class Service:
    """See daemon.Service. `load` reads the config and checks it; it raises AggregatorError, and then nothing is changed."""

    def __init__(self, settings: Settings, load: Callable[[], Settings], parts: Parts, listener: socket.socket) -> None:
        self._load = load
        self._parts = parts
        self._listener = listener
        self._dirty: set[Slug] = set()
        self._revisions: dict[Slug, int] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._publishing = False
        self._store_error: BaseException | None = None
        self.config_error: str | None = None
        self.runtime = parts.runtime(settings)
        self.poller = Poller(lambda: self.runtime.pipeline, lambda: self.runtime.gate, settings.polling.workers)
        self._seen = fingerprint(settings)
        self._also: tuple[Path, ...] = ()
        self.metrics = Metrics()
        self._last_tick = self.runtime.clock.monotonic()
        self._door = Door(lambda: self.runtime, parts.shelf, self._take_in)
        self._keeping = Keeping(lambda: self.runtime, parts.store)
        self._upkeep = Upkeep(lambda: self.runtime, self._changed, self.metrics)

    # --- start and reload
    async def start(self) -> None:
        """Adopts the config, publishes what changed while nobody was there, and opens the door."""
        settings, store = self.runtime.settings, self.runtime.store
        self.runtime.gate.restore(store.holds(self.runtime.clock.now()))
        await self._adopt()
        await self._publish(None)
        self._door.open(self._listener, self.ready, self._numbers)
        log.info("started", sources=len(settings.sources), address=f"http://{settings.server.host}:{settings.server.port}/")

    async def reload_if_changed(self, *, forced: bool) -> None:
        """Reads the config again when its content has changed. A bad one changes nothing and is told."""
        seen = fingerprint(self.runtime.settings, self._also)
        if seen == self._seen and not forced:
            return
        self._seen = seen
        notify("RELOADING=1")
        try:
            settings = self._load()
            after = self._parts.runtime(settings)
        except AggregatorError as error:
            self.config_error = str(error)
            self._also = error.includes if isinstance(error, ConfigError) else ()
            self._seen = fingerprint(self.runtime.settings, self._also)
            log.error("reload_refused", error=str(error))
            self.metrics.reloaded(False)
        else:
            await self._swap(after)
        finally:
            notify("READY=1")

    async def _swap(self, after: Runtime) -> None:
        before, self.runtime = self.runtime, after
        after.gate.configure(after.settings)
        if after.settings.includes != before.settings.includes or self._also:
            self._seen = fingerprint(after.settings)
        self._also = ()
        self.config_error = None
        self.metrics.reloaded(True)
        log.info("reloaded", sources=len(after.settings.sources))
        await self._adopt()
        await self._publish(None)
        self._spawn(before.retire())

    async def _adopt(self) -> None:
        runtime, now = self.runtime, self.runtime.clock.now()

        def work() -> None:
            runtime.store.sync_sources(runtime.settings.sources, now)
            adopt.adopt(runtime.store, runtime.settings, runtime.rules, now)

        await runtime.writer.call(work)

    # --- polling
    async def tick(self) -> None:
        """Starts what is due. Raises StoreError when the store can't be written: then nothing new is asked for."""
        runtime = self.runtime
        if (error := self._store_error) is not None:
            self._store_error = None
            raise error
        await runtime.writer.flush()
        now = runtime.clock.now()
        self._dirty |= self._unpublished()
        if self._dirty:
            self._publish_soon()
        await self._answer_requests()
        busy = self.poller.in_flight
        due = [state for state in runtime.store.due(now, CLAIM + len(busy)) if state.id not in busy]
        self._follow(self.poller.start(runtime.with_sources(due)))
        await self._end_filling()
        self.metrics.scheduled(len(self.poller.in_flight), now - min((state.due for state in due), default=now))
        self._last_tick = runtime.clock.monotonic()

    def _follow(self, polls: Iterable[asyncio.Task[PollReport]]) -> None:
        for poll in polls:
            poll.add_done_callback(self._polled)

    def _polled(self, poll: asyncio.Task[PollReport]) -> None:
        if poll.cancelled():
            return
        if (error := poll.exception()) is not None:
            # Nothing was stored, so the source is still due: the next tick must not ask for it again at once.
            self._store_error = error
            return
        report = poll.result()
        log.info(
            "poll_done",
            source=report.source,
            outcome=report.outcome,
            detail=report.detail,
            new=report.new,
            ms=round(report.seconds * 1000),
        )
        self.metrics.polled(report.outcome, report.seconds, report.new, report.changed)
        self._changed(report.slugs)

    async def _take_in(self, source: Source, answer: Callable[[SourceState], Fetched]) -> None:
        """A pushed document goes the way of a polled one."""
        store = self.runtime.store
        report = await self.poller.take(source, lambda: store.states([source.id])[source.id], answer)
        log.info("push_done", source=source.id, outcome=report.outcome, detail=report.detail, new=report.new)
        self._changed(report.slugs)

    async def _end_filling(self) -> None:
        """On the first run: once every source was asked, feeds keep their newest stories."""
        runtime = self.runtime
        if not self.poller.in_flight:
            slugs = await runtime.writer.call(lambda: runtime.publisher.end_filling(runtime.clock.now()))
            self._changed(frozenset(slugs))

    def _changed(self, slugs: frozenset[Slug]) -> None:
        if slugs:
            self._dirty |= slugs
            self._publish_soon()

    async def _answer_requests(self) -> None:
        """`aggregator poll` beside a running daemon asks it to poll (requests.py)."""
        runtime = self.runtime
        request = requests.pending(runtime.store)
        if request is None:
            return
        wanted = runtime.wanted(request)
        polls = self.poller.start(wanted, forced=request.forced)
        self._follow(polls)
        self._spawn(self._finish(request, [source.id for source, _ in wanted], polls))

    async def _finish(self, request: requests.Request, ids: list[SourceId], polls: list[asyncio.Task[PollReport]]) -> None:
        others = [task for task in self.poller.tasks(ids) if task not in polls]
        results = await asyncio.gather(*polls, *others, return_exceptions=True)
        await self.runtime.writer.flush()
        await self._publish(frozenset(self._dirty))
        reports = [result for result in results if isinstance(result, PollReport)]
        await self.runtime.writer.commit(lambda transaction: requests.answer(transaction, request, reports))

    # --- publishing
    def _unpublished(self) -> set[Slug]:
        """Feeds that changed since they were last published: by a command beside the daemon, too (`stories split`)."""
        states = self.runtime.store.outputs()
        return {one.slug for one in self.runtime.settings.outputs if self._is_behind(states.get(one.slug))}

    def _is_behind(self, state: OutputState | None) -> bool:
        return state is not None and not state.withdrawn and self._revisions.get(state.slug) != state.revision

    def _publish_soon(self) -> None:
        if not self._publishing:
            self._publishing = True
            self._spawn(self._publish_later())

    async def _publish_later(self) -> None:
        await asyncio.sleep(DEBOUNCE)
        self._publishing = False
        await self._publish(frozenset(self._dirty))

    async def _publish(self, slugs: frozenset[Slug] | None) -> None:
        """Writes these feeds (None: all whose documents differ from what is published)."""
        self._dirty -= slugs or set()
        runtime, started = self.runtime, self.runtime.clock.monotonic()
        states = runtime.store.outputs()
        try:
            changed = await runtime.writer.call(lambda: runtime.publisher.publish(slugs, runtime.clock.now()))
        except AggregatorError:
            self._dirty |= {output.slug for output in runtime.settings.outputs} if slugs is None else slugs
            raise
        self._revisions |= {slug: one.revision for slug, one in states.items() if slugs is None or slug in slugs}
        if changed:
            log.info("published", feeds=len(changed))
            self.metrics.published(len(changed), runtime.clock.monotonic() - started)

    # --- the rest
    def jobs(self) -> list[Job]:
        """What is done beside the tick."""
        return [*self._upkeep.jobs(), *self._keeping.jobs(), *self._door.jobs()]

    def ready(self) -> tuple[bool, Mapping[str, object]]:
        """For `/readyz`: whether polls and publishing go on, with details. A refused config is told, but the old one works."""
        late = self.runtime.clock.monotonic() - self._last_tick
        free = shutil.disk_usage(self.runtime.settings.publish.directory).free
        fine = late < LATE_TICK and free > LEAST_DISK
        details = {"config": self.config_error or "ok", "tick": f"{late:.0f} s ago", "disk_free_bytes": free}
        return fine, details

    def _numbers(self) -> bytes:
        return self.metrics.text(self.runtime.store.counts())

    def _spawn(self, work: Coroutine[Any, Any, T]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task_failed", error=repr(error), exc_info=error)

    async def drain(self, seconds: float) -> None:
        """Lets polls end, stores and publishes what they brought, and closes everything."""
        late = await self.poller.drain(seconds)
        if late:
            log.warning("polls_cancelled", count=late)
        await self.runtime.writer.flush()
        await self._publish(frozenset(self._dirty))
        await self._door.close()
        await self.runtime.aclose()
