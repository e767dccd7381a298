"""What an edit of the config does to feeds that are ranked, or were."""

from __future__ import annotations

from collections.abc import Collection

from aggregator.model import Instant, Slug
from aggregator.ports import Store
from aggregator.publish.selection import ranking
from aggregator.settings import Output, Settings


def follow(store: Store, settings: Settings, edited: Collection[Slug], now: Instant) -> set[Slug]:
    """Has edited feeds ranked anew when they are published next, and ends rankings. Returns the feeds that are ranked no more."""
    were = {key.removeprefix(ranking.KEY) for key in store.values(ranking.KEY)}
    ended = [output for output in settings.outputs if output.slug in were and not output.ranked]
    for output in ended:
        _go_on_by_date(store, output, now)
    if slugs := [output.slug for output in settings.outputs if output.ranked and output.slug in edited]:
        with store.begin() as transaction:
            for slug in slugs:
                ranking.forget(transaction, slug)
    return {output.slug for output in ended}


def _go_on_by_date(store: Store, output: Output, now: Instant) -> None:
    """Lets a feed go on with its newest stories. All others would fill archive pages at once."""
    newest = sorted(store.shown(output.slug, output.items), key=lambda one: (one.published, one.story))
    with store.begin() as transaction:
        ranking.forget(transaction, output.slug)
        transaction.clear(output.slug)
        transaction.enter(output.slug, [one.story for one in newest], now)
        transaction.bump([output.slug], now)
