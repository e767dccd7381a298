"""The seams: what the path asks of the world. Real and test implementations run the same contract tests."""

from aggregator.ports.index import INDEX_VERSION, MINUTE_BITS, IndexedItem, Postings, StoryIndex
from aggregator.ports.outside import Clock, Fetcher, Job, Message, Messenger, Parser, Reply
from aggregator.ports.rows import (
    EVENTS,
    ArchivePage,
    Delivery,
    Event,
    Hold,
    KnownItem,
    Member,
    OutputState,
    Override,
    Reject,
    Shown,
    Subscription,
    Whereabouts,
)
from aggregator.ports.rules import LanguageGuesser, QueryChecker, QueryNames, Rules, Tagged
from aggregator.ports.search import COLUMNS, AnyOf, EveryOf, Phrase, StoryFilter, WordQuery
from aggregator.ports.share import beyond_share, share
from aggregator.ports.store import Store
from aggregator.ports.transaction import Transaction

__all__ = [
    "COLUMNS",
    "EVENTS",
    "INDEX_VERSION",
    "MINUTE_BITS",
    "AnyOf",
    "ArchivePage",
    "Clock",
    "Delivery",
    "Event",
    "EveryOf",
    "Fetcher",
    "Hold",
    "IndexedItem",
    "Job",
    "KnownItem",
    "LanguageGuesser",
    "Member",
    "Message",
    "Messenger",
    "OutputState",
    "Override",
    "Parser",
    "Phrase",
    "Postings",
    "QueryChecker",
    "QueryNames",
    "Reject",
    "Reply",
    "Rules",
    "Shown",
    "Store",
    "StoryFilter",
    "StoryIndex",
    "Subscription",
    "Tagged",
    "Transaction",
    "Whereabouts",
    "WordQuery",
    "beyond_share",
    "share",
]
