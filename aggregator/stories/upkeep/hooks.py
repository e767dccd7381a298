"""Follows edits of hooks (`enrich:`) when a config is adopted: what gone ones told leaves the feeds; new ones are asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from aggregator.model import Instant, Slug, StoryId
from aggregator.ports import Rules, Store
from aggregator.settings import Hook, Settings
from aggregator.stories.curate import Curator, horizons
from aggregator.stories.upkeep.reselect import CHUNK, chunks

HOOKS_KEY = "hooks"
"""Key of the stored hooks that stories follow: name → what decides which stories they are asked about, and what is taken."""


def follow(store: Store, settings: Settings, rules: Callable[[], Rules], now: Instant) -> frozenset[Slug]:
    """Refreshes the stories that an edit of hooks concerns. Returns the feeds whose documents differ now.

    No `updated` moves by an edit of the config. A new hook is asked about the stories that feeds show, as far as they are fresh.
    """
    stored = json.loads(store.value(HOOKS_KEY) or "{}")
    current = {name: _terms(hook) for name, hook in settings.enrich.items()}
    if stored == current:
        return frozenset()
    gone = [name for name in {**stored, **store.hook_states()} if name not in current]
    edited = [name for name, terms in current.items() if stored.get(name) != terms]
    concerned = {story for name in (*gone, *edited) for story in store.enriched_stories(name)}
    if edited:
        concerned |= {one.story for output in settings.outputs for one in store.shown(output.slug)}
    changed = _refresh(store, settings, rules(), concerned, now)
    with store.begin() as transaction:
        for name in gone:
            transaction.remove_hook(name)
        transaction.set_value(HOOKS_KEY, json.dumps(current) if current else None)
    return changed


def _refresh(store: Store, settings: Settings, rules: Rules, concerned: Iterable[StoryId], now: Instant) -> frozenset[Slug]:
    changed: set[Slug] = set()
    oldest = horizons(store)
    for stories in chunks(iter(sorted(concerned)), CHUNK):
        with store.begin() as transaction:
            settle, outputs = settings.publish.settle, transaction.outputs()
            changed |= Curator(rules, outputs, settle, now, oldest, is_upgrade=True).refresh(transaction, stories)
    return frozenset(changed)


def _terms(hook: Hook) -> list[list[str]]:
    """What decides which stories it is asked about, and what is taken from its answers."""
    about = (hook.topics, hook.outputs, hook.sources)
    return [list(hook.fields), list(hook.tags), *(list(map(str, names)) for names in about), ["private"] if hook.private else []]
