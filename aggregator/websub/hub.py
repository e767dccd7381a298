"""Serves `/hub`, the WebSub hub: answers requests at once and verifies them with the subscriber afterwards (WebSub 5)."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlsplit

import structlog

from aggregator.model import Instant
from aggregator.ports import Answer, Call, Endpoint, Message, Messenger, Reply, Subscribers, SubscriberWrites
from aggregator.publish.shelf import Shelf
from aggregator.websub import bodies, hub_rules
from aggregator.websub.hub_rules import HubRequest, RateLimit, Refused

log = structlog.get_logger("hub")

LARGEST_FORM = 8 * 1024
FORM_SECONDS = 10.0
MOST_PENDING = 64
PENDING_PER_DOMAIN = 8
"""Verifications at once, in all and to callbacks of one domain; further requests get 503."""

Commit = Callable[[Callable[[SubscriberWrites], None]], Awaitable[None]]


class Hub:
    """The hub of this site's public feeds. commit: runs a write in the writer's thread; site_url: None while it is off."""

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
        self._rates = {True: RateLimit(), False: RateLimit()}
        self._pending: dict[asyncio.Task[None], tuple[bool, str]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hub")

    def endpoints(self) -> list[Endpoint]:
        return [Endpoint("POST", "/hub", self.handle_request)]

    async def handle_request(self, call: Call) -> Answer:
        """Answers a request to subscribe or unsubscribe: 202 if it will be verified, else an error with the reason."""
        body = await bodies.read_body(call, LARGEST_FORM, FORM_SECONDS)
        if isinstance(body, Answer):
            return body
        # in a thread of its own: a database that hangs stops neither the event loop nor other requests
        asked, known = await asyncio.get_running_loop().run_in_executor(self._thread, self._examine, body)
        if isinstance(asked, Refused):
            return Answer(400, asked.reason + "\n")
        return self._why_wait(asked, known) or self._start_verification(asked, known)

    def _examine(self, body: bytes) -> tuple[HubRequest | Refused, bool]:
        """Reads a request. Also returns whether the subscriber is known."""
        asked = self._read_form(body)
        known = isinstance(asked, HubRequest) and self._store.subscription(asked.topic, asked.callback) is not None
        if isinstance(asked, HubRequest) and asked.mode == "subscribe" and not known:
            return hub_rules.why_full(*self._store.count_subscriptions(asked.topic, asked.domain)) or asked, False
        return asked, known  # a renewal always fits

    def _read_form(self, body: bytes) -> HubRequest | Refused:
        try:
            form = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50))
        except (UnicodeDecodeError, ValueError):
            return Refused("the form can't be read")
        return hub_rules.read_request(form, self._topic_of)

    def _topic_of(self, url: str) -> str | None:
        """Returns the path of a published public feed by its URL, else None."""
        site = self._site_url()
        path = url.removeprefix(site) if site and url.startswith(site + "/feeds/") else ""
        document = self._shelf.get(path)
        return path if document is not None and document.token is None else None

    def _why_wait(self, asked: HubRequest, known: bool) -> Answer | None:
        """Refuses if there are too many verifications: nobody can make us flood a third party.

        Known subscribers and strangers have separate limits, so that strangers can't block renewals.
        """
        pending = Counter(self._pending.values())
        together = sum(count for (one, _), count in pending.items() if one is known)
        if together >= MOST_PENDING or pending[known, asked.domain] >= PENDING_PER_DOMAIN:
            return Answer(503, wait=60)
        wait = self._rates[known].wait(asked.domain, self._now())
        return None if wait is None else Answer(429, wait=wait)

    def _start_verification(self, asked: HubRequest, known: bool) -> Answer:
        task = asyncio.create_task(self._verify(asked))
        self._pending[task] = known, asked.domain
        task.add_done_callback(self._pending.pop)
        return Answer(202, "\n")

    async def _verify(self, asked: HubRequest) -> None:
        """Verifies the subscriber's intent (WebSub 5.3), then stores or removes the subscription."""
        challenge = secrets.token_urlsafe(24)
        reply = await self._messenger().send(Message("GET", hub_rules.verification_url(asked, challenge)))
        if not hub_rules.is_confirmed(reply, challenge):
            why = f"answered {reply.status}" if isinstance(reply, Reply) else reply.detail
            log.info("not_verified", mode=asked.mode, topic=asked.topic, callback_host=urlsplit(asked.callback).hostname, why=why)
            return
        now = self._now()

        def store(transaction: SubscriberWrites) -> None:
            if asked.mode == "subscribe":
                transaction.save_subscription(hub_rules.make_subscription(asked, now))
            else:
                transaction.remove_subscription(asked.topic, asked.callback)

        await self._commit(store)
        log.info(asked.mode + "d", topic=asked.topic, callback_host=urlsplit(asked.callback).hostname)

    async def drain(self) -> None:
        """Cancels verifications in progress; subscribers will ask again."""
        for task in self._pending:
            task.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)
