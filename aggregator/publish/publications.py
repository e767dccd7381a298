"""Records publications: which documents are about to become visible, and the deliveries that they cause."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from aggregator.model import Instant, Slug, StoryId
from aggregator.ports import Delivery, Store, Transaction, Values
from aggregator.publish.entry.addresses import FORMATS, feed_path
from aggregator.publish.feed_update import FeedUpdate, Mark, mark_digest
from aggregator.publish.messages import notifications
from aggregator.publish.shelf import Shelf
from aggregator.settings import Settings

MARK = "publish.mark."
"""Prefix of the keys of stored `Mark`s."""


def read_mark(store: Values, slug: Slug) -> Mark:
    return Mark.read(store.value(MARK + slug))


def is_shown(store: Values, shelf: Shelf, slug: Slug) -> bool:
    """Whether the documents of a feed on the shelf are those that were recorded last."""
    shown = [shelf.get(feed_path(slug, format)) for format in FORMATS]
    return read_mark(store, slug).digest == mark_digest(one.digest for one in shown if one is not None)


class Publications:
    """The stored record. It is kept in one transaction before a document is written or served."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._recorded: set[StoryId] = set()

    def __len__(self) -> int:
        """How many stories are known to be marked as published."""
        return len(self._recorded)

    def mark(self, slug: Slug) -> Mark:
        return read_mark(self._store, slug)

    def record(self, updates: Iterable[FeedUpdate], now: Instant) -> None:
        """Stores that these documents are about to become visible, with the deliveries they cause.

        So stories that readers may have seen stay marked as published, and deliveries survive a crash right after this.
        """
        new = {story for one in updates for story in one.stories} - self._recorded
        told = [self._tell(one, now) for one in updates]
        if not new and not any(one.has_changed for one in updates) and not any(values for _, values in told):
            return
        with self._store.begin() as transaction:
            transaction.mark_published(new)
            for one, (deliveries, values) in zip(updates, told, strict=True):
                notifications.save_deliveries(transaction, deliveries)
                for key, value in values.items():
                    transaction.set_value(key, value)
                if one.has_changed:
                    self._save_change(transaction, one, now)
        self._recorded |= new

    def forget_all_but(self, shown: Collection[StoryId]) -> None:
        """Forgets, in memory alone, which stories are marked but for these."""
        self._recorded.intersection_update(shown)

    def _tell(self, one: FeedUpdate, now: Instant) -> tuple[list[Delivery], dict[str, str]]:
        """The deliveries to the feed's webhook and channels, and the values to store with them."""
        shown = (self._store, one.output, one.content.entries, now)
        to_webhook, sent = notifications.make_webhook_deliveries(*shown, filling=one.filling)
        to_channels, notified = notifications.make_channel_deliveries(*shown, filling=one.filling)
        values = {notifications.SENT_KEY + one.output.slug: sent, notifications.NOTIFIED + one.output.slug: notified}
        return [*to_webhook, *to_channels], {key: value for key, value in values.items() if value is not None}

    def _save_change(self, transaction: Transaction, one: FeedUpdate, now: Instant) -> None:
        transaction.set_value(MARK + one.output.slug, str(one.mark))
        if one.head.hub is not None and self._settings.publish.websub is True:
            notifications.save_deliveries(
                transaction, notifications.make_subscriber_deliveries(self._store, one.output.slug, one.digests, now)
            )
