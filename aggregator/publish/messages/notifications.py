"""Makes the deliveries to subscribers, webhooks and channels that are stored when a document becomes visible.

Who writes the messages: webhooks.py, channel_messages.py, and websub/deliveries.py for subscribers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from aggregator.model import Instant, Slug
from aggregator.ports import (
    ALERT,
    CHANNEL,
    CHANNEL_ALERT,
    HUB_DENIAL,
    HUB_DOCUMENT,
    WEBHOOK,
    Delivery,
    Event,
    Store,
    Subscribers,
    SubscriberWrites,
    Values,
)
from aggregator.publish.entry.addresses import feed_path
from aggregator.publish.rendering import Rendered
from aggregator.publish.selection.thresholds import IN_TURN, ONCE
from aggregator.settings import Channel, Output

SENT_KEY = "webhook."
"""Prefix of stored values: the `updated` that a webhook last received for each story in its feed."""

NOTIFIED = "notified."
"""Prefix of stored values: the stories of a feed that its channels without a threshold were told of."""

REMEMBERED = 1_000
"""Stories that left a feed's document and are not sent again when they come back."""


def make_subscriber_deliveries(store: Subscribers, slug: Slug, digests: Mapping[str, str], now: Instant) -> list[Delivery]:
    """A delivery for each subscriber of a feed's documents."""
    return [
        Delivery(HUB_DOCUMENT, path, one.callback, "", digest, now, now)
        for format, digest in digests.items()
        for path in (feed_path(slug, format),)
        for one in store.subscriptions(path)
        if one.lease_until > now
    ]


def make_webhook_deliveries(
    store: Values, output: Output, entries: Sequence[Rendered], now: Instant, *, filling: bool = False
) -> tuple[list[Delivery], str | None]:
    """A delivery for each story that is new or changed since the last call, and the value to store, or None if it is unchanged.

    Stories that the feed shows when its webhook is first configured, or while the feed is being filled, are not sent.
    """
    if output.webhook is None or output.when is not None:  # `thresholds` tells of what reaches `when`
        return [], None
    stored = store.value(SENT_KEY + output.slug)
    current: dict[str, float] = {one.story: one.updated for one in entries}
    sent: dict[str, float] = json.loads(stored) if stored and not filling else current
    fresh = [one for one in entries if sent.get(one.story) != one.updated]
    deliveries = [
        Delivery(WEBHOOK, output.slug, output.webhook, one.story, f"{one.updated}", now, now) for one in reversed(fresh)
    ]
    if output.ranked:  # a story may leave its document and come back
        left = sorted(sent.keys() - current.keys(), key=lambda story: (sent[story], story))
        current |= {story: sent[story] for story in left[-REMEMBERED:]}
    text = json.dumps(current, sort_keys=True)
    return deliveries, text if text != stored else None


def make_channel_deliveries(
    store: Values, output: Output, entries: Sequence[Rendered], now: Instant, *, filling: bool = False
) -> tuple[list[Delivery], str | None]:
    """A delivery to each channel without a threshold for each story that is new since the last call, and the value to store.

    The value is None if it is unchanged. Changes of a story are not told. What the feed shows when it gets its first
    channel, or while it is being filled, is no news.
    """
    channels = [one.id for one in output.notify if one.when is None]
    if not channels:
        return [], None
    stored = store.value(NOTIFIED + output.slug)
    current = [one.story for one in entries]
    told: list[str] = json.loads(stored) if stored else []
    seen = set(current if filling or stored is None else told)
    fresh = [story for story in reversed(current) if story not in seen]
    deliveries = [
        Delivery(CHANNEL, output.slug, channel, story, ONCE, now + place * IN_TURN, now)
        for channel in channels
        for place, story in enumerate(fresh)
    ]
    shown = set(current)
    left = [story for story in told if story not in shown]
    text = json.dumps(current + left[:REMEMBERED])
    return deliveries, text if text != stored else None


def end_subscriptions(store: Store, served: Collection[str], now: Instant) -> None:
    """Ends the subscriptions to documents that are no longer published, each with its denial (WebSub 5.2).

    served: the paths of those that are.
    """
    over = [one for one in store.subscriptions() if one.topic not in served]
    if not over:
        return
    with store.begin() as transaction:
        for one in over:
            transaction.remove_subscription(one.topic, one.callback)
            transaction.save_delivery(Delivery(HUB_DENIAL, one.topic, one.callback, "", "", now, now))


def make_alert_deliveries(events: Iterable[Event], webhook: str | None, now: Instant) -> list[Delivery]:
    """A delivery to `alerts.webhook` for each event that opened or ended."""
    if webhook is None:
        return []
    return [
        Delivery(ALERT, event.key, webhook, f"{event.opened:.3f}", "open" if event.closed is None else "over", now, now)
        for event in events
    ]


def make_channel_alerts(events: Iterable[Event], channels: Iterable[Channel], now: Instant) -> list[Delivery]:
    """A delivery to each channel of `alerts` for each event that opened or ended. The end replaces an unsent beginning."""
    return [
        Delivery(
            CHANNEL_ALERT, "", one.id, f"{event.opened:.3f} {event.key}", "open" if event.closed is None else "over", now, now
        )
        for event in events
        for one in channels
    ]


def save_deliveries(transaction: SubscriberWrites, deliveries: Iterable[Delivery]) -> None:
    for one in deliveries:
        transaction.save_delivery(one)
