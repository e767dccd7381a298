"""Privacy state in the database: private sources, feeds that were public, and stories to withdraw."""

from __future__ import annotations

import json
from collections.abc import Iterable

from aggregator.model import Slug, SourceId, StoryId
from aggregator.ports import StoreView, Transaction
from aggregator.settings import Settings

SOURCES_KEY = "private.sources"
"""Key of the stored list of private sources. A source that leaves the config stays listed, since its stories remain stored."""
FEEDS_KEY = "publish.public"
"""Key of the stored list of feeds that were public when they were last in the config."""
WITHDRAWN_KEY = "publish.withdrawn"
"""Key of the stored list of stories that must be removed from closed pages or rendered again there."""


def known_sources(store: StoreView) -> frozenset[SourceId]:
    """The sources that are stored as private."""
    return frozenset(map(SourceId, _names(store.value(SOURCES_KEY))))


def wanted_sources(store: StoreView, settings: Settings) -> frozenset[SourceId]:
    """The sources that are private by the config, and those that were private when they left it."""
    configured = {source.id: source.private for source in settings.sources}
    return frozenset(id for id, private in configured.items() if private) | (known_sources(store) - configured.keys())


def public_feeds(store: StoreView) -> frozenset[Slug]:
    """The feeds that were public when they were last in the config."""
    return frozenset(map(Slug, _names(store.value(FEEDS_KEY))))


def withdrawn(store: StoreView) -> frozenset[StoryId]:
    """The stories to remove from closed pages of public feeds, or to render again there."""
    return frozenset(map(StoryId, _names(store.value(WITHDRAWN_KEY))))


def save(transaction: Transaction, key: str, names: Iterable[str]) -> None:
    """Stores one of the lists."""
    transaction.set_value(key, json.dumps(sorted(names)) if names else None)


def _names(stored: str | None) -> list[str]:
    names: list[str] = json.loads(stored) if stored else []
    return names
