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
    """Notes, for each new or edited threshold, what has reached it, and that it was told of that. Forgets those that are gone."""
    thresholds = {key: (output, when) for output in settings.outputs for key, when in output.thresholds.items()}
    gone = [key for key in store.values(TOLD) if key.removeprefix(TOLD) not in thresholds]
    if gone:
        with store.begin() as transaction:
            for key in gone:
                transaction.set_value(key, None)
    for key, (output, when) in thresholds.items():
        told = Told.read(store.value(TOLD + key))
        if told is None or told.when != when:
            _begin(store, output, (key, when), rules(), now)


def _begin(store: Store, output: Output, threshold: tuple[str, str], rules: Rules, now: Instant) -> None:
    key, when = threshold
    for members in chunks(iter(store.members(output.slug)), CHUNK):
        stories = store.stories([member.story for member in members])
        with store.begin() as transaction:
            for story in stories:
                if not story.items or story.dropped:
                    continue
                for one in rules.apply(replace(story, items=story.reports), now).reached:
                    if one.key == key:
                        transaction.add_reached(key, subject_of(one, story), story.id, now)
    rows = store.reached(key, 0)
    with store.begin() as transaction:
        transaction.set_value(TOLD + key, str(Told(when, rows[-1].number if rows else 0)))
