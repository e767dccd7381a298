"""What the daemon runs: polls as they fall due, publishing soon after, and reload by swapping one whole runtime for another."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import structlog

from aggregator.errors import AggregatorError, ConfigError
from aggregator.model import Fetched, Instant, Source, SourceId, SourceState
from aggregator.pipeline import PollReport
from aggregator.ports import Job, PollRequest
from aggregator.publish import filling
from aggregator.run import health, poll_requests, reload
from aggregator.run.health import Condition
from aggregator.run.maintenance import Maintenance
from aggregator.run.metrics import Metrics
from aggregator.run.network import Network
from aggregator.run.periodic import PeriodicWork
from aggregator.run.poller import LEASE, Poller
from aggregator.run.private_files import tighten_at_start
from aggregator.run.publishing import FeedPublishing
from aggregator.run.readiness import Readiness, free_bytes
from aggregator.run.rescue import Rescue
from aggregator.run.runtime import InUse, MakeRuntime, Runtime
from aggregator.run.systemd import notify
from aggregator.settings import Settings
from aggregator.stories import adopt_config

log = structlog.get_logger("service")
T = TypeVar("T")

CLAIM = 500
"""Due sources taken up in one tick at most."""


class Service:
    """See daemon.Service. `load` reads the config and checks it; it raises AggregatorError, and then nothing is changed."""

    def __init__(self, runtime: Runtime, load: Callable[[], Settings], make: MakeRuntime, listener: socket.socket) -> None:
        self._load = load
        self._make = make
        self._listener = listener
        self._tasks: set[asyncio.Task[Any]] = set()
        self._retiring: set[asyncio.Task[None]] = set()
        self._store_error: BaseException | None = None
        self._missed: set[SourceId] = set()
        self._refused: str | None = None
        self._in_use = InUse(runtime)
        self._rescue = Rescue(self._in_use)
        self.look, self.may_end = self._rescue.look, self._rescue.may_end
        self._is_adopted = False
        self._reloading = asyncio.Lock()
        self.config_error: str | None = None
        self.held: tuple[str, ...] = ()
        self._own = runtime.own
        self._own.current.use(runtime.pipeline)
        self.poller = Poller(self._in_use, runtime.settings.polling.workers, runtime.shares.polls)
        self._seen = reload.fingerprint(runtime.settings)
        self._also: tuple[Path, ...] = ()
        self.metrics = Metrics()
        self._last_tick = self.runtime.clock.monotonic()
        self._network = Network(self._in_use, self._take_in)
        self._maintenance = Maintenance(self._in_use)
        self._publishing = FeedPublishing(self._in_use, self.metrics, self._spawn)
        self._periodic = PeriodicWork(self._in_use, self._publishing.changed, self.metrics, self._troubles)

    @property
    def runtime(self) -> Runtime:
        """The one of the config in use."""
        return self._in_use.runtime

    # --- start and reload
    async def start(self) -> None:
        """Adopts the config, publishes what changed while nobody was there, and opens the door."""
        settings, store = self.runtime.settings, self.runtime.store
        tighten_at_start(settings)
        self.runtime.gate.restore(store.holds(self.runtime.clock.now()))
        await self._adopt()
        await self._publishing.publish(whole=True)
        self._network.open(self._listener, self.ready, self.details, self._numbers)
        if not (shares := self.runtime.shares).all:
            log.warning("few_descriptors", connections=shares.connections, polls=shares.polls)
        log.info("started", sources=len(settings.sources), address=f"http://{settings.server.host}:{settings.server.port}/")

    async def reload_if_changed(self, *, forced: bool) -> None:
        """Reads the config again when its content has changed. A bad one changes nothing and is told."""
        async with self._reloading:
            seen = reload.fingerprint(self.runtime.settings, self._also)
            if seen == self._seen and not forced:
                return
            self._seen = seen
            notify("RELOADING=1")
            try:
                await self._reload()
            finally:
                notify("READY=1")

    async def _reload(self) -> None:
        try:
            settings, held = reload.held(self.runtime.settings, await asyncio.to_thread(self._load))
            after = self._make(settings, self._own)
        except AggregatorError as error:
            self.config_error = str(error)
            self._also = error.includes if isinstance(error, ConfigError) else ()
            self._seen = reload.fingerprint(self.runtime.settings, self._also)
            log.error("reload_refused", error=str(error))
            self.metrics.reloaded(False)
            return
        if held:
            log.warning("restart_needed", keys=held)
        self.held, self.config_error = held, None
        await self._swap(after)

    async def _swap(self, after: Runtime) -> None:
        """From here on the new config counts. What the disk refuses of it now is done by a later tick."""
        before, self._in_use.runtime = self.runtime, after
        self._own.current.use(after.pipeline)
        self._retire(before)
        after.gate.configure(after.settings)
        self.poller.configure(after.settings.polling.workers, after.shares.polls)
        if after.settings.includes != before.settings.includes or self._also:
            self._seen = reload.fingerprint(after.settings)
        self._also = ()
        self.metrics.reloaded(True)
        log.info("reloaded", sources=len(after.settings.sources))
        self._is_adopted = False
        try:
            await self._adopt()
        except AggregatorError as error:
            log.error("adopt_failed", error=str(error))
            return
        await self._publishing.try_all(whole=True)

    async def _adopt(self) -> None:
        """Makes the store follow the config. States of polls that ended under the last one are stored before."""
        runtime, now = self.runtime, self.runtime.clock.now()

        def work() -> None:
            runtime.store.sync_sources(runtime.settings.sources, now)
            adopt_config.adopt(runtime.store, runtime.settings, lambda: runtime.rules, now)

        await runtime.writer.flush()
        await runtime.writer.call(work)
        if runtime is self.runtime:
            self._is_adopted = True

    def _retire(self, before: Runtime) -> None:
        task = asyncio.create_task(before.retire())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def _troubles(self) -> Iterable[Condition]:
        return health.of_config(self.config_error, self.held)

    # --- polling
    async def tick(self) -> None:
        """Starts what is due. Raises StoreError when the store can't be written: then nothing new is asked for."""
        try:
            await self._turn()
        except AggregatorError as error:
            self._refused = str(error)
            raise
        self._refused = None

    async def _turn(self) -> None:
        runtime = self.runtime
        if (error := self._store_error) is not None:
            self._store_error = None
            raise error
        await runtime.writer.flush()
        if not self._is_adopted:
            await self._adopt()
            await self._publishing.try_all(whole=True)
        now = runtime.clock.now()
        self._publishing.look()
        await self._answer_requests()
        self._make_good()
        due = await self._claim(now)
        self._follow(self.poller.start(runtime.with_sources(due)))
        await self._end_filling()
        self.metrics.scheduled(len(self.poller.in_flight), now - min((state.due for state in due), default=now))
        self._last_tick = runtime.clock.monotonic()

    async def _claim(self, now: Instant) -> list[SourceState]:
        """Takes up what is due. Its next due time is in the store before anyone is asked: a crash doesn't ask at each start."""
        runtime, busy = self.runtime, self.poller.in_flight
        if all(state.id in busy for state in runtime.store.due(now, 1 + len(busy))):
            return []
        return await runtime.writer.commit(lambda transaction: transaction.claim(now, CLAIM, now + LEASE, busy))

    def _make_good(self) -> None:
        """Asks for what was pushed and acknowledged, but could not be stored."""
        missed, self._missed = self._missed - self.poller.in_flight, self._missed & self.poller.in_flight
        if missed:
            states = self.runtime.store.states(missed)
            self._follow(self.poller.start(self.runtime.with_sources(list(states.values())), forced=True))

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
        self.metrics.beyond_budget(report.grouped, report.refused)
        self._publishing.changed(report.slugs)

    async def _take_in(self, source: Source, answer: Callable[[SourceState], Fetched]) -> None:
        """A pushed document goes the way of a polled one."""

        async def fresh() -> SourceState:
            await self.runtime.writer.flush()
            return self.runtime.store.states([source.id])[source.id]

        try:
            report = await self.poller.take(source, fresh, answer)
        except AggregatorError as error:
            self._missed.add(source.id)
            self._store_error = error
            return
        log.info("push_done", source=source.id, outcome=report.outcome, detail=report.detail, new=report.new)
        self._publishing.changed(report.slugs)

    async def _end_filling(self) -> None:
        """On the first run: once every source was asked, feeds keep their newest stories."""
        runtime = self.runtime
        if not filling.is_under_way(runtime.store, runtime.settings):
            return
        slugs = await runtime.writer.call(lambda: filling.end(runtime.store, runtime.settings, runtime.clock.now()))
        self._publishing.changed(frozenset(slugs))

    async def _answer_requests(self) -> None:
        """`aggregator poll` beside a running daemon asks it to poll (poll_requests.py)."""
        runtime = self.runtime
        if not runtime.store.poll_requests():
            return
        for request in await runtime.writer.call(lambda: poll_requests.take(runtime.store)):
            wanted = runtime.wanted(request, self.poller.in_flight)
            polls = self.poller.start(wanted, forced=request.forced)
            self._follow(polls)
            self._spawn(self._finish(request, [source.id for source, _ in wanted], polls))

    async def _finish(self, request: PollRequest, ids: list[SourceId], polls: list[asyncio.Task[PollReport]]) -> None:
        """Answers when the polls are stored and published, or could not be published: then the log says why."""
        others = [task for task in self.poller.tasks(ids) if task not in polls]
        results = await asyncio.gather(*polls, *others, return_exceptions=True)
        runtime = self.runtime
        await runtime.writer.flush()
        await self._publishing.try_all(whole=False)
        reports = [result for result in results if isinstance(result, PollReport)]
        await runtime.writer.call(lambda: poll_requests.answer(runtime.store, request, reports))

    # --- the rest
    def jobs(self) -> list[Job]:
        """What is done beside the tick."""
        return [*self._periodic.jobs(), *self._maintenance.jobs(), *self._network.jobs()]

    def ready(self) -> tuple[bool, Mapping[str, object]]:
        """For `/readyz`: whether polls and publishing go on, with what anybody may know."""
        now = self._readiness()
        return now.is_ready, now.public()

    def details(self) -> Mapping[str, object]:
        """For `/readyz`: the reasons, for whoever runs the service."""
        return self._readiness().details()

    def _readiness(self) -> Readiness:
        return Readiness(
            self.runtime.clock.monotonic() - self._last_tick,
            free_bytes(self.runtime.settings.publish.directory),
            self.config_error,
            self._rescue.why or self._refused,
            self._publishing.refused,
            self.held,
        )

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
        """Lets polls and answers end, stores and publishes what came, and closes everything."""
        self._network.stop()
        for task in self._retiring:
            task.cancel()
        late = await self.poller.drain(seconds)
        if late:
            log.warning("polls_cancelled", count=late)
        await self._network.close()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        try:
            await self.runtime.writer.flush()
            await self._publishing.publish()
        finally:
            await self.runtime.aclose()
