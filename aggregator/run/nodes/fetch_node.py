"""A node that asks sources for whoever leads: it stores the states of its sources, and hands over the documents that it reads."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

import structlog

from aggregator.errors import AggregatorError
from aggregator.ports import Attendance, Cluster, Job
from aggregator.run import scheduler
from aggregator.run.config_in_use import keep_until_restart
from aggregator.run.jobs.opml_lists import OpmlLists
from aggregator.run.monitoring.metrics import Metrics
from aggregator.run.monitoring.readiness import LATE_TICK
from aggregator.run.nodes.config_watch import ConfigWatch
from aggregator.run.nodes.roles import ConfigComparison
from aggregator.run.polls.due_polls import DuePolls
from aggregator.run.runtime import MakePollingRuntime, PollingRuntime, Resources, Retiring
from aggregator.run.systemd import notify
from aggregator.serve.operator_app import make_operator_app
from aggregator.serve.ops import Administration
from aggregator.serve.server import listen, serve

log = structlog.get_logger("fetch_node")

FULL = 1_000
"""Documents in the inbox with which no more sources are claimed: the leader is behind, or there is none."""
LISTS = 60.0
"""Seconds between two looks whether an OPML list is to be fetched."""
ELSEWHERE = "this node asks sources; ask one that serves"


async def run_fetch_node(config: ConfigWatch, resources: Resources, make: MakePollingRuntime) -> None:
    """Runs until it is told to stop. Raises AggregatorError if the port is taken."""
    server = config.settings.server
    with listen(server.host, server.port) as listener:
        await scheduler.run(FetchNode(config, make(config.settings, resources), make, listener.dup()))


class FetchNode:
    """Implements scheduler.Service."""

    def __init__(self, config: ConfigWatch, runtime: PollingRuntime, make: MakePollingRuntime, listener: socket.socket) -> None:
        cluster, attendance = runtime.store.cluster, runtime.resources.attendance
        assert cluster is not None
        assert attendance is not None
        self._cluster: Cluster = cluster
        self._attendance: Attendance = attendance
        self._config, self._make, self._listener = config, make, listener
        self.runtime = runtime
        runtime.resources.current.use(runtime.pipeline)
        self.metrics = Metrics(leads=False)
        self.polls = DuePolls(self, self.metrics, lambda report: None, is_shared=True)
        self._lists = OpmlLists()
        self._retiring = Retiring()
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._last_tick = runtime.clock.monotonic()
        self._tick_error: str | None = None
        self._comparison = ConfigComparison()
        self._is_full = False

    async def start(self) -> None:
        runtime = self.runtime
        runtime.gate.restore(runtime.store.holds(runtime.clock.now()))
        admin = Administration(lambda: self.runtime.settings.server.admin, details=self.details)
        site_url = lambda: self.runtime.settings.site.url  # noqa: E731
        app = make_operator_app(self.ready, self._render_metrics, admin, site_url, ELSEWHERE)
        self._serving = asyncio.create_task(serve(app, self._listener, self._stop, runtime.shares.connections))
        log.info("asks_sources", sources=len(runtime.settings.sources))

    def jobs(self) -> list[Job]:
        return [Job("lists", LISTS, self._refresh_lists)]

    def queue(self) -> None:
        """Its jobs are this node's own."""

    async def _refresh_lists(self) -> None:
        """Fetches OPML lists for this node's own copy of the config."""
        await self._lists.refresh(self.runtime.settings, self.runtime.fetcher, self.runtime.clock.now())

    def may_be_killed(self) -> bool:
        return True

    async def check_database(self) -> None:
        """A lost connection is the tick's to notice: it claims nothing then."""

    # --- polls
    async def tick(self) -> None:
        """Starts what is due of this node's share. Raises StoreError if the server does not answer."""
        try:
            await self._tick()
        except AggregatorError as error:
            self._tick_error = str(error)
            raise
        self._tick_error = None

    async def _tick(self) -> None:
        runtime = self.runtime
        self.polls.raise_store_error()
        await runtime.writer.flush()
        self._comparison.look(self._attendance.nodes)
        waiting = await asyncio.to_thread(self._cluster.inbox.count)
        lag = 0.0 if self._is_too_full(waiting) else await self.polls.start(runtime.clock.now())
        self.metrics.record_tick(len(self.polls.poller.in_flight), lag)
        self.metrics.record_node("fetch", self._attendance.shards, waiting)
        self._last_tick = runtime.clock.monotonic()

    def _is_too_full(self, waiting: int) -> bool:
        """Whether so many documents wait that no more are to be read; tells it once."""
        if (is_full := waiting >= FULL) != self._is_full:
            self._is_full = is_full
            log.warning("inbox_full", waiting=waiting) if is_full else log.info("inbox_has_room", waiting=waiting)
        return is_full

    # --- the config
    async def reload_if_changed(self, *, forced: bool) -> None:
        """Takes up another config. An invalid config is reported and changes nothing."""
        before = self._config.settings
        await asyncio.to_thread(self._config.look, forced=forced)
        self.metrics.record_reload(not self._config.is_refused)
        if self._config.settings is before:
            return
        notify("RELOADING=1")
        settings, restart_keys = keep_until_restart(self.runtime.settings, self._config.settings)
        if restart_keys:
            log.warning("restart_needed", keys=restart_keys)
        old, self.runtime = self.runtime, self._make(settings, self.runtime.resources)
        self.runtime.resources.current.use(self.runtime.pipeline)
        self.runtime.gate.configure(settings)
        self.polls.poller.configure(settings.polling.workers, self.runtime.shares.polls)
        self._retiring.add(old)
        log.info("reloaded", sources=len(settings.sources))
        notify("READY=1")

    # --- what it tells
    def ready(self) -> tuple[bool, Mapping[str, object]]:
        """Answers `/readyz`."""
        since_tick = self.runtime.clock.monotonic() - self._last_tick
        is_ready = self._attendance.is_connected and self._tick_error is None and self.polls.outage.why is None
        return is_ready and since_tick < LATE_TICK, self._parts(since_tick)

    def details(self) -> Mapping[str, object]:
        """Answers `/readyz` for the administrator."""
        outage = {"network": self.polls.outage.why} if self.polls.outage.why else {}
        error = {"database": self._tick_error} if self._tick_error else {}
        nodes = [f"{node.role}: {node.name}" for node in self._attendance.nodes]
        return {**self._parts(self.runtime.clock.monotonic() - self._last_tick), **outage, **error, "nodes": nodes}

    def _render_metrics(self) -> bytes:
        self.metrics.record_leader(is_led=self._attendance.is_led)
        return self.metrics.render({})

    def _parts(self, since_tick: float) -> dict[str, object]:
        config = "refused" if self._config.is_refused else "differs" if self._comparison.differs else "ok"
        return {
            "role": "fetch",
            "config": config,
            "database": "ok" if self._attendance.is_connected and self._tick_error is None else "refused",
            "leader": "ok" if self._attendance.is_led else "none",
            "inbox": "full" if self._is_full else "ok",
            "network": "ok" if self.polls.outage.why is None else "no source can be read",
            "tick": f"{since_tick:.0f} s ago",
        }

    async def drain(self, seconds: float) -> None:
        """Lets polls end, stores what they brought, and closes everything."""
        self._stop.set()
        self._retiring.stop()
        if cancelled := await self.polls.poller.drain(seconds):
            log.warning("polls_cancelled", count=cancelled)
        if self._serving is not None:
            await self._serving
        await self._retiring.close()
        try:
            await self.runtime.writer.aclose()
        finally:
            await self.runtime.aclose()
