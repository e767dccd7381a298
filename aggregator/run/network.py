"""How the daemon talks to the world beside polls: the HTTP server with the hub, what is owed, what is pushed to us."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from aggregator.model import Fetched, Source, SourceState
from aggregator.ports import Delivery, Job, Message
from aggregator.run.runtime import InUse
from aggregator.serve.app import make_app
from aggregator.serve.ops import Administration
from aggregator.serve.server import serve
from aggregator.websub.hub import Hub
from aggregator.websub.outbox import Outbox
from aggregator.websub.subscriber import Subscriber

OUTBOX = 1.0
"""Seconds between two looks for messages that are owed."""

TakeIn = Callable[[Source, Callable[[SourceState], Fetched]], Coroutine[Any, Any, None]]


class Network:
    """in_use: what holds the runtime of each turn; take_in: what is done with a pushed document."""

    def __init__(self, in_use: InUse, take_in: TakeIn) -> None:
        self._in_use = in_use
        self._shelf = in_use.runtime.own.shelf
        self._stop = asyncio.Event()
        self._subscriber = self._make_subscriber(take_in)
        self._hub = self._make_hub()
        self._outbox = self._make_outbox()
        self._serving: asyncio.Task[None] | None = None

    def open(
        self,
        listener: socket.socket,
        ready: Callable[[], tuple[bool, Mapping[str, object]]],
        details: Callable[[], Mapping[str, object]],
        metrics: Callable[[], bytes],
    ) -> None:
        """Starts serving. ready, details, metrics: for `/readyz` and `/metrics`."""
        administration = Administration(lambda: self._in_use.runtime.settings.server.admin, details)
        more = [*self._hub.endpoints(), *self._subscriber.endpoints()]
        app = make_app(self._shelf, ready=ready, metrics=metrics, administration=administration, more=more)
        self._serving = asyncio.create_task(serve(app, listener, self._stop, self._in_use.runtime.shares.connections))

    def jobs(self) -> list[Job]:
        return [*self._subscriber.jobs(), Job("outbox", OUTBOX, self._outbox.work)]

    def _make_hub(self) -> Hub:
        in_use = self._in_use
        return Hub(
            self._shelf,
            in_use.runtime.store,
            in_use.runtime.writer.commit,
            lambda: in_use.runtime.messenger,
            lambda: in_use.runtime.settings.site.url if in_use.runtime.settings.publish.websub is True else None,
            in_use.runtime.clock.now,
        )

    def _make_subscriber(self, take_in: TakeIn) -> Subscriber:
        in_use = self._in_use
        return Subscriber(
            in_use.runtime.store,
            in_use.runtime.writer.commit,
            lambda: in_use.runtime.messenger,
            lambda: in_use.runtime.settings,
            in_use.runtime.clock.now,
            take_in,
        )

    def _make_outbox(self) -> Outbox:
        in_use = self._in_use

        def composing(kind: str) -> Callable[[Delivery], Message | None]:
            return lambda delivery: in_use.runtime.compose[kind](delivery)

        compose = {kind: composing(kind) for kind in in_use.runtime.compose}
        return Outbox(
            in_use.runtime.store,
            in_use.runtime.writer.commit,
            lambda: in_use.runtime.messenger,
            compose,
            in_use.runtime.clock.now,
        )

    def stop(self) -> None:
        """No new requests; answers under way have some seconds to end."""
        self._stop.set()

    async def close(self) -> None:
        """Lets answers under way end. What is owed stays owed; what was pushed and acknowledged is stored."""
        self.stop()
        await self._hub.drain()
        await self._subscriber.drain()
        await self._outbox.drain()
        if self._serving is not None:
            await self._serving
