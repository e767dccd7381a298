"""Writes the messages to webhooks: a story or an issue of a digest as a JSON Feed item, an alert as JSON."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from hashlib import sha256

from aggregator.model import Slug, Story, StoryId
from aggregator.ports import ALERT, EVENTS, WEBHOOK, Delivery, Message, StoreView
from aggregator.publish import archive
from aggregator.publish.entry.feed_ids import scope_of, scoped_item
from aggregator.publish.entry.pictures import pictures
from aggregator.publish.entry.view import view
from aggregator.publish.formats import jsonfeed
from aggregator.publish.rendering import public_origins
from aggregator.settings import Output, Settings
from aggregator.text.times import rfc3339


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
        return {WEBHOOK: self.entry, ALERT: self.alert}

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

    def entry(self, delivery: Delivery) -> Message | None:
        """A story, or an issue of a digest, as a JSON Feed item; None if its feed no longer shows it.

        `X-Aggregator-Event` identifies the entry and its version, so that a receiver can detect a repeated message.
        """
        output = self._outputs.get(Slug(delivery.topic))
        if output is None or output.webhook != delivery.target:
            return None
        id = StoryId(delivery.subject)
        body = self._story(output, id) if output.digest is None else self._issue(output, id)
        if body is None:
            return None
        headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("X-Aggregator-Feed", str(output.slug)),
            ("X-Aggregator-Event", sha256(f"{id} {delivery.version}".encode()).hexdigest()[:32]),
        ]
        if output.webhook_secret:
            headers.append(("X-Hub-Signature", sign(output.webhook_secret, body)))
        return Message("POST", delivery.target, tuple(headers), body)

    def _story(self, output: Output, id: StoryId) -> bytes | None:
        story = self._store.story(id)
        if story is None or not is_shown(story) or output.slug not in self._store.members_of([id])[id]:
            return None
        public, shown = output.token is None, pictures(self._settings)
        item = jsonfeed.item(view(story, output.content, self._settings.site, self._origins, public=public, pictures=shown))
        return scoped_item(item, story.id, scope_of(output, self._settings.publish))

    def _issue(self, output: Output, id: StoryId) -> bytes | None:
        issue = archive.newest_of(self._store, output.slug, (id,))
        return None if issue is None else issue.json


def is_shown(story: Story) -> bool:
    """Whether the story stands for itself, was not taken down, and has entries."""
    return story.alias_of is None and not story.dropped and bool(story.items)
