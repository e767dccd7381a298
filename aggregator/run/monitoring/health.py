"""Finds what a person should know: sources that are broken, silent, gone or moved, and a daemon that reads nothing. Pure.

A condition is an event while it lasts; `/health.atom` has one entry when it opens and one when it closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from aggregator.cadence import usual_wait, why_silent
from aggregator.model import FaultKind, Instant, Source, SourceId, SourceState
from aggregator.ports import Event, HookState
from aggregator.publish.messages.channel_states import ChannelState, state_key
from aggregator.settings import DAY, Channel, Polling
from aggregator.stories.budget import Spent
from aggregator.text.masks import mask_url
from aggregator.text.times import format_duration

FAILURES = 5
"""Failed fetches in a row, or unreadable documents in a row, that make a source broken."""
CHANNEL_FAILURES = 3
"""Failed messages in a row, over three minutes, that make a channel worth a person's time."""
BROKEN_AFTER = 86_400.0
"""Seconds without a success before failed fetches are worth a person's time: most problems are over sooner."""
FAILED_ANSWERS = 3
"""Answers in a row that make a hook worth a person's time."""
STALE_FACTOR = 2.0
"""Times the shortest interval without any success, after which our own side is likely at fault (network, DNS)."""
STALE_LEAST = 600.0
"""Seconds without any success that are never reported, however short the intervals are: a restarted router takes minutes."""
LATE = 0.2
"""Share of an interval by which a poll may come late: jitter, and its turn."""
FAILING = {
    "database": "The database can't be written",
    "publishing": "Feeds can't be published",
    "backup": "Backups fail",
}
"""Work of the daemon that may fail as a whole, and what is told then."""
CAPS = {
    "cap:entries": "too many entries",
    "cap:text": "too long a text",
    "cap:title": "too long a title",
    "cap:depth": "elements too deep within one another",
    "cap:authors": "too many authors of an entry",
    "cap:categories": "too many categories of an entry",
    "cap:enclosures": "too many enclosures of an entry",
}
"""What each counter of a cap says to a person."""


class Condition(Struct, frozen=True):
    """A problem that exists now. key: kind and subject; is_logged: the log has told it already."""

    kind: str
    subject: str
    title: str
    detail: str
    is_logged: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind} {self.subject}"


def find_conditions(
    sources: Iterable[Source],
    states: Mapping[SourceId, SourceState],
    now: Instant,
    polling: Polling = Polling(),  # noqa: B008 - frozen
    timezone: str = "UTC",
) -> Iterator[Condition]:
    """Yields what is wrong with sources, in the order of the config, and then with the daemon as a whole."""
    polled = []
    for source in sources:
        state = states.get(source.id)
        if state is not None and source.enabled:
            polled.append((source, state))
            yield from _source_conditions(source, state, now)
    if (why := _why_stale(polled, now, polling, timezone)) is not None:
        yield Condition("stale", "daemon", "No source can be read", why)


def config_conditions(refused: str | None, restart_keys: Iterable[str]) -> Iterator[Condition]:
    """Yields what is wrong with the config. refused: why an edit is not in use; restart_keys: edited keys that need a restart."""
    if refused is not None:
        yield Condition("config", "daemon", "An edit of the config is refused", f"the old one is in use: {refused}")
    if keys := ", ".join(restart_keys):
        yield Condition("restart", "daemon", "A restart is needed", f"{keys} in the config: the old value is in use until then")


def daemon_conditions(troubles: Mapping[str, str | None]) -> Iterator[Condition]:
    """Yields what fails of the daemon's own work. troubles: why each kind of it fails, None if it doesn't."""
    for kind, why in troubles.items():
        if why is not None:
            yield Condition(kind, "daemon", FAILING[kind], why)


def budget_conditions(
    sources: Iterable[Source], states: Mapping[SourceId, SourceState], spent: Mapping[SourceId, Spent], now: Instant
) -> Iterator[Condition]:
    """Yields sources over their daily budget. The condition lasts a day beyond the last excess: a flood resumes every day."""
    for source in sources:
        over = spent.get(source.id, Spent()).over
        if source.enabled and source.id in states and over is not None and abs(now - over) < DAY:
            name = source.title or states[source.id].title or source.id
            why = f"it brings more than its budget of {source.budget} new entries a day; the rest enters no feed. "
            why += "Raise `budget` at the source if that is right"
            yield Condition("budget", source.id, f"{name} brings too much", why)


