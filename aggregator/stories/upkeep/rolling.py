"""Applies changes that come with time alone: rolling feeds (`age<1d`), and stories held back for `publish.settle`.

A rolling feed is evaluated at its stored `as_of`, which only this module moves: its bytes depend on the database alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator

from msgspec.structs import replace

from aggregator.model import Instant, Slug, StoryId
from aggregator.ports import OutputState, Rules, Store, StoreView, StoryFilter, Values
from aggregator.settings import WEIGHT, Output, Settings
from aggregator.stories.curate import Curator
from aggregator.tag.check import ages

RIPENED_KEY = "ripened"
"""Key of the stored `[last check of held-back stories, publish.settle then]`: no story is lost while the daemon is down."""
RIPENED_EVERY = 60.0
"""Seconds between two updates of that value."""


def roll(store: Store, settings: Settings, rules: Callable[[], Rules], now: Instant) -> frozenset[Slug]:
    """Moves the rolling feeds to now. Returns those whose documents differ. rules: called only if there are any."""
    states = store.outputs()
    found: set[StoryId] = set()
    moved = []
    for output in settings.outputs:
        state = states.get(output.slug)
        if state is not None and output.query is not None and (bounds := ages(output.query)):
            by_thread = output.sort == WEIGHT
            find = _find_quiet if by_thread else _find_aged
            found.update(find(store, output, state, bounds, now))
            moved.append(replace(state, as_of=now))
    return _refresh(store, settings, rules, found, moved, now)


def _find_aged(
    store: StoreView, output: Output, state: OutputState, bounds: Collection[tuple[str, float]], now: Instant
) -> Iterator[StoryId]:
    """Yields stories that passed one of the query's ages since the feed's `as_of`."""
    for operator, age in bounds:
        passed = (state.as_of - age, now - age)
        if operator.startswith("<"):
            yield from (one.story for one in store.shown(output.slug) if one.published <= passed[1])
        else:
            yield from (
                story.id for story in store.find(StoryFilter(since=passed[0])) if passed[0] <= story.published <= passed[1]
            )


def _find_quiet(
    store: StoreView, output: Output, state: OutputState, bounds: Collection[tuple[str, float]], now: Instant
) -> Iterator[StoryId]:
    """`_find_aged` for a feed by weight, where an age counts from the newest report of a story and of its thread."""
    for operator, age in bounds:
        if operator.startswith("<"):
            yield from store.quiet_members(output.slug, now - age)
            continue
        for story in store.find(StoryFilter(since=state.as_of - age)):
            if state.as_of - age <= story.newest <= now - age:
                yield from [story.id] if story.thread is None else store.thread_stories(story.thread.id)


def holds_back(store: Values, settings: Settings) -> bool:
    """True if stories are held back, or were under the previous config. Reads one stored value."""
    return settings.publish.settle > 0 or store.value(RIPENED_KEY) is not None


def ripen(store: Store, settings: Settings, rules: Callable[[], Rules], now: Instant) -> frozenset[Slug]:
    """Lets stories enter their feeds after they were held back for `publish.settle` seconds. Returns the changed feeds.

    Considers all whose time has come since the last check, also after a pause or an edit of `settle` (0: all at once).
    """
    if not holds_back(store, settings):
        return frozenset()
    settle = settings.publish.settle
    stored = store.value(RIPENED_KEY)
    last, before = json.loads(stored) if stored else (now, settle)
    recent = store.find(StoryFilter(since=min(last, now) - max(before, settle) - RIPENED_EVERY))
    members = store.members_of([story.id for story in recent if story.first_seen <= now - settle])
    ripe = {story for story, slugs in members.items() if not slugs}
    changed = _refresh(store, settings, rules, ripe, [], now)
    if stored is None or now - last >= RIPENED_EVERY or before != settle:
        with store.begin() as transaction:
            transaction.set_value(RIPENED_KEY, json.dumps([now, settle]) if settle > 0 else None)
    return changed


def _refresh(
    store: Store,
    settings: Settings,
    rules: Callable[[], Rules],
    stories: Collection[StoryId],
    states: Collection[OutputState],
    now: Instant,
) -> frozenset[Slug]:
    if not stories and not states:
        return frozenset()
    with store.begin() as transaction:
        for state in states:
            transaction.save_output(state)
        return frozenset(
            Curator(rules(), transaction.outputs(), settings.publish.settle, now).refresh(transaction, sorted(stories))
        )
