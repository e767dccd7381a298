"""Webhooks with a threshold (`when:`): they are told of each story, or thread, once, when it first reaches it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from msgspec import Struct

from aggregator.model import Instant, Slug
from aggregator.ports import WEBHOOK, Delivery, OutputState, Store
from aggregator.settings import Output

TOLD = "reached."
"""Prefix of the keys of stored `Told`s."""
ONCE = "reached"
"""Version of these deliveries. There is one a story or thread, so it never changes."""


class Told(Struct, frozen=True):
    """What an output's webhook was told. when: the threshold; last: the number of the last `Reached`."""

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
        told = Told.read(store.value(TOLD + output.slug))
        if output.webhook is None or told is None or told.when != output.when:
            continue
        if not (rows := store.reached(output.slug, told.last)):
            continue
        state = states.get(output.slug)
        is_news = state is not None and not state.filling
        with store.begin() as transaction:
            for row in rows if is_news else ():
                transaction.save_delivery(Delivery(WEBHOOK, output.slug, output.webhook, row.story, ONCE, now, now))
            transaction.set_value(TOLD + output.slug, str(Told(told.when, rows[-1].number)))
