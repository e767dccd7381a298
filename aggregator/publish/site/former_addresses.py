"""What addresses of feeds that were renamed or have ended answer. Private ones answer like addresses that nobody has."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aggregator.model import Slug
from aggregator.ports import Store
from aggregator.publish.entry.addresses import FORMATS, feed_path, subscribe_path, topic_path
from aggregator.publish.selection import private
from aggregator.publish.shelf import GONE, Gone, Moved
from aggregator.settings import Output, Settings


def answers(settings: Settings, store: Store, known: Collection[Slug], served: Collection[str]) -> Mapping[str, Moved | Gone]:
    """Path → answer. known: slugs of all feeds that are stored; served: the paths that have a document."""
    of_private = {slug for output in _private(settings) for slug in output.formerly}
    ended = set(known) & _once_public(settings, store) - of_private
    gone = {path for slug in ended for path in (*_pages(slug), *(feed_path(slug, format) for format in FORMATS))}
    return {**dict.fromkeys(gone.difference(served), GONE), **_renamed(settings)}


def _pages(slug: Slug) -> tuple[str, str]:
    """The paths of the web pages that a public feed has."""
    return topic_path(slug), subscribe_path(slug)


def _private(settings: Settings) -> list[Output]:
    return [output for output in settings.outputs if output.token is not None]


def _once_public(settings: Settings, store: Store) -> set[Slug]:
    """Feeds that were public when they were last in the config. Only these answer 410 once they are gone."""
    known = private.public_feeds(store)
    found = known - {output.slug for output in _private(settings)}
    found |= {output.slug for output in settings.outputs if output.token is None}
    if found != known:
        with store.begin() as transaction:
            private.save(transaction, private.FEEDS_KEY, found)
    return set(found)


def _renamed(settings: Settings) -> dict[str, Moved]:
    """Former address → current one. Those of a private feed need its token."""
    site = settings.site.url
    found: dict[str, Moved] = {}
    for output in settings.outputs:
        for slug in output.formerly:
            if output.token is None:
                found |= {old: Moved(site + new) for old, new in zip(_pages(slug), _pages(output.slug), strict=True)}
            for format in FORMATS:
                found[feed_path(slug, format)] = Moved(site + feed_path(output.slug, format), output.token)
    return found
