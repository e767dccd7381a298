"""The daemon's parts put together: what happens at start, in each tick, and at the end. The scheduler decides when."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

import structlog

from aggregator.errors import AggregatorError, StoreError, UnreachableError
from aggregator.ports import Job
from aggregator.run.background import BackgroundTasks
from aggregator.run.jobs.articles import Articles
from aggregator.run.jobs.maintenance import Maintenance
from aggregator.run.jobs.periodic import PeriodicWork
from aggregator.run.jobs.uploading import Uploading
from aggregator.run.monitoring import health
from aggregator.run.monitoring.health_watch import HealthWatch
from aggregator.run.monitoring.metrics import Metrics
from aggregator.run.monitoring.readiness import Readiness, free_bytes
from aggregator.run.network import Network
from aggregator.run.polls.polling import Polling
from aggregator.run.private_files import restrict_private_files
from aggregator.run.publishing import FeedPublishing
from aggregator.run.reload import ConfigReload
from aggregator.run.rescue import Rescue
from aggregator.run.runtime import CurrentRuntime, MakeRuntime, Runtime
from aggregator.run.scheduler import JobQueue
from aggregator.settings import Settings

log = structlog.get_logger("service")


class Service:
    """Implements scheduler.Service. load: reads and checks the config, raises AggregatorError; make: wires it.

    serves: called once this serves, in place of what served before.
    """

    def __init__(
        self,
        runtime: Runtime,
        load: Callable[[], Settings],
        make: MakeRuntime,
        listener: socket.socket,
        serves: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self._listener, self._serves = listener, serves
        self._current = current = CurrentRuntime(runtime)
        runtime.resources.current.use(runtime.pipeline)
        self.metrics = metrics = Metrics()
        self.background = background = BackgroundTasks()
        self.publishing = publishing = FeedPublishing(current, metrics, background)
        self.polling = Polling(current, publishing, metrics, background)
        self.config = ConfigReload(current, load, make, self.polling.poller, publishing, metrics)
        self.periodic = PeriodicWork(current, publishing.mark_changed, metrics.record_answer)
        self.articles = Articles(
            current, publishing.mark_changed, metrics.record_article, lambda: self.polling.outage.why is not None
        )
        self.health = HealthWatch(current, metrics, self._conditions)
        self.network = Network(current, self.polling.receive_push, metrics.record_message)
        self._maintenance = Maintenance(current)
        self._rescue = Rescue(current)
        self.uploading = Uploading(current, metrics.record_objects)
        self._last_tick = runtime.clock.monotonic()
        self._tick_error: str | None = None
        self.may_be_killed = self._rescue.may_be_killed
        self.reload_if_changed = self.config.reload_if_changed

    @property
    def runtime(self) -> Runtime:
        """The runtime of the config in use."""
        return self._current.runtime

    async def start(self) -> None:
        """Adopts the config, publishes what has changed since the last run, and starts serving."""
        settings, store, shares = self.runtime.settings, self.runtime.store, self.runtime.shares
        restrict_private_files(settings)
        self.runtime.gate.restore(store.holds(self.runtime.clock.now()))
        await self.config.adopt()
        await self.polling.due.recall_outage()
        self.publishing.outage = self.polling.outage.why
        await self.publishing.publish(everything=True)
        self._recall_success()
        if self.polling.arrivals is not None:
            self.polling.arrivals.start()
        self.network.start(self._listener, self.ready, self.details, self._render_metrics)
        if self._serves is not None:
            self.background.start(self._serves())
        if not shares.is_ample:
            log.warning("few_descriptors", connections=shares.connections, polls=shares.polls)
        log.info("started", sources=len(settings.sources), address=f"http://{settings.server.host}:{settings.server.port}/")

    def _recall_success(self) -> None:
        """Sets the metric of the last success before anybody asks for it: monitors alert on an old one."""
        if (last := self.runtime.store.last_success()) is not None:
            self.metrics.record_success(last)

    def jobs(self) -> list[Job]:
        """The jobs that run beside the tick."""
        parts = (self.periodic, self.articles, self.health, self._maintenance, self.uploading, self.network)
        return [job for part in parts for job in part.jobs()]

    def queue(self) -> JobQueue | None:
        """The queue of the jobs that are to be done once, where several nodes share the database."""
        cluster = self.runtime.store.cluster
        return None if cluster is None else cluster.run_jobs

    def _conditions(self) -> Iterator[health.Condition]:
        """Yields what is wrong with the daemon itself, for the health events."""
        yield from self.config.conditions()
        yield from self.polling.outage.conditions()
        yield from health.daemon_conditions(
            {
                "database": self._rescue.problem or self._tick_error,
                "publishing": self.publishing.error or self.uploading.error,
                "backup": self._maintenance.backup_error,
            }
        )

    async def check_database(self) -> None:
        """Raises LeadershipLostError or DatabaseLostError if this process can't go on with the database."""
        try:
            self.runtime.store.confirm_lead()
        except UnreachableError as error:
            self._tick_error = str(error)
            raise
        await self._rescue.check_database()

    async def tick(self) -> None:
        """Starts what is due. Raises StoreError if the store can't be written; then no new polls start."""
        try:
            await self._tick()
        except AggregatorError as error:
            self._tick_error = str(error)
            raise
        self._tick_error = None

    async def _tick(self) -> None:
        runtime = self.runtime
        self.polling.due.raise_store_error()
        await runtime.writer.flush()
        await self.config.retry_adopt()
        now = runtime.clock.now()
        self._tell_outage()
        self.publishing.find_changes()
        await self.polling.start_requested()
        self.polling.poll_unstored_pushes()
        lag = await self.polling.due.start(now)
        await self.polling.end_filling()
        self.metrics.record_tick(len(self.polling.poller.in_flight), lag)
        await self._record_node()
        self._last_tick = runtime.clock.monotonic()

    async def _record_node(self) -> None:
        """Tells the metrics what this process does among several nodes."""
        attendance, cluster = self.runtime.resources.attendance, self.runtime.store.cluster
        if attendance is not None and cluster is not None and attendance.nodes:
            waiting = await asyncio.to_thread(cluster.inbox.count)
            self.metrics.record_node(attendance.nodes[0].role, attendance.shards, waiting)

    def _tell_outage(self) -> None:
        """Has pages and health events tell an outage, or its end, at once."""
        if self.publishing.outage != (why := self.polling.outage.why):
            self.publishing.outage = why
            self.background.start(self.health.check())

    def ready(self) -> tuple[bool, Mapping[str, object]]:
        """Answers `/readyz`: whether polling and publishing work, with details that anybody may see."""
        readiness = self._readiness()
        return readiness.is_ready, readiness.public()

    def details(self) -> Mapping[str, object]:
        """Answers `/readyz` for the administrator: with reasons."""
        return self._readiness().details()

    def _readiness(self) -> Readiness:
        return Readiness(
            self.runtime.clock.monotonic() - self._last_tick,
            free_bytes(self.runtime.settings),
            self.config.error,
            self._rescue.problem or self._tick_error,
            self.publishing.error,
            self.polling.outage.why or self.health.stale,
            self.config.restart_keys,
            self.uploading.error,
        )

    def _render_metrics(self) -> bytes:
        """Renders the metrics, without figures of the database while it does not answer: that is when they are needed."""
        try:
            counts = self.runtime.store.counts()
        except StoreError:
            counts = {}
        return self.metrics.render(counts)

    async def drain(self, seconds: float) -> None:
        """Lets polls and answers end, stores and publishes their results, and closes everything."""
        self.network.stop()
        self.config.retiring.stop()
        if self.polling.arrivals is not None:
            await self.polling.arrivals.stop()
        await self.articles.stop()
        await self.periodic.enriching.drain()
        cancelled = await self.polling.poller.drain(seconds)
        if cancelled:
            log.warning("polls_cancelled", count=cancelled)
        await self.uploading.close()
        await self.network.close()
        await self.config.retiring.close()
        try:
            await self.runtime.writer.flush()
            await self.publishing.publish()
        finally:
            await self.background.end()
            await self.runtime.aclose()
