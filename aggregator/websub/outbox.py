"""Sends stored deliveries to subscribers and webhooks. A slow or broken receiver does not delay the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

import structlog

from aggregator.model import Instant
from aggregator.ports import HUB_DOCUMENT, Delivery, Message, Messenger, Subscribers, SubscriberWrites
from aggregator.websub import hub_rules

log = structlog.get_logger("outbox")

AT_ONCE = 32
PER_HOST = 4
"""Messages in flight, in all and to one host."""
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
        self._hosts: Counter[str | None] = Counter()
        self._leases_checked = 0.0

    async def send_due(self) -> None:
        """Starts deliveries that are due, within the limits; does not wait for them. To be called every few seconds."""
        now = self._now()
        if now - self._leases_checked > LEASE_CHECK:
            self._leases_checked = now
            await self._commit(lambda transaction: transaction.end_leases(now))
        for delivery in self._store.deliveries(now, 4 * AT_ONCE):
            key = (delivery.kind, delivery.topic, delivery.target, delivery.subject)
            host = urlsplit(delivery.target).hostname
            if key in self._under_way or self._hosts[host] >= PER_HOST:
                continue
            if len(self._under_way) >= AT_ONCE:
                break
            self._hosts[host] += 1
            task = asyncio.create_task(self._deliver(delivery))
            self._under_way[key] = task
            task.add_done_callback(partial(self._ended, key, host))

    def _ended(self, key: Key, host: str | None, done: asyncio.Task[None]) -> None:
        del self._under_way[key]
        self._hosts[host] -= 1
        if not done.cancelled() and (error := done.exception()) is not None:
            # A bug, or the store can't be written: the delivery stays in the outbox.
            log.error("delivery_crashed", kind=key[0], topic=key[1], error=repr(error), exc_info=error)

    async def _deliver(self, delivery: Delivery) -> None:
        message = await asyncio.to_thread(self._compose[delivery.kind], delivery) if delivery.kind in self._compose else None
        if message is None:
            await self._commit(lambda transaction: transaction.remove_delivery(delivery))
            return
        outcome = hub_rules.decide_outcome(delivery, await self._messenger().send(message), self._now())

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

    async def drain(self) -> None:
        """Cancels deliveries in flight: they stay in the outbox and are sent after the next start."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
