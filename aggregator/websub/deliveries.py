"""Composes the messages to the hub's subscribers: the current document, or the notice that a subscription is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aggregator.ports import HUB_DENIAL, HUB_DOCUMENT, Delivery, Message, StoreView
from aggregator.publish.entry.addresses import hub as hub_address
from aggregator.publish.entry.addresses import slug_of
from aggregator.publish.publications import is_shown
from aggregator.publish.shelf import Shelf
from aggregator.settings import Settings
from aggregator.websub import hub_rules


class NotShownYetError(Exception):
    """The document of a delivery is recorded and not shown yet. A subscriber that then asks for it would get an older one."""


class Composer:
    """Composes messages from the current state, at the time of sending. Called in threads."""

    def __init__(self, settings: Settings, store: StoreView, shelf: Shelf) -> None:
        self._settings = settings
        self._store = store
        self._shelf = shelf

    @property
    def kinds(self) -> Mapping[str, Callable[[Delivery], Message | None]]:
        return {HUB_DOCUMENT: self.compose_document, HUB_DENIAL: self.compose_denial}

    def compose_document(self, delivery: Delivery) -> Message | None:
        """Composes the document, or None if it is no longer published or the callback is not subscribed to it.

        Raises NotShownYetError until what is recorded of the feed is shown.
        """
        document = self._shelf.get(delivery.topic)
        subscribed = self._store.subscription(delivery.topic, delivery.target)
        hub = hub_address(self._settings.site, self._settings.publish.websub)
        if document is None or document.token is not None or subscribed is None or hub is None:
            return None
        if not is_shown(self._store, self._shelf, slug_of(delivery.topic)):
            raise NotShownYetError
        topic_url = self._settings.site.url + delivery.topic
        headers = hub_rules.delivery_headers(document.type, hub, topic_url, subscribed.secret, document.body)
        return Message("POST", delivery.target, headers, document.body)

    def compose_denial(self, delivery: Delivery) -> Message | None:
        """Composes the notice that a subscription is over, or None if the feed is published again."""
        if self._shelf.get(delivery.topic) is not None:
            return None
        topic_url = self._settings.site.url + delivery.topic
        return Message("GET", hub_rules.denial_url(delivery.target, topic_url, "this feed is not published any more"))
