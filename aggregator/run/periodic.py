"""The daemon's periodic jobs beside polling: rolling feeds, held-back stories, digests, health events, OPML lists."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import structlog
from msgspec.structs import replace

from aggregator.cadence.cron import next_moment
from aggregator.model import Instant, Slug, SourceId, SourceState
from aggregator.ports import EVENTS, Delivery, Event, Job, Rules, Store, Transaction
from aggregator.publish import notifications
from aggregator.run import clock_jumps, health
from aggregator.run.metrics import Metrics
from aggregator.run.opml_lists import OpmlLists
from aggregator.run.runtime import CurrentRuntime
from aggregator.settings import Settings
from aggregator.stories import budget, rolling
from aggregator.text.masks import mask_text

log = structlog.get_logger("periodic")

ROLL = 60.0
HEALTH = 60.0
LISTS = 10.0
DIGESTS = 20.0
"""Seconds between two runs of each job."""


class PeriodicWork:
    """mark_changed: called with the feeds that a job changed; more_conditions: what is wrong beside sources."""

    def __init__(
        self,
        current: CurrentRuntime,
        mark_changed: Callable[[frozenset[Slug]], None],
        metrics: Metrics | None,
        more_conditions: Callable[[], Iterable[health.Condition]] = tuple,
    ) -> None:
        self._current = current
        self._mark_changed = mark_changed
        self._metrics = metrics
        self._more_conditions = more_conditions
        self._health_is_published = True
        self._lists = OpmlLists()

    def jobs(self) -> list[Job]:
        return [
            Job("roll", ROLL, self._roll),
            Job("ripen", self._ripen_seconds(), self._ripen),
            Job("health", HEALTH, self.check_health),
            Job("lists", LISTS, self._refresh_lists),
            Job("digests", DIGESTS, self._issue_digests),
        ]

    async def run_all(self) -> None:
        """Runs each job once, for a poll without a daemon, which has refreshed the lists before."""
        await self._roll()
        await self._ripen()
        await self._issue_digests()
        await self.check_health()

    async def _refresh_lists(self) -> None:
        """Refreshes the lists. The next reload sees that a list's file has changed."""
        runtime = self._current.runtime
        await self._lists.refresh(runtime.settings, runtime.pipeline.fetcher, runtime.clock.now())

    async def _issue_digests(self) -> None:
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        if all(output.digest is None for output in runtime.settings.outputs):
            return
        zone = runtime.settings.site.timezone
        issue = partial(runtime.publisher.issue_digests, now, partial(next_moment, timezone=zone))
        self._mark_changed(frozenset(await runtime.writer.call(issue)))

    async def _roll(self) -> None:
        await self._rework_stories(rolling.roll)

    async def _ripen(self) -> None:
        """Checks first, to spare the writer's thread: most configs hold nothing back."""
        if rolling.holds_back(self._current.runtime.store, self._current.runtime.settings):
            await self._rework_stories(rolling.ripen)

    def _ripen_seconds(self) -> float:
        """Returns a quarter of `publish.settle`, so that stories are not held back much longer than they have to be."""
        return min(60.0, max(2.0, self._current.runtime.settings.publish.settle / 4))

    async def _rework_stories(self, work: Callable[[Store, Settings, Callable[[], Rules], float], frozenset[Slug]]) -> None:
        runtime = self._current.runtime
        store, settings, now = runtime.store, runtime.settings, runtime.clock.now()
        self._mark_changed(await runtime.writer.call(lambda: work(store, settings, lambda: runtime.rules, now)))

    async def check_health(self) -> None:
        """Opens and closes health events, stores alerts for them, and publishes `/health.atom`."""
        states = await self._correct_states()
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        conditions = self._find_conditions(states, now)
        events = health.diff_events(runtime.store.events(EVENTS), conditions, now)
        if events:
            alerts = notifications.make_alert_deliveries(events, runtime.settings.alerts_webhook, now)
            self._health_is_published = False
            await runtime.writer.commit(lambda transaction: _save(transaction, events, alerts))
        for event in events:
            log.warning("health", kind=event.kind, title=event.title, detail=event.detail, over=event.closed is not None)
        if not self._health_is_published:
            await runtime.writer.call(runtime.publisher.show_health)
            self._health_is_published = True
        last = max((state.last_success for state in states.values() if state.last_success is not None), default=None)
        if self._metrics is not None:
            self._metrics.record_conditions(Counter(condition.kind for condition in conditions), last)

    def _find_conditions(self, states: Mapping[SourceId, SourceState], now: Instant) -> list[health.Condition]:
        """Finds everything that is wrong now, with secrets masked."""
        settings, spent = self._current.runtime.settings, budget.all_known(self._current.runtime.store)
        conditions = (
            *self._more_conditions(),
            *health.find_conditions(settings.sources, states, now),
            *health.budget_conditions(settings.sources, states, spent, now),
        )
        secrets = settings.secrets
        return [replace(one, title=mask_text(one.title, secrets), detail=mask_text(one.detail, secrets)) for one in conditions]

    async def _correct_states(self) -> Mapping[SourceId, SourceState]:
        """Returns all states, after correcting times in the future (clock_jumps.py)."""
        runtime = self._current.runtime
        states, count = await runtime.writer.call(lambda: _correct_times(runtime.store, runtime.clock.now()))
        if count:
            log.warning("clock_set_back", sources=count)
        return states


def _correct_times(store: Store, now: Instant) -> tuple[Mapping[SourceId, SourceState], int]:
    """Returns all states and how many were corrected. Runs in the writer's thread, so no poll stores a state meanwhile."""
    states = store.states()
    corrected = {id: after for id, state in states.items() if (after := clock_jumps.correct_state(state, now)) is not None}
    if corrected:
        with store.begin() as transaction:
            for state in corrected.values():
                transaction.save_state(state)
            notifications.save_deliveries(transaction, clock_jumps.correct_deliveries(store.deliveries(math.inf, EVENTS), now))
    return states | corrected, len(corrected)


def _save(transaction: Transaction, events: list[Event], alerts: list[Delivery]) -> None:
    for event in events:
        transaction.save_event(event)
    notifications.save_deliveries(transaction, alerts)
