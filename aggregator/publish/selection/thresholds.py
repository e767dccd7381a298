"""Webhooks and channels with a threshold (`when:`): they are told of each story, or thread, once, when it first reaches it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from msgspec import Struct

from aggregator.model import Instant, Slug
from aggregator.ports import CHANNEL, WEBHOOK, Delivery, OutputState, Store
from aggregator.settings import Output

TOLD = "reached."
"""Prefix of the keys of stored `Told`s."""
ONCE = "reached"
"""Version of these deliveries. There is one a story or thread, so it never changes."""

IN_TURN = 0.001
"""Seconds between the stored times of two deliveries of one moment, so that they are told in their order."""


class Told(Struct, frozen=True):
    """What a webhook or channel was told. when: the threshold; last: the number of the last `Reached`."""

    when: str
    last: int

    @classmethod
    def read(cls, stored: str | None) -> Told | None:
        return None if stored is None else cls(*json.loads(stored))

    def __str__(self) -> str:
        return json.dumps([self.when, self.last])


def tell_reached(store: Store, outputs: Iterable[Output], states: Mapping[Slug, OutputState], now: Instant) -> None:
    """Stores the deliveries for what has reached the thresholds of these outputs since they were told last.

    What reaches a threshold while the feed is being filled is no news.
    """
    for output in outputs:
        for key, when in output.thresholds.items():
            told = Told.read(store.value(TOLD + key))
            if told is None or told.when != when or not (rows := store.reached(key, told.last)):
                continue
            state = states.get(output.slug)
            is_news = state is not None and not state.filling
            kind, target = _addressee(output, key)
            with store.begin() as transaction:
                for place, row in enumerate(rows if is_news else ()):
                    transaction.save_delivery(Delivery(kind, output.slug, target, row.story, ONCE, now + place * IN_TURN, now))
                transaction.set_value(TOLD + key, str(Told(when, rows[-1].number)))


def _addressee(output: Output, key: str) -> tuple[str, str]:
    """Kind and target of the deliveries of a threshold."""
    channel = key.partition("#")[2]
    return (CHANNEL, channel) if channel else (WEBHOOK, output.webhook or "")
