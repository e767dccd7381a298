"""Sends stored deliveries to subscribers and webhooks. Slow or broken receivers do not delay the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

import structlog

from aggregator.model import Fault, Instant
from aggregator.ports import HUB_DOCUMENT, Delivery, Message, Messenger, Reply, Subscribers, SubscriberWrites
from aggregator.websub import hub_rules
from aggregator.websub.deliveries import NotShownYetError

log = structlog.get_logger("outbox")

AT_ONCE = 32
PER_DOMAIN = 4
AT_ONCE_TO_SLOW = 16
"""Messages in flight: in all, to one domain, and to all domains together that were slow or failed the last time."""
SLOW = 2.0
"""Seconds after which a receiver counts as slow."""
FIRST_LOOK = 128
LAST_LOOK = 16_384
"""Due deliveries read at a time: more if the limits let none of the first ones start."""
LEASE_CHECK = 3_600.0
"""Seconds between two checks for expired leases."""

Compose = Callable[[Delivery], Message | None]
"""Composes a delivery's message from the current state; None if it is no longer needed. May read the store; runs in a thread."""
Key = tuple[str, str, str, str]


class Outbox:
    """compose: by kind of delivery; commit: runs a write in the writer's thread; messenger: returns the one in use."""

    def __init__(
        self,
        store: Subscribers,
        commit: Callable[[Callable[[SubscriberWrites], None]], Awaitable[None]],
        messenger: Callable[[], Messenger],
        compose: Mapping[str, Compose],
        now: Callable[[], Instant],
    ) -> None:
        self._store = store
        self._commit = commit
        self._messenger = messenger
        self._compose = compose
        self._now = now
        self._under_way: dict[Key, asyncio.Task[None]] = {}
        self._domains: Counter[str] = Counter()
        self._slow: set[str] = set()
        self._leases_checked = 0.0

    async def send_due(self) -> None:
        """Starts deliveries that are due, within the limits; does not wait for them. To be called every few seconds."""
        now = self._now()
        if now - self._leases_checked > LEASE_CHECK:
            self._leases_checked = now
            self._slow.clear()
            await self._commit(lambda transaction: transaction.end_leases(now))
        limit = FIRST_LOOK
        while len(self._under_way) < AT_ONCE:
            due = self._store.deliveries(now, limit)
            for delivery in due:
                self._start(delivery)
            if len(due) < limit or limit >= LAST_LOOK:
                break
            limit = min(limit * 8, LAST_LOOK)

    def _start(self, delivery: Delivery) -> None:
        """Starts a delivery if the limits allow it."""
        key = (delivery.kind, delivery.topic, delivery.target, delivery.subject)
        if key in self._under_way or len(self._under_way) >= AT_ONCE:
            return
        domain = hub_rules.domain_of(delivery.target)
        if self._domains[domain] >= PER_DOMAIN or (domain in self._slow and self._under_way_to_slow() >= AT_ONCE_TO_SLOW):
            return
        self._domains[domain] += 1
        task = asyncio.create_task(self._deliver(delivery, domain))
        self._under_way[key] = task
        task.add_done_callback(partial(self._ended, key, domain))

    def _under_way_to_slow(self) -> int:
        return sum(self._domains[domain] for domain in self._slow)

    def _ended(self, key: Key, domain: str, done: asyncio.Task[None]) -> None:
        del self._under_way[key]
        self._domains[domain] -= 1
        if not self._domains[domain]:
            del self._domains[domain]
        if not done.cancelled() and (error := done.exception()) is not None:
            # A bug, or the store can't be written: the delivery stays in the outbox.
            log.error("delivery_crashed", kind=key[0], topic=key[1], error=repr(error), exc_info=error)

    async def _deliver(self, delivery: Delivery, domain: str) -> None:
        try:
            message = await asyncio.to_thread(self._compose[delivery.kind], delivery) if delivery.kind in self._compose else None
        except NotShownYetError:
            return  # it stays in the outbox until the next look
        if message is None:
            await self._commit(lambda transaction: transaction.remove_delivery(delivery))
            return
        began = asyncio.get_running_loop().time()
        reply = await self._messenger().send(message)
        self._judge(domain, reply, asyncio.get_running_loop().time() - began)
        outcome = hub_rules.decide_outcome(delivery, reply, self._now())

        def store(transaction: SubscriberWrites) -> None:
            if outcome.retry is not None:
                transaction.save_delivery(outcome.retry)
                return
            transaction.remove_delivery(delivery)
            if outcome.ended and delivery.kind == HUB_DOCUMENT:
                transaction.remove_subscription(delivery.topic, delivery.target)

        await self._commit(store)
        host = urlsplit(delivery.target).hostname
        log.info("delivery", kind=delivery.kind, topic=delivery.topic, host=host, outcome=outcome.reason)

    def _judge(self, domain: str, reply: Reply | Fault, seconds: float) -> None:
        """Remembers whether a domain keeps us waiting. All that do share AT_ONCE_TO_SLOW."""
        if isinstance(reply, Fault) or seconds > SLOW:
            self._slow.add(domain)
        else:
            self._slow.discard(domain)

    async def drain(self) -> None:
        """Cancels deliveries in flight: they stay in the outbox and are sent after the next start."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
