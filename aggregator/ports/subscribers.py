"""Subscriptions, deliveries, and events, for the hub, webhooks, and the health feed."""

from __future__ import annotations

from typing import Protocol

from aggregator.model import Instant, StoryId, ThreadId
from aggregator.ports.rows import Delivery, Event, Reached, Subscription


class Subscribers(Protocol):
    """Reads subscriptions to the hub, and deliveries that are not done yet."""

    def subscriptions(self, topic: str | None = None) -> list[Subscription]: ...
    def subscription(self, topic: str, callback: str) -> Subscription | None: ...

    def count_subscriptions(self, topic: str, domain: str) -> tuple[int, int]:
        """The number of subscriptions to this topic, and of this domain to all topics. Takes indexed queries."""
        ...

    def deliveries(self, now: Instant, limit: int) -> list[Delivery]:
        """Deliveries that are due, longest due first, without those to channels."""
        ...

    def channel_deliveries(self, kind: str, topic: str, target: str, limit: int) -> list[Delivery]:
        """Deliveries of this kind to a channel, oldest first. Takes an indexed query."""
        ...

    def channels_told(self) -> list[tuple[str, str, str]]:
        """Kind, topic and target of all deliveries to channels, each once."""
        ...

    def reached(self, threshold: str, after: int) -> list[Reached]:
        """The stories that have reached a threshold (`Output.thresholds`), with numbers greater than `after`, in order."""
        ...


class SubscriberWrites(Protocol):
    """Writes subscriptions and deliveries."""

    def save_subscription(self, subscription: Subscription) -> None:
        """Stores a subscription by (topic, callback). A renewal replaces it."""
        ...

    def remove_subscription(self, topic: str, callback: str) -> None: ...

    def end_leases(self, now: Instant) -> None:
        """Removes subscriptions whose lease has ended."""
        ...

    def save_delivery(self, delivery: Delivery) -> None: ...

    def add_reached(self, threshold: str, subject: StoryId | ThreadId, story: StoryId, now: Instant) -> bool:
        """Notes that a story, or its thread (subject), has reached a threshold (`Output.thresholds`). False if it had before."""
        ...

    def remove_channel_deliveries(self, kind: str, topic: str, target: str) -> None: ...

    def remove_delivery(self, delivery: Delivery) -> None:
        """Removes a delivery by its key, if the stored one still has this version."""
        ...


class Events(Protocol):
    """Reads health events."""

    def events(self, limit: int) -> list[Event]:
        """Events, last opened first."""
        ...


class EventWrites(Protocol):
    """Writes health events."""

    def save_event(self, event: Event) -> None:
        """Stores an event by (key, opened)."""
        ...
