"""A node that serves what the leader publishes: in the role `web`, and while it stands by to lead."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog

from aggregator.errors import AggregatorError, StoreError, UnreachableError
from aggregator.model import Fetched, Source, SourceState
from aggregator.ports import Attendance
from aggregator.publish.shared_documents import tokens_of
from aggregator.publish.shelf import Answer, Knows, Shelf
from aggregator.run.config_in_use import keep_until_restart
from aggregator.run.monitoring.metrics import Metrics
from aggregator.run.network import Network
from aggregator.run.nodes.config_watch import ConfigWatch
from aggregator.run.nodes.copies import Copies
from aggregator.run.nodes.pushes import NodePushes
from aggregator.run.nodes.roles import STANDBY, ConfigComparison, config_differs
from aggregator.run.nodes.stop import Stop
from aggregator.run.nodes.wiring import Wiring
from aggregator.run.runtime import CurrentRuntime, Resources, Retiring
from aggregator.run.systemd import notify
from aggregator.serve.server import listen

log = structlog.get_logger("web")

CONFIG_CHECK = 2.0
"""Seconds between two looks at the config file."""
MEANWHILE = "the database does not answer at the moment"


class WebNode:
    """Serves from `start` to `close`. It needs the database only for pages made on demand, search, and the hub.

    role: as `/readyz` tells it. Raises AggregatorError if its config can't be used.
    """

    def __init__(self, resources: Resources, config: ConfigWatch, wiring: Wiring, role: str) -> None:
        assert resources.attendance is not None  # only where several share the database does one node serve for another
        assert resources.store.cluster is not None
        self._resources, self._config, self._wiring, self._role = resources, config, wiring, role
        self._attendance: Attendance = resources.attendance
        self._in_use = config.settings
        self._current = CurrentRuntime(wiring.make_runtime(config.settings, resources))
        self._pushes = NodePushes(wiring.make_polling_runtime(config.settings, resources))
        self._metrics, self._comparison = Metrics(leads=False), ConfigComparison()
        self._metrics.record_role("web" if role == "web" else STANDBY)
        self._network = Network(self._current, self._receive_push, lambda service, outcome: None)
        self._tokens = tokens_of(config.settings)
        cluster, shelf = resources.store.cluster, resources.shelf
        self._copies = Copies(cluster, shelf, resources.clock, lambda: self._tokens, self._follow_leader)
        self._retiring = Retiring()

    async def start(self, listener: socket.socket) -> None:
        """Loads what is published and starts serving. The listener is closed at the end."""
        self._resources.shelf.on_demand = self._answer
        await self._copies.start()
        self._network.start(listener, self.ready, self.details, self._render_metrics)

    def use_config(self) -> None:
        """Takes up the config that was read last. The leader adopts what the database needs of it."""
        self._comparison.look(self._attendance.nodes)
        if self._config.settings is self._in_use:
            return
        self._in_use, before = self._config.settings, (self._current.runtime, self._pushes.runtime)
        settings, keys = keep_until_restart(before[0].settings, self._in_use)
        try:
            self._current.runtime = self._wiring.make_runtime(settings, self._resources)
        except AggregatorError as error:
            self._config.is_refused = True
            log.error("reload_refused", error=str(error))
            return
        if keys:
            log.warning("restart_needed", keys=keys)
        log.info("reloaded", sources=len(settings.sources))
        self._tokens = tokens_of(settings)
        self._copies.load_anew()
        self._pushes = NodePushes(self._wiring.make_polling_runtime(settings, self._resources))
        for runtime in before:
            self._retiring.add(runtime)

    async def stop_loading(self) -> None:
        """Goes on serving what it holds. From now on only this process's own publisher changes the shelf."""
        await self._copies.stop()

    async def close(self) -> None:
        await self._copies.stop()
        self._retiring.stop()
        await self._retiring.close()
        await self._network.close()
        await self._current.runtime.close()
        await self._pushes.runtime.close()

    # --- what is asked of it
    def _answer(self, path: str, knows: Knows) -> Answer | None:
        """What is made on demand. Nobody waits for a server that is known to be away."""
        if self._copies.trouble is not None:
            raise UnreachableError(MEANWHILE)
        return self._current.runtime.publisher.answer(path, knows)

    def _follow_leader(self) -> None:
        self._current.runtime.publisher.follow(self._resources.clock.now())

    async def _receive_push(self, source: Source, answer: Callable[[SourceState], Fetched]) -> None:
        await self._pushes.receive(source, answer)

    def ready(self) -> tuple[bool, Mapping[str, object]]:
        """Answers `/readyz`: ready with any documents, however old, so that no proxy takes all nodes out at once."""
        copies, nodes = self._copies, self._attendance.nodes
        return copies.are_loaded, {
            "role": self._role,
            "documents": ("stale" if copies.are_stale else "ok") if copies.are_loaded else "none",
            "database": "ok" if copies.trouble is None else "refused",
            "leader": "ok" if self._attendance.is_led else "none",
            "config": "refused" if self._config.is_refused else "differs" if config_differs(nodes) else "ok",
        }

    def details(self) -> Mapping[str, object]:
        """Answers `/readyz` for the administrator. Who leads is an address: nobody else sees it."""
        _, parts = self.ready()
        nodes = [f"{node.role}: {node.name}" for node in self._attendance.nodes]
        parts = {**parts, "database": self._copies.trouble or "ok", "revision": self._copies.revision, "nodes": nodes}
        try:
            return {**parts, "leader": self._resources.store.holder()}
        except StoreError:
            return parts

    def _render_metrics(self) -> bytes:
        self._metrics.record_documents(self._copies.age)
        self._metrics.record_leader(is_led=self._attendance.is_led)
        return self._metrics.render({})


async def serve_web(config: ConfigWatch, wiring: Wiring) -> None:
    """Runs the role `web` until it is told to stop."""
    server, stop = config.settings.server, Stop()
    stop.watch()
    with listen(server.host, server.port) as listener:
        resources = wiring.make_resources(config.settings, Shelf())
        try:
            node = WebNode(resources, config, wiring, "web")
            await node.start(listener.dup())
            wiring.spare_collector()
            log.info("serves", address=f"http://{server.host}:{server.port}/")
            notify("READY=1")
            while not await stop.within(CONFIG_CHECK):
                notify("WATCHDOG=1")
                await asyncio.to_thread(config.look)
                node.use_config()
            notify("STOPPING=1")
            await node.close()
        finally:
            with suppress(StoreError):
                await resources.writer.aclose()
            await resources.aclose()
