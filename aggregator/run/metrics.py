"""What the daemon counts, for Prometheus (docs/operations.md lists every name)."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

LATENCY = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)
"""Seconds: from a kept connection's 304 to the longest time-out."""


class Metrics:
    """One registry for one daemon."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        registry = self.registry
        self._polls = Counter("aggregator_polls", "Polls, by what came of them.", ["outcome"], registry=registry)
        self._seconds = Histogram(
            "aggregator_poll_seconds", "Duration of polls.", ["outcome"], buckets=LATENCY, registry=registry
        )
        self._entries = Counter("aggregator_entries", "Entries stored, new or changed.", ["kind"], registry=registry)
        self._beyond = Counter("aggregator_beyond_budget", "Entries beyond their source's budget.", ["kind"], registry=registry)
        self._published = Counter("aggregator_published_feeds", "Documents of feeds that were written anew.", registry=registry)
        self._publish_seconds = Histogram(
            "aggregator_publish_seconds", "Duration of publishing.", buckets=LATENCY, registry=registry
        )
        self._in_flight = Gauge("aggregator_polls_in_flight", "Polls under way.", registry=registry)
        self._lag = Gauge("aggregator_due_lag_seconds", "How late the longest due source is.", registry=registry)
        self._last_success = Gauge("aggregator_last_success_timestamp_seconds", "When a source was last read.", registry=registry)
        self._conditions = Gauge("aggregator_conditions", "What is wrong now, by kind.", ["kind"], registry=registry)
        self._store = Gauge("aggregator_store", "Rows in the database, and its bytes.", ["what"], registry=registry)
        self._config_ok = Gauge(
            "aggregator_config_ok", "1 while the config file is the one in use, 0 while it is refused.", registry=registry
        )
        self._config_ok.set(1)

    def polled(self, outcome: str, seconds: float, new: int, changed: int) -> None:
        self._polls.labels(outcome).inc()
        self._seconds.labels(outcome).observe(seconds)
        self._entries.labels("new").inc(new)
        self._entries.labels("changed").inc(changed)

    def beyond_budget(self, grouped: int, refused: int) -> None:
        self._beyond.labels("grouped").inc(grouped)
        self._beyond.labels("refused").inc(refused)

    def published(self, feeds: int, seconds: float) -> None:
        self._published.inc(feeds)
        self._publish_seconds.observe(seconds)

    def scheduled(self, in_flight: int, lag: float) -> None:
        self._in_flight.set(in_flight)
        self._lag.set(max(0.0, lag))

    def reloaded(self, fine: bool) -> None:
        self._config_ok.set(1 if fine else 0)

    def looked(self, kinds: Mapping[str, int], last_success: float | None) -> None:
        """The conditions of health.py, counted."""
        self._conditions.clear()
        for kind, count in kinds.items():
            self._conditions.labels(kind).set(count)
        if last_success is not None:
            self._last_success.set(last_success)

    def text(self, counts: Mapping[str, int]) -> bytes:
        """The exposition (text format 0.0.4). counts: of `Store.counts`."""
        for what, count in counts.items():
            self._store.labels(what).set(count)
        return generate_latest(self.registry)
