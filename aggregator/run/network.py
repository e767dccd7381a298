"""The daemon's other traffic beside polls: the HTTP server with the WebSub hub, the outbox, and pushes from other hubs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from aggregator.channels.outbox import ChannelOutbox
from aggregator.errors import StoreError
from aggregator.model import Fetched, Source, SourceState
from aggregator.ports import Delivery, Job, Message
from aggregator.publish.pages.status_page import Status
from aggregator.publish.selection import private
from aggregator.publish.site import sitemap
from aggregator.run.monitoring import status
from aggregator.run.runtime import CurrentRuntime
from aggregator.serve.app import make_app
from aggregator.serve.ops import Administration
from aggregator.serve.search import SearchPages
from aggregator.serve.server import serve
from aggregator.serve.status import StatusPage
from aggregator.websub.hub import Hub
from aggregator.websub.outbox import Outbox
from aggregator.websub.subscriber import Subscriber

EVENTS_SHOWN = 100
"""Events on the status page."""
OUTBOX_CHECK = 1.0
"""Seconds between two checks for messages to send."""

ReceivePush = Callable[[Source, Callable[[SourceState], Fetched]], Coroutine[Any, Any, None]]


class Network:
    """Wires the server, hub, subscriber and outbox to the runtime in use.

    receive: stores a pushed document; record_message: called with a channel's service, and what came of a message to it.
    """

    def __init__(self, current: CurrentRuntime, receive: ReceivePush, record_message: Callable[[str, str], None]) -> None:
        self._current = current
        self._shelf = current.runtime.resources.shelf
        self._stop = asyncio.Event()
        self._hid = True
        self._subscriber = self._make_subscriber(receive)
        self._hub = self._make_hub()
        self._outbox = self._make_outbox()
        self._channels = ChannelOutbox(
            current.runtime.store,
            current.runtime.writer.commit,
            lambda: current.runtime.channels,
            current.runtime.clock.now,
            record_message,
        )
        self._serving: asyncio.Task[None] | None = None

    def start(
        self,
        listener: socket.socket,
        ready: Callable[[], tuple[bool, Mapping[str, object]]],
        details: Callable[[], Mapping[str, object]],
        metrics: Callable[[], bytes],
    ) -> None:
        """Starts serving. ready, details and metrics answer `/readyz` and `/metrics`."""
        administration = Administration(lambda: self._current.runtime.settings.server.admin, self._hides, details)
        more = [*self._hub.endpoints(), *self._subscriber.endpoints()]
        current = self._current
        search = SearchPages(lambda: current.runtime.settings, current.runtime.store, current.runtime.clock.now)
        page = StatusPage(administration, lambda: current.runtime.settings, lambda: self._status(details()), search)
        app = make_app(
            self._shelf,
            ready=ready,
            metrics=metrics,
            administration=administration,
            more=more,
            site_url=lambda: current.runtime.settings.site.url,
            settings=lambda: current.runtime.settings,
            sitemap=lambda: sitemap.document(current.runtime.settings, current.runtime.store),
            pages=[*search.routes(), *page.routes()],
        )
        self._serving = asyncio.create_task(serve(app, listener, self._stop, self._current.runtime.shares.connections))

    def _status(self, parts: Mapping[str, object]) -> Status:
        """What the status page tells. parts: see `Status`."""
        runtime = self._current.runtime
        settings, store = runtime.settings, runtime.store
        sources = status.source_rows(settings, store, settings.sources, runtime.clock.now())
        events, problems = (
            store.events(EVENTS_SHOWN),
            [*status.daemon_problems(settings, store), *status.hook_lines(settings, store, failing=True)],
        )
        return Status(parts, problems, sources, status.feed_rows(settings, store), events)

    def _hides(self) -> bool:
        """Whether anything is private; while the database can't be asked, whether anything was."""
        runtime = self._current.runtime
        has_private_feeds = any(output.token is not None for output in runtime.settings.outputs)
        with suppress(StoreError):
            self._hid = has_private_feeds or bool(private.wanted_sources(runtime.store, runtime.settings))
        return self._hid

    def jobs(self) -> list[Job]:
        outgoing = {"outbox": self._outbox.send_due, "channels": self._channels.send_due}
        return [*self._subscriber.jobs(), *(Job(name, OUTBOX_CHECK, send) for name, send in outgoing.items())]

    def _make_hub(self) -> Hub:
        current = self._current
        return Hub(
            self._shelf,
            current.runtime.store,
            current.runtime.writer.commit,
            lambda: current.runtime.messenger,
            lambda: current.runtime.settings.site.url if current.runtime.settings.publish.websub is True else None,
            current.runtime.clock.now,
        )

    def _make_subscriber(self, receive: ReceivePush) -> Subscriber:
        current = self._current
        return Subscriber(
            current.runtime.store,
            current.runtime.writer.commit,
            lambda: current.runtime.messenger,
            lambda: current.runtime.settings,
            current.runtime.clock.now,
            receive,
        )

    def _make_outbox(self) -> Outbox:
        current = self._current

        def composer_of(kind: str) -> Callable[[Delivery], Message | None]:
            return lambda delivery: current.runtime.compose[kind](delivery)

        compose = {kind: composer_of(kind) for kind in current.runtime.compose}
        return Outbox(
            current.runtime.store,
            current.runtime.writer.commit,
            lambda: current.runtime.messenger,
            compose,
            current.runtime.clock.now,
        )

    def stop(self) -> None:
        """Stops accepting requests; answers in progress get some seconds to end."""
        self._stop.set()

    async def close(self) -> None:
        """Waits for answers in progress. Unsent messages stay in the outbox; acknowledged pushes are stored."""
        self.stop()
        await self._hub.drain()
        await self._subscriber.drain()
        await self._outbox.drain()
        await self._channels.drain()
        if self._serving is not None:
            await self._serving
