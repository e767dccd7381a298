"""What the database remembers of privacy: which sources are private, which feeds were public, what is to be withdrawn."""

from __future__ import annotations

import json
from collections.abc import Iterable

from aggregator.model import Slug, SourceId, StoryId
from aggregator.ports import Store, Transaction
from aggregator.settings import Settings

SOURCES_KEY = "private.sources"
"""Key of the stored list of private sources. One that leaves the config stays in it: its stories are still there."""
FEEDS_KEY = "publish.public"
"""Key of the stored list of feeds that were public when they were last in the config."""
WITHDRAWN_KEY = "publish.withdrawn"
"""Key of the stored list of stories that closed pages must not go on showing as they are."""


def known_sources(store: Store) -> frozenset[SourceId]:
    """The sources that the store was last told to keep private."""
    return frozenset(map(SourceId, _names(store.value(SOURCES_KEY))))


def wanted_sources(store: Store, settings: Settings) -> frozenset[SourceId]:
    """The sources that are private by the config; those that left it stay as they were."""
    configured = {source.id: source.private for source in settings.sources}
    return frozenset(id for id, private in configured.items() if private) | (known_sources(store) - configured.keys())


def public_feeds(store: Store) -> frozenset[Slug]:
    """The feeds that were public when they were last in the config."""
    return frozenset(map(Slug, _names(store.value(FEEDS_KEY))))


def withdrawn(store: Store) -> frozenset[StoryId]:
    """The stories that are to be taken out of closed pages of public feeds, or to be shown there anew."""
    return frozenset(map(StoryId, _names(store.value(WITHDRAWN_KEY))))


def save(transaction: Transaction, key: str, names: Iterable[str]) -> None:
    """Stores one of the lists."""
    transaction.set_value(key, json.dumps(sorted(names)) if names else None)


def _names(stored: str | None) -> list[str]:
    names: list[str] = json.loads(stored) if stored else []
    return names
