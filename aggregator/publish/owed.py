"""What is owed to the hub's subscribers and to webhooks: noted when a document becomes visible. What webhooks are sent.

What the hub's subscribers are sent is in websub/deliveries.py.
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
from aggregator.publish import jsonfeed
from aggregator.publish.addresses import feed_path
from aggregator.publish.rendering import Rendered, public_origins
from aggregator.publish.view import view
from aggregator.settings import Output, Settings
from aggregator.text.times import rfc3339

SENT_KEY = "webhook."
"""Prefix of stored values: what a webhook was last told of each story that its feed shows."""


def to_subscribers(store: Subscribers, slug: Slug, digests: Mapping[str, str], now: Instant) -> list[Delivery]:
    """A delivery for each subscriber of a feed's documents."""
    return [
        Delivery(HUB_DOCUMENT, path, one.callback, "", digest, now, now)
        for format, digest in digests.items()
        for path in (feed_path(slug, format),)
        for one in store.subscriptions(path)
        if one.lease_until > now
    ]


def to_webhook(
    store: Values, output: Output, entries: Sequence[Rendered], now: Instant, *, filling: bool = False
) -> tuple[list[Delivery], str | None]:
    """A delivery for each story that is new or changed since it was last told, and the value to store for the next time.

    What a feed shows when its webhook is first seen, or while it is being filled, is taken as told: there is no flood of the
    past. None: nothing to store.
    """
    if output.webhook is None:
        return [], None
    stored = store.value(SENT_KEY + output.slug)
    current: dict[str, float] = {one.story: one.updated for one in entries}
    told: dict[str, float] = json.loads(stored) if stored and not filling else current
    fresh = [one for one in entries if told.get(one.story) != one.updated]
    deliveries = [
        Delivery(WEBHOOK, output.slug, output.webhook, one.story, f"{one.updated}", now, now) for one in reversed(fresh)
    ]
    text = json.dumps(current, sort_keys=True)
    return deliveries, text if text != stored else None


def of_ended(store: Subscribers, served: Collection[str], now: Instant) -> list[tuple[Subscription, Delivery]]:
    """The subscriptions to documents that are published no more, each with the word that it is over."""
    over = [one for one in store.subscriptions() if one.topic not in served]
    return [(one, Delivery(HUB_DENIAL, one.topic, one.callback, "", "", now, now)) for one in over]


def alerts(events: Iterable[Event], webhook: str | None, now: Instant) -> list[Delivery]:
    """A message to `alerts.webhook` for each event that opened or is over."""
    if webhook is None:
        return []
    return [
        Delivery(ALERT, event.key, webhook, f"{event.opened:.3f}", "open" if event.closed is None else "over", now, now)
        for event in events
    ]


def note(transaction: SubscriberWrites, deliveries: Iterable[Delivery]) -> None:
    for one in deliveries:
        transaction.save_delivery(one)


def signature(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature` (WebSub 7.1), which webhooks get, too."""
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()


class Composer:
    """Makes the messages to webhooks as things are now. Called in threads."""

    def __init__(self, settings: Settings, store: StoreView) -> None:
        self._settings = settings
        self._store = store
        self._outputs = {output.slug: output for output in settings.outputs}
        self._origins = public_origins(settings)

    @property
    def kinds(self) -> Mapping[str, Callable[[Delivery], Message | None]]:
        return {WEBHOOK: self.story, ALERT: self.alert}

    def alert(self, delivery: Delivery) -> Message | None:
        """An event as JSON: what is wrong, or that it is over; None if it is no more known, or goes elsewhere now."""
        events = (one for one in self._store.events(EVENTS) if one.key == delivery.topic)
        event = next((one for one in events if f"{one.opened:.3f}" == delivery.subject), None)
        if event is None or self._settings.alerts_webhook != delivery.target:
            return None
        told = {
            "kind": event.kind,
            "title": event.title,
            "detail": event.detail,
            "state": "open" if event.closed is None else "over",
            "opened": rfc3339(event.opened),
            "closed": rfc3339(event.closed),
        }
        body = json.dumps(told, ensure_ascii=False).encode()
        return Message("POST", delivery.target, (("Content-Type", "application/json; charset=utf-8"),), body)

    def story(self, delivery: Delivery) -> Message | None:
        """The story as a JSON Feed item for a webhook, or None if its feed shows it no more.

        `X-Aggregator-Event` names story and version, so that a repeated message can be told; the signature is the hub's form.
        """
        output = self._outputs.get(Slug(delivery.topic))
        story = self._store.story(StoryId(delivery.subject))
        if output is None or output.webhook != delivery.target or story is None or not _is_shown(story):
            return None
        if output.slug not in self._store.members_of([story.id])[story.id]:
            return None
        body = jsonfeed.item(view(story, output.content, self._settings.site, self._origins, public=output.token is None))
        headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("X-Aggregator-Feed", str(output.slug)),
            ("X-Aggregator-Event", sha256(f"{story.id} {delivery.version}".encode()).hexdigest()[:32]),
        ]
        if output.webhook_secret:
            headers.append(("X-Hub-Signature", signature(output.webhook_secret, body)))
        return Message("POST", delivery.target, tuple(headers), body)


def _is_shown(story: Story) -> bool:
    return story.alias_of is None and not story.dropped and bool(story.items)
