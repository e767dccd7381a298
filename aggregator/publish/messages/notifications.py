"""Makes the deliveries to subscribers and webhooks that are stored when a document becomes visible, and writes webhook messages.

websub/deliveries.py writes the messages to subscribers.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256

from aggregator.model import Instant, Slug, Story, StoryId
from aggregator.ports import (
    ALERT,
    EVENTS,
    HUB_DENIAL,
    HUB_DOCUMENT,
    WEBHOOK,
    Delivery,
    Event,
    Message,
    StoreView,
    Subscribers,
    SubscriberWrites,
    Subscription,
    Values,
)
from aggregator.publish.entry.addresses import feed_path
from aggregator.publish.entry.feed_ids import scope_of, scoped_item
from aggregator.publish.entry.pictures import pictures
from aggregator.publish.entry.view import view
from aggregator.publish.formats import jsonfeed
from aggregator.publish.rendering import Rendered, public_origins
from aggregator.settings import Output, Settings
from aggregator.text.times import rfc3339

SENT_KEY = "webhook."
"""Prefix of stored values: the `updated` that a webhook last received for each story in its feed."""

REMEMBERED = 1_000
"""Stories that left a ranked feed's document and are not sent again when they come back."""


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


def find_ended_subscriptions(store: Subscribers, served: Collection[str], now: Instant) -> list[tuple[Subscription, Delivery]]:
    """The subscriptions to documents that are no longer published, each with its denial (WebSub 5.2)."""
    over = [one for one in store.subscriptions() if one.topic not in served]
    return [(one, Delivery(HUB_DENIAL, one.topic, one.callback, "", "", now, now)) for one in over]


def make_alert_deliveries(events: Iterable[Event], webhook: str | None, now: Instant) -> list[Delivery]:
    """A delivery to `alerts.webhook` for each event that opened or ended."""
    if webhook is None:
        return []
    return [
        Delivery(ALERT, event.key, webhook, f"{event.opened:.3f}", "open" if event.closed is None else "over", now, now)
        for event in events
    ]


def save_deliveries(transaction: SubscriberWrites, deliveries: Iterable[Delivery]) -> None:
    for one in deliveries:
        transaction.save_delivery(one)


def sign(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature` (WebSub 7.1). Webhooks get it, too."""
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()


class WebhookComposer:
    """Writes messages to webhooks from current state. Called in threads."""

    def __init__(self, settings: Settings, store: StoreView) -> None:
        self._settings = settings
        self._store = store
        self._outputs = {output.slug: output for output in settings.outputs}
        self._origins = public_origins(settings)

    @property
    def kinds(self) -> Mapping[str, Callable[[Delivery], Message | None]]:
        return {WEBHOOK: self.story, ALERT: self.alert}

    def alert(self, delivery: Delivery) -> Message | None:
        """An event as JSON, with its state; None if it is no longer stored or the webhook has changed."""
        events = (one for one in self._store.events(EVENTS) if one.key == delivery.topic)
        event = next((one for one in events if f"{one.opened:.3f}" == delivery.subject), None)
        if event is None or self._settings.alerts_webhook != delivery.target:
            return None
        content = {
            "kind": event.kind,
            "title": event.title,
            "detail": event.detail,
            "state": "open" if event.closed is None else "over",
            "opened": rfc3339(event.opened),
            "closed": rfc3339(event.closed),
        }
        body = json.dumps(content, ensure_ascii=False).encode()
        return Message("POST", delivery.target, (("Content-Type", "application/json; charset=utf-8"),), body)

    def story(self, delivery: Delivery) -> Message | None:
        """The story as a JSON Feed item, or None if its feed no longer shows it.

        `X-Aggregator-Event` identifies story and version, so that a receiver can detect a repeated message.
        """
        output = self._outputs.get(Slug(delivery.topic))
        story = self._store.story(StoryId(delivery.subject))
        if output is None or output.webhook != delivery.target or story is None or not _is_shown(story):
            return None
        if output.slug not in self._store.members_of([story.id])[story.id]:
            return None
        public, shown = output.token is None, pictures(self._settings)
        item = jsonfeed.item(view(story, output.content, self._settings.site, self._origins, public=public, pictures=shown))
        body = scoped_item(item, story.id, scope_of(output, self._settings.publish))
        headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("X-Aggregator-Feed", str(output.slug)),
            ("X-Aggregator-Event", sha256(f"{story.id} {delivery.version}".encode()).hexdigest()[:32]),
        ]
        if output.webhook_secret:
            headers.append(("X-Hub-Signature", sign(output.webhook_secret, body)))
        return Message("POST", delivery.target, tuple(headers), body)


def _is_shown(story: Story) -> bool:
    return story.alias_of is None and not story.dropped and bool(story.items)