def channel_conditions(
    channels: Iterable[tuple[str, int, Channel]], states: Mapping[str, str], now: Instant
) -> Iterator[Condition]:
    """Yields channels that fail for some time, and those that lose messages by it. states: stored, by `state_key`.

    The two are told apart, because an event is told once: a channel fails for a day before it loses anything.
    """
    for place, number, channel in channels:
        state = ChannelState.read(states.get(state_key(place, channel.id)))
        if state.since is None:
            continue
        subject, name = f"{place}#{channel.id}", f"Channel {number} ({channel.service}) of {place or 'alerts'}"
        if state.failures >= CHANNEL_FAILURES:
            lasts = format_duration(now - state.since)
            why = f"no message got through for {lasts}: {state.error}. What waits is told once one does"
            yield Condition("channel", subject, f"{name} fails", why)
        if state.lost:
            why = f"what waits for more than a day is given up while it fails: {state.error}. The log counts it (channel_gave_up)"
            yield Condition("lost", subject, f"{name} loses messages", why)


def hook_conditions(hooks: Iterable[str], states: Mapping[str, HookState]) -> Iterator[Condition]:
    """Yields hooks (`enrich:`) that have failed FAILED_ANSWERS times in a row: once may be the story's fault."""
    for name in hooks:
        state = states.get(name, HookState())
        if state.failing >= FAILED_ANSWERS:
            why = f"its last {state.failing} answers could not be used: {state.error}; it is asked again, less often each time"
            yield Condition("hook", name, f"The hook {name} fails", why)


def _source_conditions(source: Source, state: SourceState, now: Instant) -> Iterator[Condition]:
    name = source.title or state.title or source.id
    if state.gone:
        yield Condition("gone", source.id, f"{name} is gone", f"{state.last_error}; take it out of the config, or change its url")
    elif (why := _why_broken(state, now)) is not None:
        yield Condition("broken", source.id, f"{name} is broken", why)
    elif (why := why_silent(state, source, now)) is not None:
        yield Condition("silent", source.id, f"{name} is silent", why)
    if state.url != source.url and not state.gone:
        yield Condition(
            "moved", source.id, f"{name} has moved", f"the config has {source.shown}; it is now {mask_url(state.url)}"
        )
    capped = sorted(key for key, count in state.counters.items() if key.startswith("cap:") and count)
    if capped:
        yield Condition("capped", source.id, f"{name} is cut short", _describe_caps(capped))


def _describe_caps(caps: list[str]) -> str:
    listed = ", ".join(CAPS.get(cap, cap.removeprefix("cap:")) for cap in caps)
    return f"its document holds more than is taken from one ({listed}); the rest is left out, and nothing has to be done"


def _why_broken(state: SourceState, now: Instant) -> str | None:
    if state.parse_failures >= FAILURES:
        return f"{state.parse_failures} documents in a row could not be read: {state.last_error}"
    if state.last_fault == FaultKind.OFFLINE:
        return None  # our own side, which says nothing about the source
    quiet = now - state.last_success if state.last_success is not None else None
    if state.failures >= FAILURES and (quiet is None or quiet > BROKEN_AFTER):
        since = f"for {format_duration(quiet)}" if quiet is not None else "yet"
        return f"no success {since}, {state.failures} failures in a row: {state.last_error}"
    return None


def _why_stale(polled: Iterable[tuple[Source, SourceState]], now: Instant, polling: Polling, timezone: str) -> str | None:
    """Says why our own side seems at fault: no success for STALE_FACTOR times the shortest interval. None if all is well.

    Only sources count that were read, or not due yet, when something last succeeded: one that failed before says nothing of our
    side, nor does its interval.
    """
    asked = [(source, state) for source, state in polled if state.last_poll is not None and not state.gone]
    last = max((state.last_success for _, state in asked if state.last_success is not None), default=None)
    if last is None or now - last <= STALE_LEAST or not any(state.failures for _, state in asked):
        return None
    waits = [(state, _wait(source, state, polling, timezone)) for source, state in asked]
    well = [(state, wait) for state, wait in waits if (state.last_success or 0.0) + wait * (1 + LATE) >= last]
    failing = sum(state.failures > 0 for _, state in asked)
    if now - last <= STALE_FACTOR * min(wait for _, wait in well) or not any(state.failures for state, _ in well):
        return None
    return f"no success for {format_duration(now - last)}; {failing} of {len(asked)} sources fail"


def _wait(source: Source, state: SourceState, polling: Polling, timezone: str) -> float:
    """Returns the seconds between two polls of a source while nothing fails."""
    if state.failures == 0 and state.last_poll is not None:
        return state.due - state.last_poll
    return usual_wait(source, state, polling, timezone)


def diff_events(known: Iterable[Event], current: Iterable[Condition], now: Instant) -> list[Event]:
    """Returns the events to store: new conditions opened, those that are over closed."""
    opened = {event.key: event for event in known if event.closed is None}
    found = {condition.key: condition for condition in current}
    events = [replace(event, closed=now) for key, event in opened.items() if key not in found]
    for key, condition in found.items():
        if key not in opened:
            events.append(Event(key, condition.kind, condition.title, condition.detail, now))
    return events
