"""`/hub`: the WebSub hub's door. Requests are read, answered at once, and verified with the subscriber afterwards."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.model import Instant
from aggregator.ports import Message, Messenger, Reply, Store, Transaction
from aggregator.publish.shelf import Shelf
from aggregator.serve.answers import read_body, short_response
from aggregator.websub import hub_rules
from aggregator.websub.hub_rules import Asked, Refused

log = structlog.get_logger("hub")

LARGEST_FORM = 8 * 1024
FORM_SECONDS = 10.0
MOST_PENDING = 64
"""Verifications under way at once; more requests are told to come back."""

Commit = Callable[[Callable[[Transaction], None]], Awaitable[None]]


class Hub:
    """The hub of this site's public feeds. commit: runs a write in the writer's thread; site_url: the one in use now."""

    def __init__(
        self,
        shelf: Shelf,
        store: Store,
        commit: Commit,
        messenger: Callable[[], Messenger],
        site_url: Callable[[], str | None],
        now: Callable[[], Instant],
    ) -> None:
        self._shelf = shelf
        self._store = store
        self._commit = commit
        self._messenger = messenger
        self._site_url = site_url
        self._now = now
        self._pending: set[asyncio.Task[None]] = set()

    def route(self) -> Route:
        return Route("/hub", self.asked, methods=["POST"])

    async def asked(self, request: Request) -> Response:
        """A subscription or its end: 202 if it will be verified, else 4xx with the reason."""
        scope = request.scope
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > LARGEST_FORM:
            return short_response(scope, 413)
        try:
            async with asyncio.timeout(FORM_SECONDS):
                body = await read_body(request.receive, LARGEST_FORM)
        except TimeoutError:
            return short_response(scope, 408)
        if body is None:
            return short_response(scope, 413)
        read = self._read(body)
        if isinstance(read, Refused):
            return short_response(scope, 400, text=read.reason + "\n")
        if len(self._pending) >= MOST_PENDING:
            return short_response(scope, 503, {"retry-after": "60"})
        task = asyncio.create_task(self._verify(read))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return short_response(scope, 202, text="\n")

    def _read(self, body: bytes) -> Asked | Refused:
        try:
            form = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50))
        except (UnicodeDecodeError, ValueError):
            return Refused("the form can't be read")
        asked = hub_rules.read(form, self._topic_of)
        if isinstance(asked, Refused):
            return asked
        host = urlsplit(asked.callback).hostname
        known = self._store.subscriptions()
        refused = hub_rules.has_room(
            asked,
            of_topic=sum(one.topic == asked.topic for one in known),
            of_host=sum(urlsplit(one.callback).hostname == host for one in known),
            known=any((one.topic, one.callback) == (asked.topic, asked.callback) for one in known),
        )
        return refused or asked

    def _topic_of(self, url: str) -> str | None:
        """The path of a public feed that is published now."""
        site = self._site_url()
        path = url.removeprefix(site) if site and url.startswith(site + "/feeds/") else ""
        document = self._shelf.get(path)
        return path if document is not None and document.token is None else None

    async def _verify(self, asked: Asked) -> None:
        """Asks the subscriber whether it means it, and stores what follows."""
        challenge = secrets.token_urlsafe(24)
        reply = await self._messenger().send(Message("GET", hub_rules.verification(asked, challenge)))
        if not hub_rules.is_confirmed(reply, challenge):
            why = f"answered {reply.status}" if isinstance(reply, Reply) else reply.detail
            log.info("not_verified", mode=asked.mode, topic=asked.topic, callback_host=urlsplit(asked.callback).hostname, why=why)
            return
        now = self._now()

        def store(transaction: Transaction) -> None:
            if asked.mode == "subscribe":
                transaction.save_subscription(hub_rules.subscription(asked, now))
            else:
                transaction.remove_subscription(asked.topic, asked.callback)

        await self._commit(store)
        log.info(asked.mode + "d", topic=asked.topic, callback_host=urlsplit(asked.callback).hostname)

    async def drain(self) -> None:
        """Gives up what is not verified yet: subscribers ask again."""
        for task in self._pending:
            task.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)
