"""The values that every stage works with, all frozen. Nothing here does I/O or reads a clock.

Instants are seconds since the Unix epoch, UTC. Texts are Unicode without control characters unless said otherwise.
"""

from aggregator.model.enrichments import Enrichment
from aggregator.model.feeds import Category, Enclosure, Entry, Feed, Origin, Picture, PodcastTag
from aggregator.model.fetched import (
    MAX_RETRY,
    Fault,
    FaultKind,
    Fetched,
    FetchFailed,
    FetchOutcome,
    FetchRequest,
    Hop,
    NotModified,
)
from aggregator.model.ids import Instant, ItemId, Slug, SourceId, StoryId, ThreadId
from aggregator.model.polls import PollOutcome, PollReport, Work
from aggregator.model.sources import BEING_POLLED, Auto, Cron, Every, Fixed, Hints, Source, SourceState, Validators
from aggregator.model.stories import Evidence, Item, OutletsSeen, Story, Tag, TagKind
from aggregator.model.threads import EARLIER, SHOWN_FROM, Earlier, EarlierStory, Link, Thread

__all__ = [
    "BEING_POLLED",
    "EARLIER",
    "MAX_RETRY",
    "SHOWN_FROM",
    "Auto",
    "Category",
    "Cron",
    "Earlier",
    "EarlierStory",
    "Enclosure",
    "Enrichment",
    "Entry",
    "Every",
    "Evidence",
    "Fault",
    "FaultKind",
    "Feed",
    "FetchFailed",
    "FetchOutcome",
    "FetchRequest",
    "Fetched",
    "Fixed",
    "Hints",
    "Hop",
    "Instant",
    "Item",
    "ItemId",
    "Link",
    "NotModified",
    "Origin",
    "OutletsSeen",
    "Picture",
    "PodcastTag",
    "PollOutcome",
    "PollReport",
    "Slug",
    "Source",
    "SourceId",
    "SourceState",
    "Story",
    "StoryId",
    "Tag",
    "TagKind",
    "Thread",
    "ThreadId",
    "Validators",
    "Work",
]
