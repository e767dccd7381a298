"""What the daemon does beside polling, each at its own rhythm: rolling feeds, held-back stories, digests, health."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import structlog
from msgspec.structs import replace

from aggregator.cadence.hours import following
from aggregator.model import Instant, Slug, SourceId, SourceState
from aggregator.ports import EVENTS, Delivery, Event, Job, Rules, Store, Transaction
from aggregator.publish import owed
from aggregator.run import clock_jumps, health
from aggregator.run.metrics import Metrics
from aggregator.run.opml_lists import Lists
from aggregator.run.runtime import InUse
from aggregator.settings import Settings
from aggregator.stories import budget, rolling
from aggregator.text.masks import hide

log = structlog.get_logger("periodic")

ROLL = 60.0
HEALTH = 60.0
LISTS = 10.0
DIGESTS = 20.0


class PeriodicWork:
    """in_use: what holds the runtime of each turn; changed: told of feeds whose documents differ now; metrics: the daemon's.

    troubles: what is wrong beside sources.
    """

    def __init__(
        self,
        in_use: InUse,
        changed: Callable[[frozenset[Slug]], None],
        metrics: Metrics | None,
        troubles: Callable[[], Iterable[health.Condition]] = tuple,
    ) -> None:
        self._in_use = in_use
        self._changed = changed
        self._metrics = metrics
        self._troubles = troubles
        self._is_shown = True
        self._lists = Lists()

    def jobs(self) -> list[Job]:
        """With their seconds. Each is given the runtime of its turn."""
        return [
            Job("roll", ROLL, partial(self._rework, rolling.roll)),
            Job("ripen", self._ripen_seconds(), self._ripen),
            Job("health", HEALTH, self.look),
            Job("lists", LISTS, self._refresh_lists),
            Job("digests", DIGESTS, self._issue_digests),
        ]

    async def everything(self) -> None:
        """All of it once, for a poll without a daemon. Lists were fetched before."""
        await self._rework(rolling.roll)
        await self._ripen()
        await self._issue_digests()
        await self.look()

    async def _refresh_lists(self) -> None:
        """What is new in a list reaches the config by its next reload, which sees that the kept file has changed."""
        runtime = self._in_use.runtime
        await self._lists.refresh(runtime.settings, runtime.pipeline.fetcher, runtime.clock.now())

    async def _issue_digests(self) -> None:
        runtime, now = self._in_use.runtime, self._in_use.runtime.clock.now()
        if all(output.digest is None for output in runtime.settings.outputs):
            return
        zone = runtime.settings.site.timezone
        issue = partial(runtime.publisher.issue_digests, now, partial(following, timezone=zone))
        self._changed(frozenset(await runtime.writer.call(issue)))

    async def _ripen(self) -> None:
        """Looks before it wakes the writer's thread: most configs hold nothing back."""
        if rolling.holds_back(self._in_use.runtime.store, self._in_use.runtime.settings):
            await self._rework(rolling.ripen)

    def _ripen_seconds(self) -> float:
        """Often enough that a story is not held back much longer than it has to be."""
        return min(60.0, max(2.0, self._in_use.runtime.settings.publish.settle / 4))

    async def _rework(self, work: Callable[[Store, Settings, Callable[[], Rules], float], frozenset[Slug]]) -> None:
        now = self._in_use.runtime
        self._changed(await now.writer.call(lambda: work(now.store, now.settings, lambda: now.rules, now.clock.now())))

    async def look(self) -> None:
        """Opens and closes health events."""
        states = await self._healed()
        runtime, now = self._in_use.runtime, self._in_use.runtime.clock.now()
        hidden = runtime.settings.secrets
        sources, spent = runtime.settings.sources, budget.all_known(runtime.store)
        found = [
            replace(one, title=hide(one.title, hidden), detail=hide(one.detail, hidden))
            for one in (
                *self._troubles(),
                *health.conditions(sources, states, now),
                *health.of_budgets(sources, states, spent, now),
            )
        ]
        events = health.changes(runtime.store.events(EVENTS), found, now)
        if events:
            alerts = owed.alerts(events, runtime.settings.alerts_webhook, now)
            self._is_shown = False
            await runtime.writer.commit(lambda transaction: _save(transaction, events, alerts))
        for event in events:
            log.warning("health", kind=event.kind, title=event.title, detail=event.detail, over=event.closed is not None)
        if not self._is_shown:
            await runtime.writer.call(runtime.publisher.show_health)
            self._is_shown = True
        last = max((state.last_success for state in states.values() if state.last_success is not None), default=None)
        if self._metrics is not None:
            self._metrics.looked(Counter(condition.kind for condition in found), last)

    async def _healed(self) -> Mapping[SourceId, SourceState]:
        """All states, with times that lie ahead because the clock was wrong moved (clock_jumps.py)."""
        runtime = self._in_use.runtime
        states, count = await runtime.writer.call(lambda: _heal(runtime.store, runtime.clock.now()))
        if count:
            log.warning("clock_set_back", sources=count)
        return states


def _heal(store: Store, now: Instant) -> tuple[Mapping[SourceId, SourceState], int]:
    """The states as they are then, and how many were healed. In the writer's thread: no poll stores one meanwhile."""
    states = store.states()
    healed = {id: after for id, state in states.items() if (after := clock_jumps.healed(state, now)) is not None}
    if healed:
        with store.begin() as transaction:
            for state in healed.values():
                transaction.save_state(state)
            owed.note(transaction, clock_jumps.brought_forward(store.deliveries(math.inf, EVENTS), now))
    return states | healed, len(healed)


def _save(transaction: Transaction, events: list[Event], alerts: list[Delivery]) -> None:
    for event in events:
        transaction.save_event(event)
    owed.note(transaction, alerts)
