"""Takes up thresholds of outputs (`when:`) when a config is adopted: what reaches one already is no news."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from aggregator.model import Instant
from aggregator.ports import Rules, Store
from aggregator.publish.selection.thresholds import TOLD, Told
from aggregator.settings import Output, Settings
from aggregator.stories.curate import subject_of
from aggregator.stories.upkeep.reselect import CHUNK, chunks


def follow(store: Store, settings: Settings, rules: Callable[[], Rules], now: Instant) -> None:
    """Notes, for each new or edited threshold, what has reached it, and that it was told of that."""
    for output in settings.outputs:
        told = Told.read(store.value(TOLD + output.slug))
        if (told.when if told is not None else None) == output.when:
            continue
        if output.when is None:
            with store.begin() as transaction:
                transaction.set_value(TOLD + output.slug, None)
        else:
            _begin(store, output, output.when, rules(), now)


def _begin(store: Store, output: Output, when: str, rules: Rules, now: Instant) -> None:
    for members in chunks(iter(store.members(output.slug)), CHUNK):
        stories = store.stories([member.story for member in members])
        with store.begin() as transaction:
            for story in stories:
                if not story.items or story.dropped:
                    continue
                reached = rules.apply(replace(story, items=story.reports), now).reached
                for threshold in (one for one in reached if one.output == output.slug):
                    transaction.add_reached(output.slug, subject_of(threshold, story), story.id, now)
    rows = store.reached(output.slug, 0)
    with store.begin() as transaction:
        transaction.set_value(TOLD + output.slug, str(Told(when, rows[-1].number if rows else 0)))
