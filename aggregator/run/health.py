"""What a person should know of: sources that are broken, silent, gone or moved, and a daemon that gets nothing at all. Pure.

Each condition is an event while it lasts; `/health.atom` has one entry when it opens and one when it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from aggregator.cadence import silent
from aggregator.model import Instant, Source, SourceId, SourceState
from aggregator.ports import Event
from aggregator.stories.budget import DAY, Spent
from aggregator.text.masks import shown
from aggregator.text.times import spell

FAILURES = 5
"""Failures in a row that make a source broken; five documents that can't be read, likewise."""
BROKEN_AFTER = 86_400.0
"""Seconds without a success before failing fetches are worth a person's time: most troubles are over sooner."""
STALE_FACTOR = 2.0
"""Shortest intervals without any success at all, after which something on our side is likely wrong (network, DNS)."""
STALE_LEAST = 300.0
CAPS = {
    "cap:entries": "too many entries",
    "cap:text": "too long a text",
    "cap:title": "too long a title",
    "cap:depth": "elements too deep within one another",
    "cap:authors": "too many authors of an entry",
    "cap:categories": "too many categories of an entry",
    "cap:enclosures": "too many enclosures of an entry",
}
"""What the counters of caps mean to a person."""


class Condition(Struct, frozen=True):
    """Something that is so now. key: kind and subject."""

    kind: str
    subject: str
    title: str
    detail: str

    @property
    def key(self) -> str:
        return f"{self.kind} {self.subject}"


def conditions(sources: Iterable[Source], states: Mapping[SourceId, SourceState], now: Instant) -> Iterator[Condition]:
    """Everything that is wrong now, with sources in the order of the config."""
    polled = []
    for source in sources:
        state = states.get(source.id)
        if state is not None and source.enabled:
            polled.append(state)
            yield from _of_source(source, state, now)
    if (why := stale(polled, now)) is not None:
        yield Condition("stale", "daemon", "No source can be read", why)


def of_config(refused: str | None, held: Iterable[str]) -> Iterator[Condition]:
    """What is wrong with the config. refused: why an edit is not in use; held: keys that only a restart can change."""
    if refused is not None:
        yield Condition("config", "daemon", "An edit of the config is refused", f"the old one is in use: {refused}")
    if keys := ", ".join(held):
        yield Condition("restart", "daemon", "A restart is needed", f"{keys} in the config: the old value is in use until then")


def of_budgets(
    sources: Iterable[Source], states: Mapping[SourceId, SourceState], spent: Mapping[SourceId, Spent], now: Instant
) -> Iterator[Condition]:
    """The sources that bring too much: for a day after the last entry beyond the budget, as a flood goes on with each new day."""
    for source in sources:
        over = spent.get(source.id, Spent()).over
        if source.enabled and source.id in states and over is not None and abs(now - over) < DAY:
            name = source.title or states[source.id].title or source.id
            why = f"it brings more than its budget of {source.budget} new entries a day; the rest enters no feed. "
            why += "Raise `budget` at the source if that is right"
            yield Condition("budget", source.id, f"{name} brings too much", why)


def _of_source(source: Source, state: SourceState, now: Instant) -> Iterator[Condition]:
    name = source.title or state.title or source.id
    if state.gone:
        yield Condition("gone", source.id, f"{name} is gone", f"{state.last_error}; take it out of the config, or change its url")
    elif (why := _broken(state, now)) is not None:
        yield Condition("broken", source.id, f"{name} is broken", why)
    elif (why := silent(state, source, now)) is not None:
        yield Condition("silent", source.id, f"{name} is silent", why)
    if state.url != source.url and not state.gone:
        yield Condition("moved", source.id, f"{name} has moved", f"the config has {source.shown}; it is now {shown(state.url)}")
    capped = sorted(key for key, count in state.counters.items() if key.startswith("cap:") and count)
    if capped:
        yield Condition("capped", source.id, f"{name} is cut short", _cut(capped))


def _cut(caps: list[str]) -> str:
    told = ", ".join(CAPS.get(cap, cap.removeprefix("cap:")) for cap in caps)
    return f"its document holds more than is taken from one ({told}); the rest is left out, and nothing has to be done"


def _broken(state: SourceState, now: Instant) -> str | None:
    if state.parse_failures >= FAILURES:
        return f"{state.parse_failures} documents in a row could not be read: {state.last_error}"
    quiet = now - state.last_success if state.last_success is not None else None
    if state.failures >= FAILURES and (quiet is None or quiet > BROKEN_AFTER):
        since = f"for {spell(quiet)}" if quiet is not None else "yet"
        return f"no success {since}, {state.failures} failures in a row: {state.last_error}"
    return None


def stale(states: Iterable[SourceState], now: Instant) -> str | None:
    """Why something on our own side seems wrong: nothing has succeeded for twice the shortest interval. None if all is well."""
    asked = [state for state in states if state.last_poll is not None and not state.gone]
    successes = [state.last_success for state in asked if state.last_success is not None]
    if not successes:
        return None
    intervals = [state.due - state.last_poll for state in asked if state.last_poll is not None and state.failures == 0]
    limit = max(STALE_LEAST, STALE_FACTOR * min(intervals, default=BROKEN_AFTER / 2))
    quiet = now - max(successes)
    failing = sum(state.failures > 0 for state in asked)
    return f"no success for {spell(quiet)}; {failing} of {len(asked)} sources fail" if quiet > limit and failing else None


def changes(known: Iterable[Event], current: Iterable[Condition], now: Instant) -> list[Event]:
    """The events to store: opened for what is new, closed for what is over, told anew where the words have changed."""
    opened = {event.key: event for event in known if event.closed is None}
    found = {condition.key: condition for condition in current}
    events = [replace(event, closed=now) for key, event in opened.items() if key not in found]
    for key, condition in found.items():
        if key not in opened:
            events.append(Event(key, condition.kind, condition.title, condition.detail, now))
    return events
