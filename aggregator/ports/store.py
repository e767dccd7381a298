"""The database as a whole. Functions should take the narrowest port that they need (`Stories`, `Feeds`, …)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from aggregator.model import Instant, Source
from aggregator.ports.articles import Articles
from aggregator.ports.cluster import Cluster
from aggregator.ports.enrichments import Enrichments
from aggregator.ports.feeds import Feeds
from aggregator.ports.leadership import Leadership
from aggregator.ports.maintenance import DatabaseMaintenance
from aggregator.ports.poll_requests import PollRequests
from aggregator.ports.sources import Entries, Sources
from aggregator.ports.stories import Stories
from aggregator.ports.subscribers import Events, Subscribers
from aggregator.ports.threads import Threads
from aggregator.ports.transaction import Transaction
from aggregator.ports.values import Values


class StoreView(
    Sources, Entries, Articles, Stories, Threads, Feeds, Subscribers, Events, Enrichments, PollRequests, Values, Protocol
):
    """Reads everything that is committed."""

    def counts(self) -> Mapping[str, int]:
        """The number of `sources`, `items`, `stories`, and `aliases`, and the `bytes` of the database.

        Also what waits: articles to be fetched, questions to hooks, stories and alerts that channels are to be told.
        """
        ...


class Store(StoreView, Protocol):
    """Reads and writes. There is one writer at a time: `begin` waits for its turn."""

    def begin(self) -> AbstractContextManager[Transaction]:
        """Starts a transaction, which is committed at the end of the context, or rolled back on an exception."""
        ...

    def sync_sources(self, sources: Sequence[Source], now: Instant) -> None:
        """Adds new sources (due now), restores returning ones, and marks missing ones as not configured (never due).

        If a configured URL changed, its validators, redirects, faults and `gone` are reset.
        """
        ...

    def close(self) -> None: ...


class Database(Store, Leadership, DatabaseMaintenance, Protocol):
    """The database as the process that opened it sees it, with maintenance."""

    @property
    def cluster(self) -> Cluster | None:
        """What several nodes share; None where there is one process alone."""
        ...
