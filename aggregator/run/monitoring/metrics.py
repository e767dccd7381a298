"""The daemon's metrics for Prometheus (docs/operations.md lists every name)."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

LATENCY = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)
"""Histogram buckets in seconds: from a 304 on a kept connection to the longest time-out."""


class OwnProcess(ProcessCollector):
    """`process_*` also where /proc shows processes alone, as under systemd's ProcSubset=pid.

    prometheus_client reads the time of the last boot from /proc/stat, and without it tells nothing.
    """

    def _boot_time(self) -> float:
        if not hasattr(time, "CLOCK_BOOTTIME"):
            raise OSError("not Linux: there is no /proc")
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


class Metrics:
    """The metrics of one daemon, in a registry of its own."""

    def __init__(self, *, leads: bool = True) -> None:
        self.registry = CollectorRegistry()
        OwnProcess(registry=self.registry)
        PlatformCollector(registry=self.registry)
        registry = self.registry
        self._polls = Counter("aggregator_polls", "Polls, by what came of them.", ["outcome"], registry=registry)
        self._seconds = Histogram(
            "aggregator_poll_seconds", "Duration of polls.", ["outcome"], buckets=LATENCY, registry=registry
        )
        self._entries = Counter("aggregator_entries", "Entries stored, new or changed.", ["kind"], registry=registry)
        self._over_budget = Counter(
            "aggregator_beyond_budget", "Entries beyond their source's budget.", ["kind"], registry=registry
        )
        self._articles = Counter(
            "aggregator_articles", "Attempts to fetch an entry's article, by what came of them.", ["outcome"], registry=registry
        )
        self._hooks = Counter(
            "aggregator_hook_answers", "Answers of hooks, by what came of them.", ["hook", "outcome"], registry=registry
        )
        self._messages = Counter(
            "aggregator_channel_messages",
            "Messages to channels, by what came of them.",
            ["service", "outcome"],
            registry=registry,
        )
        self._published = Counter("aggregator_published_feeds", "Documents of feeds that were written anew.", registry=registry)
        self._publish_seconds = Histogram(
            "aggregator_publish_seconds", "Duration of publishing.", buckets=LATENCY, registry=registry
        )
        self._objects = Counter(
            "aggregator_objects", "Objects of the copy in an object store, by what came of them.", ["outcome"], registry=registry
        )
        self._in_flight = Gauge("aggregator_polls_in_flight", "Polls under way.", registry=registry)
        self._lag = Gauge("aggregator_due_lag_seconds", "How late the longest due source is.", registry=registry)
        self._last_success = Gauge("aggregator_last_success_timestamp_seconds", "When a source was last read.", registry=registry)
        self._last_success.set(math.nan)  # no source was ever read; 0 would be in 1970
        self._conditions = Gauge("aggregator_conditions", "What is wrong now, by kind.", ["kind"], registry=registry)
        self._store = Gauge("aggregator_store", "Rows in the database, and its bytes.", ["what"], registry=registry)
        self._config_ok = Gauge(
            "aggregator_config_ok", "1 while the config file is the one in use, 0 while it is refused.", registry=registry
        )
        self._config_ok.set(1)
        self._leads = Gauge("aggregator_leads", "1 if this daemon polls and publishes, 0 if it stands by.", registry=registry)
        self._leads.set(1 if leads else 0)
        self._led = Gauge("aggregator_led", "1 if any daemon leads, as far as this one knows.", registry=registry)
        self._led.set(1 if leads else 0)
        self._age = Gauge(
            "aggregator_documents_age_seconds", "Since when there may be newer documents than are served.", registry=registry
        )
        self._role = Gauge("aggregator_role", "1 for what this process does among several nodes.", ["role"], registry=registry)
        self._shards = Gauge("aggregator_shards", "Parts of the sources that this node asks, of 64.", registry=registry)
        self._waiting = Gauge(
            "aggregator_inbox", "Documents that nodes have read and the leader has not stored.", registry=registry
        )

    def record_poll(self, outcome: str, seconds: float, new: int, changed: int) -> None:
        self._polls.labels(outcome).inc()
        self._seconds.labels(outcome).observe(seconds)
        self._entries.labels("new").inc(new)
        self._entries.labels("changed").inc(changed)

    def record_arrival(self, new: int, changed: int) -> None:
        """Counts the entries of a document that another node has read."""
        self._entries.labels("new").inc(new)
        self._entries.labels("changed").inc(changed)

    def record_over_budget(self, grouped: int, refused: int) -> None:
        self._over_budget.labels("grouped").inc(grouped)
        self._over_budget.labels("refused").inc(refused)

    def record_article(self, outcome: str) -> None:
        self._articles.labels(outcome).inc()

    def record_answer(self, hook: str, outcome: str) -> None:
        self._hooks.labels(hook, outcome).inc()

    def record_message(self, service: str, outcome: str) -> None:
        self._messages.labels(service, outcome).inc()

    def record_publishing(self, feeds: int, seconds: float) -> None:
        self._published.inc(feeds)
        self._publish_seconds.observe(seconds)

    def record_objects(self, outcome: str, count: int) -> None:
        self._objects.labels(outcome).inc(count)

    def record_tick(self, in_flight: int, lag: float) -> None:
        self._in_flight.set(in_flight)
        self._lag.set(max(0.0, lag))

    def record_node(self, role: str, shards: int, waiting: int) -> None:
        """Sets what this process does among others. shards: of the sources that it asks; waiting: documents in the inbox."""
        self.record_role(role)
        self._shards.set(shards)
        self._waiting.set(waiting)

    def record_role(self, role: str) -> None:
        self._role.clear()
        self._role.labels(role).set(1)

    def record_reload(self, succeeded: bool) -> None:
        self._config_ok.set(1 if succeeded else 0)

    def record_success(self, at: float) -> None:
        """Sets when a source was last read."""
        self._last_success.set(at)

    def record_documents(self, age: float) -> None:
        """Sets how old the documents may be that another process publishes."""
        self._age.set(age)

    def record_leader(self, *, is_led: bool) -> None:
        """Sets whether another process leads."""
        self._led.set(1 if is_led else 0)

    def record_conditions(self, kinds: Mapping[str, int]) -> None:
        """Sets the number of health conditions of each kind."""
        self._conditions.clear()
        for kind, count in kinds.items():
            self._conditions.labels(kind).set(count)

    def render(self, counts: Mapping[str, int]) -> bytes:
        """Renders all metrics in Prometheus' text format 0.0.4. counts: from `Store.counts`; older ones are forgotten."""
        self._store.clear()
        for what, count in counts.items():
            self._store.labels(what).set(count)
        return generate_latest(self.registry)
