"""Watches the health of sources and of the daemon: tells what begins and what is over, even when the database can't store it.

It also corrects due times that a jump of the clock left in the future, since it reads the states of all sources anyway.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog
from msgspec.structs import replace

from aggregator.errors import AggregatorError
from aggregator.model import Instant, SourceId, SourceState
from aggregator.ports import EVENTS, Delivery, Event, HookState, Job, Store, Transaction
from aggregator.publish.messages import notifications
from aggregator.publish.messages.channel_states import STATE
from aggregator.publish.messages.health_feed import overlay
from aggregator.run import clock_jumps
from aggregator.run.monitoring import health
from aggregator.run.monitoring.disks import disk_conditions
from aggregator.run.monitoring.metrics import Metrics
from aggregator.run.runtime import CurrentRuntime
from aggregator.settings import Settings, numbered_channels
from aggregator.stories import budget
from aggregator.text.masks import mask_text

log = structlog.get_logger("health")

HEALTH = 60.0
"""Seconds between two checks of everything."""
OWN = 10.0
"""Seconds between two looks at the daemon itself and its disks, which cost next to nothing."""


class HealthWatch:
    """of_daemon: what is wrong with the daemon itself. stale: why no source can be read, None if one can."""

    def __init__(
        self,
        current: CurrentRuntime,
        metrics: Metrics | None = None,
        of_daemon: Callable[[], Iterable[health.Condition]] = tuple,
    ) -> None:
        self._current = current
        self._metrics = metrics
        self._of_daemon = of_daemon
        self._turn = asyncio.Lock()
        self._of_sources: Sequence[health.Condition] = ()
        self._channels: Mapping[str, str] = {}
        self._hooks: Mapping[str, HookState] = {}
        self._events: Sequence[Event] = ()
        self._unstored: tuple[Event, ...] = ()
        self._unsent: tuple[Delivery, ...] = ()
        self._own: frozenset[str] = frozenset()
        self._is_shown = True
        self.stale: str | None = None

    def jobs(self) -> list[Job]:
        return [Job("health", HEALTH, self.check, queued=True), Job("own-health", OWN, self.check_if_changed)]

    async def check_if_changed(self) -> None:
        """Checks everything if something with the daemon itself has begun or is over."""
        if frozenset(one.key for one in self._find_own()) != self._own:
            await self.check()

    async def check(self) -> None:
        """Opens and closes health events, stores alerts for them, and publishes `/health.atom`."""
        async with self._turn:
            await self._check()

    async def _check(self) -> None:
        await self._read()
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        conditions = self._find_conditions(now)
        events = health.diff_events(self._events, conditions, now)
        self._events = overlay(self._events, events)
        logged = {one.key for one in conditions if one.is_logged}
        for event in events:
            if event.key not in logged:
                log.warning("health", kind=event.kind, title=event.title, detail=event.detail, over=event.closed is not None)
        alerts = notifications.make_alert_deliveries(events, runtime.settings.alerts_webhook, now)
        alerts += notifications.make_channel_alerts(events, runtime.settings.alerts_notify, now)
        await self._store(events, alerts)
        if self._metrics is not None:
            self._metrics.record_conditions(Counter(condition.kind for condition in conditions))
        if not self._is_shown:
            await self._show()

    async def _show(self) -> None:
        runtime = self._current.runtime
        try:
            await runtime.writer.call(lambda: runtime.publisher.show_health(self._unstored))
            self._is_shown = not self._unstored
        except AggregatorError as error:
            log.error("health_failed", error=str(error))

    async def _read(self) -> None:
        """Reads the states of sources, and events; corrects times in the future (clock_jumps.py).

        If the database fails, what was found last stays. States are not kept: those of 100,000 sources take 80 MB.
        """
        runtime = self._current.runtime
        try:
            count = 0
            states: Mapping[SourceId, SourceState] = await asyncio.to_thread(runtime.store.states)
            if await asyncio.to_thread(_are_ahead, states, runtime.clock.now()):
                states, count = await runtime.writer.call(lambda: _correct_times(runtime.store, runtime.clock.now()))
            spent = budget.all_known(runtime.store)
            self._of_sources = await asyncio.to_thread(_find_of_sources, runtime.settings, states, spent, runtime.clock.now())
            self._channels = runtime.store.values(STATE)
            self._hooks = runtime.store.hook_states() if runtime.settings.enrich else {}
            self._events = overlay(runtime.store.events(EVENTS), self._unstored)
        except AggregatorError as error:
            log.error("health_failed", error=str(error))
            return
        if count:
            log.warning("clock_set_back", sources=count)

    async def _store(self, events: Iterable[Event], alerts: Iterable[Delivery]) -> None:
        """Stores events and alerts; what the database refuses is kept, shown, and stored with the next check."""
        self._unstored = tuple(overlay(self._unstored, [*events]))
        self._unsent = (*self._unsent, *alerts)
        if not self._unstored:
            return
        self._is_shown = False
        try:
            await self._current.runtime.writer.commit(lambda transaction: _save(transaction, self._unstored, self._unsent))
        except AggregatorError as error:
            log.error("health_failed", error=str(error))
        else:
            self._unstored, self._unsent = (), ()

    def _find_own(self) -> list[health.Condition]:
        """Finds what is wrong with the daemon itself, and if anything is, looks closer at the disks."""
        found = list(self._of_daemon())
        return [*found, *disk_conditions(self._current.runtime.settings, probe=bool(found))]

    def _find_conditions(self, now: Instant) -> list[health.Condition]:
        """Finds everything that is wrong now, with secrets masked."""
        settings, own = self._current.runtime.settings, self._find_own()
        self._own = frozenset(one.key for one in own)
        self.stale = next((one.detail for one in self._of_sources if one.kind == "stale"), None)
        of_channels = health.channel_conditions(numbered_channels(settings), self._channels, now)
        of_hooks = health.hook_conditions(settings.enrich, self._hooks)
        secrets = settings.secrets
        found = {one.key: one for one in (*self._of_sources, *of_channels, *of_hooks, *own)}
        return [
            replace(one, title=mask_text(one.title, secrets), detail=mask_text(one.detail, secrets)) for one in found.values()
        ]


def _find_of_sources(
    settings: Settings, states: Mapping[SourceId, SourceState], spent: Mapping[SourceId, budget.Spent], now: Instant
) -> list[health.Condition]:
    """Finds what is wrong with sources. Runs beside the event loop: of very many sources it takes a while."""
    found = list(health.budget_conditions(settings.sources, states, spent, now))
    found += health.find_conditions(settings.sources, states, now, settings.polling, settings.site.timezone)
    return found


def _are_ahead(states: Mapping[SourceId, SourceState], now: Instant) -> bool:
    """Whether times have to be corrected. As a rule not, so that polls need not wait while very many states are read."""
    return any(clock_jumps.correct_state(state, now) is not None for state in states.values())


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


def _save(transaction: Transaction, events: Iterable[Event], alerts: Sequence[Delivery]) -> None:
    for event in events:
        transaction.save_event(event)
    notifications.save_deliveries(transaction, alerts)
