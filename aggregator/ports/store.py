"""The database as a whole. A function that reads one kind of thing takes the port of that kind (`Stories`, `Feeds`, …)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from aggregator.model import Instant, Source
from aggregator.ports.care import Care
from aggregator.ports.feeds import Feeds
from aggregator.ports.poll_requests import PollRequests
from aggregator.ports.sources import Entries, Sources
from aggregator.ports.stories import Stories
from aggregator.ports.subscribers import Events, Subscribers
from aggregator.ports.transaction import Transaction
from aggregator.ports.values import Values


class StoreView(Sources, Entries, Stories, Feeds, Subscribers, Events, PollRequests, Values, Protocol):
    """What is read, as it is committed: for who looks at several kinds and changes nothing."""

    def counts(self) -> Mapping[str, int]:
        """sources, items, stories, aliases, bytes (of the database)."""
        ...


class Store(StoreView, Protocol):
    """The database that is read and written. One writer: `begin` waits for its turn."""

    def begin(self) -> AbstractContextManager[Transaction]:
        """BEGIN IMMEDIATE … COMMIT; an exception inside rolls everything back."""
        ...

    def sync_sources(self, sources: Sequence[Source], now: Instant) -> None:
        """Makes rows for new sources (due now), revives those that came back, marks the missing as not configured (not due).

        A configured URL that changed resets validators, redirects and `gone`.
        """
        ...

    def close(self) -> None: ...


class Database(Store, Care, Protocol):
    """The database as the process has it that opened it."""
