"""Who is told of what: for the hub, webhooks and the health feed."""

from __future__ import annotations

from typing import Protocol

from aggregator.model import Instant
from aggregator.ports.rows import Delivery, Event, Subscription


class Subscribers(Protocol):
    """Subscriptions to the hub, and what is still to be sent."""

    def subscriptions(self, topic: str | None = None) -> list[Subscription]: ...
    def subscription(self, topic: str, callback: str) -> Subscription | None: ...

    def count_subscriptions(self, topic: str, domain: str) -> tuple[int, int]:
        """Of this topic, and of this domain to all topics. What else is stored costs nothing."""
        ...

    def deliveries(self, now: Instant, limit: int) -> list[Delivery]:
        """Those due, the longest due first."""
        ...


class SubscriberWrites(Protocol):
    """What the hub and the outbox write."""

    def save_subscription(self, subscription: Subscription) -> None:
        """By (topic, callback): a renewal replaces."""
        ...

    def remove_subscription(self, topic: str, callback: str) -> None: ...

    def end_leases(self, now: Instant) -> None:
        """Removes the subscriptions whose lease is over."""
        ...

    def save_delivery(self, delivery: Delivery) -> None: ...

    def remove_delivery(self, delivery: Delivery) -> None:
        """By its key, if the stored one still has this version."""
        ...


class Events(Protocol):
    """What a person should know."""

    def events(self, limit: int) -> list[Event]:
        """Newest opened first."""
        ...


class EventWrites(Protocol):
    """Opening and closing events."""

    def save_event(self, event: Event) -> None:
        """By (key, opened)."""
        ...
