"""Ports: the interfaces to the database, the network, the clock, and the rules. All stores pass the same contract tests."""

from aggregator.ports.feeds import Feeds, FeedWrites
from aggregator.ports.index import INDEX_VERSION, MINUTE_BITS, GroupedItems, IndexedItem, Postings, StoryIndex
from aggregator.ports.maintenance import DatabaseMaintenance, Keep, Swept
from aggregator.ports.outside import Answer, Call, Clock, Endpoint, Fetcher, Hubs, Job, Message, Messenger, Reply
from aggregator.ports.poll_requests import PollRequests, PollRequestWrites
from aggregator.ports.rows import (
    ALERT,
    EVENTS,
    HUB_DENIAL,
    HUB_DOCUMENT,
    WEBHOOK,
    ArchivePage,
    Delivery,
    Event,
    Hold,
    KnownItem,
    Member,
    OutputState,
    Override,
    PollRequest,
    Reject,
    Shown,
    Subscription,
    Whereabouts,
)
from aggregator.ports.rules import LanguageGuesser, QueryChecker, QueryNames, Rules, Tagged
from aggregator.ports.search import COLUMNS, AnyOf, EveryOf, Phrase, StoryFilter, WordQuery
from aggregator.ports.share import beyond_share, share
from aggregator.ports.sources import Entries, Sources, SourceWrites
from aggregator.ports.store import Database, Store, StoreView
from aggregator.ports.stories import Stories, StoryWrites
from aggregator.ports.subscribers import Events, EventWrites, Subscribers, SubscriberWrites
from aggregator.ports.transaction import Transaction
from aggregator.ports.values import Values, ValueWrites

__all__ = [
    "ALERT",
    "COLUMNS",
    "EVENTS",
    "HUB_DENIAL",
    "HUB_DOCUMENT",
    "INDEX_VERSION",
    "MINUTE_BITS",
    "WEBHOOK",
    "Answer",
    "AnyOf",
    "ArchivePage",
    "Call",
    "Clock",
    "Database",
    "DatabaseMaintenance",
    "Delivery",
    "Endpoint",
    "Entries",
    "Event",
    "EventWrites",
    "Events",
    "EveryOf",
    "FeedWrites",
    "Feeds",
    "Fetcher",
    "GroupedItems",
    "Hold",
    "Hubs",
    "IndexedItem",
    "Job",
    "Keep",
    "KnownItem",
    "LanguageGuesser",
    "Member",
    "Message",
    "Messenger",
    "OutputState",
    "Override",
    "Phrase",
    "PollRequest",
    "PollRequestWrites",
    "PollRequests",
    "Postings",
    "QueryChecker",
    "QueryNames",
    "Reject",
    "Reply",
    "Rules",
    "Shown",
    "SourceWrites",
    "Sources",
    "Store",
    "StoreView",
    "Stories",
    "StoryFilter",
    "StoryIndex",
    "StoryWrites",
    "SubscriberWrites",
    "Subscribers",
    "Subscription",
    "Swept",
    "Tagged",
    "Transaction",
    "ValueWrites",
    "Values",
    "Whereabouts",
    "WordQuery",
    "beyond_share",
    "share",
]
