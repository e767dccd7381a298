"""The transaction: all writes, committed together."""

from __future__ import annotations

from typing import Protocol

from aggregator.ports.articles import ArticleWrites
from aggregator.ports.enrichments import EnrichmentWrites
from aggregator.ports.feeds import FeedWrites
from aggregator.ports.poll_requests import PollRequestWrites
from aggregator.ports.sources import SourceWrites
from aggregator.ports.stories import StoryWrites
from aggregator.ports.subscribers import EventWrites, SubscriberWrites
from aggregator.ports.threads import ThreadWrites
from aggregator.ports.values import ValueWrites


class Transaction(
    SourceWrites,
    ArticleWrites,
    StoryWrites,
    ThreadWrites,
    FeedWrites,
    SubscriberWrites,
    EventWrites,
    EnrichmentWrites,
    PollRequestWrites,
    ValueWrites,
    Protocol,
):
    """All writes. They are committed as a whole or not at all (see `Store.begin`)."""
