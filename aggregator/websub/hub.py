"""`/hub`: the WebSub hub's door. Requests are read, answered at once, and verified with the subscriber afterwards."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

import structlog

from aggregator.model import Instant
from aggregator.ports import Answer, Call, Endpoint, Message, Messenger, Reply, Subscribers, SubscriberWrites
from aggregator.publish.shelf import Shelf
from aggregator.websub import bodies, hub_rules
from aggregator.websub.hub_rules import Asked, Rate, Refused

log = structlog.get_logger("hub")

LARGEST_FORM = 8 * 1024
FORM_SECONDS = 10.0
MOST_PENDING = 64
PENDING_PER_DOMAIN = 8
"""Verifications under way at once, in all and with callbacks of one domain; more requests are told to come back."""

Commit = Callable[[Callable[[SubscriberWrites], None]], Awaitable[None]]


class Hub:
    """The hub of this site's public feeds. commit: runs a write in the writer's thread; site_url: the one in use now."""

    def __init__(
        self,
        shelf: Shelf,
        store: Subscribers,
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
        self._rates = {True: Rate(), False: Rate()}
        self._pending: dict[asyncio.Task[None], tuple[bool, str]] = {}

    def endpoints(self) -> list[Endpoint]:
        return [Endpoint("POST", "/hub", self.asked)]

    async def asked(self, call: Call) -> Answer:
        """A subscription or its end: 202 if it will be verified, else 4xx with the reason, or when to come back."""
        body = await bodies.read(call, LARGEST_FORM, FORM_SECONDS)
        if isinstance(body, Answer):
            return body
        asked = self._read(body)
        if isinstance(asked, Refused):
            return Answer(400, asked.reason + "\n")
        known = self._store.subscription(asked.topic, asked.callback) is not None
        return self._must_wait(asked, known) or self._begin(asked, known)

    def _read(self, body: bytes) -> Asked | Refused:
        try:
            form = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50))
        except (UnicodeDecodeError, ValueError):
            return Refused("the form can't be read")
        asked = hub_rules.read(form, self._topic_of)
        if isinstance(asked, Refused) or asked.mode == "unsubscribe":
            return asked
        if self._store.subscription(asked.topic, asked.callback) is not None:
            return asked  # a renewal always fits
        return hub_rules.has_room(*self._store.count_subscriptions(asked.topic, asked.domain)) or asked

    def _topic_of(self, url: str) -> str | None:
        """The path of a public feed that is published now."""
        site = self._site_url()
        path = url.removeprefix(site) if site and url.startswith(site + "/feeds/") else ""
        document = self._shelf.get(path)
        return path if document is not None and document.token is None else None

    def _must_wait(self, asked: Asked, known: bool) -> Answer | None:
        """Nobody can have us ask a third party often, or many at once. Strangers don't take the turns of subscribers."""
        pending = Counter(self._pending.values())
        together = sum(count for (one, _), count in pending.items() if one is known)
        if together >= MOST_PENDING or pending[known, asked.domain] >= PENDING_PER_DOMAIN:
            return Answer(503, wait=60)
        wait = self._rates[known].wait(asked.domain, self._now())
        return None if wait is None else Answer(429, wait=wait)

    def _begin(self, asked: Asked, known: bool) -> Answer:
        task = asyncio.create_task(self._verify(asked))
        self._pending[task] = known, asked.domain
        task.add_done_callback(self._pending.pop)
        return Answer(202, "\n")

    async def _verify(self, asked: Asked) -> None:
        """Asks the subscriber whether it means it, and stores what follows."""
        challenge = secrets.token_urlsafe(24)
        reply = await self._messenger().send(Message("GET", hub_rules.verification(asked, challenge)))
        if not hub_rules.is_confirmed(reply, challenge):
            why = f"answered {reply.status}" if isinstance(reply, Reply) else reply.detail
            log.info("not_verified", mode=asked.mode, topic=asked.topic, callback_host=urlsplit(asked.callback).hostname, why=why)
            return
        now = self._now()

        def store(transaction: SubscriberWrites) -> None:
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
