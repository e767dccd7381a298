"""Writes of single rows: whoever is told, what was thrown away, what is held, decided or remembered."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from aggregator.model import Instant
from aggregator.ports import Delivery, Event, Hold, Override, PollRequest, Reject, Subscription
from aggregator.store import reads, requests, small, told


class RowWrites:
    """The part of a transaction of which nothing waits: each call is one statement or two."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # --- who is told
    def save_subscription(self, subscription: Subscription) -> None:
        told.save_subscription(self._connection, subscription)

    def remove_subscription(self, topic: str, callback: str) -> None:
        told.remove_subscription(self._connection, topic, callback)

    def end_leases(self, now: Instant) -> None:
        told.end_leases(self._connection, now)

    def save_delivery(self, delivery: Delivery) -> None:
        told.save_delivery(self._connection, delivery)

    def remove_delivery(self, delivery: Delivery) -> None:
        told.remove_delivery(self._connection, delivery)

    def save_event(self, event: Event) -> None:
        told.save_event(self._connection, event)

    def add_poll_request(self, request: PollRequest) -> None:
        requests.add(self._connection, request)

    def take_poll_requests(self) -> list[PollRequest]:
        return requests.take(self._connection)

    def answer_poll_request(self, key: str, answer: str) -> None:
        requests.answer(self._connection, key, answer)

    def remove_poll_request(self, key: str) -> None:
        requests.remove(self._connection, key)

    # --- the rest
    def add_rejects(self, rejects: Sequence[Reject]) -> Mapping[str, int]:
        return small.add_rejects(self._connection, rejects)

    def save_hold(self, hold: Hold) -> None:
        small.save_hold(self._connection, hold)

    def add_override(self, override: Override) -> None:
        small.add_override(self._connection, override)

    def overrides(self) -> list[Override]:
        return reads.overrides(self._connection)

    def set_value(self, key: str, value: str | None) -> None:
        small.set_value(self._connection, key, value)
