"""What the daemon does beside polling, each at its own rhythm: rolling feeds, held-back stories, digests, health."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aggregator import health, rolling
from aggregator.cadence.hours import following
from aggregator.lists import Lists
from aggregator.logs import Log
from aggregator.model import Slug
from aggregator.ports import Delivery, Event, Job, Rules, Store, Transaction
from aggregator.publish import owed
from aggregator.runtime import Runtime
from aggregator.settings import Settings
from aggregator.text.masks import hide

if TYPE_CHECKING:
    from aggregator.metrics import Metrics

log = Log("upkeep")

ROLL = 60.0
HEALTH = 60.0
LISTS = 10.0
DIGESTS = 20.0
EVENTS = 5_000
"""Events looked through for open ones: more than there are sources that can be broken at a time."""


class Upkeep:
    """runtime: the one in use at each turn; changed: told of feeds whose documents differ now; metrics: the daemon's."""

    def __init__(
        self, runtime: Callable[[], Runtime], changed: Callable[[frozenset[Slug]], None], metrics: Metrics | None
    ) -> None:
        self._runtime = runtime
        self._changed = changed
        self._metrics = metrics
        self._lists = Lists()

    def jobs(self) -> list[Job]:
        """With their seconds. Each is given the runtime of its turn."""
        return [
            Job("roll", ROLL, partial(self._rework, rolling.roll)),
            Job("ripen", self._ripen_seconds(), partial(self._rework, rolling.ripen)),
            Job("health", HEALTH, self.look),
            Job("lists", LISTS, self._refresh_lists),
            Job("digests", DIGESTS, self._issue_digests),
        ]

    async def everything(self) -> None:
        """All of it once, for a poll without a daemon. Lists were fetched before."""
        await self._rework(rolling.roll)
        await self._rework(rolling.ripen)
        await self._issue_digests()
        await self.look()

    async def _refresh_lists(self) -> None:
        """What is new in a list reaches the config by its next reload, which sees that the kept file has changed."""
        runtime = self._runtime()
        await self._lists.refresh(runtime.settings, runtime.pipeline.fetcher, runtime.clock.now())

    async def _issue_digests(self) -> None:
        runtime, now = self._runtime(), self._runtime().clock.now()
        zone = runtime.settings.site.timezone
        issue = partial(runtime.publisher.issue_digests, now, partial(following, timezone=zone))
        self._changed(frozenset(await runtime.writer.call(issue)))

    def _ripen_seconds(self) -> float:
        """Often enough that a story is not held back much longer than it has to be."""
        return min(60.0, max(2.0, self._runtime().settings.publish.settle / 4))

    async def _rework(self, work: Callable[[Store, Settings, Rules, float], frozenset[Slug]]) -> None:
        now = self._runtime()
        self._changed(await now.writer.call(lambda: work(now.store, now.settings, now.rules, now.clock.now())))

    async def look(self) -> None:
        """Opens and closes health events."""
        runtime, now = self._runtime(), self._runtime().clock.now()
        states = runtime.store.states()
        hidden = runtime.settings.secrets
        found = [
            replace(one, title=hide(one.title, hidden), detail=hide(one.detail, hidden))
            for one in health.conditions(runtime.settings.sources, states, now)
        ]
        events = health.changes(runtime.store.events(EVENTS), found, now)
        if events:
            alerts = owed.alerts(events, runtime.settings.alerts_webhook, now)
            await runtime.writer.commit(lambda transaction: _save(transaction, events, alerts))
            await runtime.writer.call(runtime.publisher.show_health)
        for event in events:
            log.warning("health", kind=event.kind, title=event.title, detail=event.detail, over=event.closed is not None)
        last = max((state.last_success for state in states.values() if state.last_success is not None), default=None)
        if self._metrics is not None:
            self._metrics.looked(Counter(condition.kind for condition in found), last)


def _save(transaction: Transaction, events: list[Event], alerts: list[Delivery]) -> None:
    for event in events:
        transaction.save_event(event)
    owed.note(transaction, alerts)
