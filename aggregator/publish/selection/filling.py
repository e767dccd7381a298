"""Filling new feeds: a new feed accepts backlog stories until every source has been polled once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from aggregator.model import BEING_POLLED, FaultKind, Instant, Slug, SourceState
from aggregator.ports import Feeds, OutputState, Store
from aggregator.publish.selection import ranking
from aggregator.settings import Output, Settings


def is_under_way(store: Feeds, settings: Settings) -> bool:
    """Whether any feed is being filled. Reads one small table."""
    return bool(_filling(store.outputs(), settings))


def describe(store: Store, settings: Settings) -> str | None:
    """Says on pages how far the sources are read; None once feeds are filled. Private sources are not counted."""
    if not is_under_way(store, settings):
        return None
    unread = {state.id for state in store.unread()}
    counted = [source.id for source in settings.sources if source.enabled and not source.private]
    read = sum(id not in unread for id in counted)
    return f"{read} of {len(counted)} sources read" if read < len(counted) else None


def end(store: Store, settings: Settings, now: Instant) -> tuple[Slug, ...]:
    """Ends the filling of feeds once every source has been polled. They start with their newest stories, in order of date.

    Ranked feeds keep all.
    """
    outputs = store.outputs()
    filling = _filling(outputs, settings)
    if not filling:
        return ()
    enabled = settings.enabled_sources
    unread = [state for state in store.unread() if state.id in enabled]
    if not is_filled(unread, now, is_any_read=store.last_success() is not None):
        return ()
    for output in filling:
        state = outputs[output.slug]
        newest = sorted(store.shown(output.slug, output.items), key=lambda one: (one.published, one.story))
        with store.begin() as transaction:
            if output.ranked:
                ranking.forget(transaction, output.slug)
            else:
                transaction.clear(output.slug)
                transaction.enter(output.slug, [one.story for one in newest], now)
            transaction.save_output(replace(state, filling=False, revision=state.revision + 1, changed=now))
    return tuple(output.slug for output in filling)


def is_filled(unread: Collection[SourceState], now: Instant, *, is_any_read: bool) -> bool:
    """Whether a new feed is filled: every enabled source was polled once, is gone, or has to wait.

    unread: of the enabled sources, those never read. While none can be asked, because our own side is offline, nothing is filled.
    """
    if unread and not is_any_read and all(state.last_fault == FaultKind.OFFLINE for state in unread):
        return False
    return all(
        state.last_poll is not None or state.gone or (state.due > now and state.reason != BEING_POLLED) for state in unread
    )


def _filling(states: Mapping[Slug, OutputState], settings: Settings) -> list[Output]:
    return [one for one in settings.outputs if one.slug in states and states[one.slug].filling]
