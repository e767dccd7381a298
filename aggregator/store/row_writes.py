"""Writes single rows: subscriptions, deliveries, events, requests, rejects, holds and decisions. Values wait for the commit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from aggregator.model import Instant, ItemId, SourceId, StoryId, ThreadId
from aggregator.ports import Asking, Decision, Delivery, Event, Hold, Override, PollRequest, Reject, Subscription, Traces
from aggregator.ports.decisions import CORRECTIONS, OF_THREADS
from aggregator.store import articles, decisions, enrichments, outgoing, requests, small_tables
from aggregator.store.connection import Connection


class RowWrites:
    """The part of a transaction that is not batched, but for values: each call runs one or two statements."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._values: dict[str, str | None] = {}
        self._overrides: list[Override] | None = None

    # --- subscribers, deliveries, events, poll requests
    def save_subscription(self, subscription: Subscription) -> None:
        outgoing.save_subscription(self._connection, subscription)

    def remove_subscription(self, topic: str, callback: str) -> None:
        outgoing.remove_subscription(self._connection, topic, callback)

    def end_leases(self, now: Instant) -> None:
        outgoing.end_leases(self._connection, now)

    def add_reached(self, threshold: str, subject: StoryId | ThreadId, story: StoryId, now: Instant) -> bool:
        return outgoing.add_reached(self._connection, threshold, subject, story, now)

    def save_delivery(self, delivery: Delivery) -> None:
        outgoing.save_delivery(self._connection, delivery)

    def remove_channel_deliveries(self, kind: str, topic: str, target: str) -> None:
        outgoing.remove_channel_deliveries(self._connection, kind, topic, target)

    def remove_delivery(self, delivery: Delivery) -> None:
        outgoing.remove_delivery(self._connection, delivery)

    def save_event(self, event: Event) -> None:
        outgoing.save_event(self._connection, event)

    def askings(self, stories: Collection[StoryId]) -> list[Asking]:
        return enrichments.askings(self._connection, stories)

    def save_asking(self, asking: Asking) -> None:
        enrichments.save(self._connection, asking)

    def remove_hook(self, hook: str) -> None:
        enrichments.remove_hook(self._connection, hook)

    def add_poll_request(self, request: PollRequest) -> None:
        requests.add(self._connection, request)

    def take_poll_requests(self) -> list[PollRequest]:
        return requests.take(self._connection)

    def answer_poll_request(self, key: str, answer: str) -> None:
        requests.answer(self._connection, key, answer)

    def remove_poll_request(self, key: str) -> None:
        requests.remove(self._connection, key)

    # --- articles
    def postpone_article(self, item: ItemId, due: Instant, why: str) -> None:
        articles.postpone(self._connection, item, due, why)

    def begin_article(self, item: ItemId, now: Instant) -> None:
        articles.begin(self._connection, item, now)

    def end_article(self, item: ItemId, outcome: str) -> None:
        articles.end(self._connection, item, outcome)

    # --- the rest
    def _flush_values(self) -> None:
        small_tables.set_values(self._connection, self._values)

    def add_rejects(self, rejects: Sequence[Reject]) -> Mapping[str, int]:
        return small_tables.add_rejects(self._connection, rejects)

    def remove_rejects(self, source: SourceId, guids: Collection[str]) -> None:
        small_tables.remove_rejects(self._connection, source, guids)

    def save_hold(self, hold: Hold) -> None:
        small_tables.save_hold(self._connection, hold)

    def set_value(self, key: str, value: str | None) -> None:
        self._values[key] = value

    # --- a person's decisions
    def overrides(self) -> list[Override]:
        """Read once: each document asks three times, and most databases have none."""
        if self._overrides is None:
            self._overrides = decisions.overrides(self._connection)
        return list(self._overrides)

    def corrections(self, keys: Iterable[str]) -> list[Override]:
        found = [one for one in self.overrides() if one.kind in CORRECTIONS]
        named = set(keys) if found else ()
        return [one for one in found if one.a in named]

    def decisions(self) -> list[Decision]:
        return decisions.decisions(self._connection)

    def count_decisions(self) -> int:
        return decisions.count_decisions(self._connection)

    def thread_overrides(self) -> list[Override]:
        return [one for one in self.overrides() if one.kind in OF_THREADS]

    def add_decision(self, kind: str, at: Instant, traces: Traces) -> int:
        return decisions.add_decision(self._connection, kind, at, traces)

    def end_decision(self, decision: int, now: Instant) -> None:
        decisions.end_decision(self._connection, decision, now)
        self._overrides = None

    def add_override(self, override: Override) -> None:
        decisions.add_override(self._connection, override)
        self._overrides = None
