"""Refreshes the stories that a person has edited."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from aggregator.model import Slug, StoryId
from aggregator.ports import Rules, Store, Transaction
from aggregator.settings import Settings
from aggregator.stories.curate import Curator, horizons


def edit_curator(
    store: Store,
    settings: Settings,
    rules: Rules,
    transaction: Transaction,
    now: float,
    heirs: Mapping[StoryId, Collection[Slug]],
    *,
    as_if_joined: bool = False,
) -> Curator:
    """Lets stories enter the feeds that they come from, and others if these show nothing newer alone.

    as_if_joined: also if they are so young that a report could join them still, since that would let them in, too.
    """
    returning = frozenset[Slug]().union(*heirs.values())
    latest = now - settings.dedup.within if as_if_joined else math.inf
    oldest = {slug: min(at, latest) for slug, at in horizons(store).items() if slug not in returning}
    return Curator(rules, transaction.outputs(), settings.publish.settle, now, oldest, heirs)
