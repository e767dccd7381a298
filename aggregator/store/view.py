"""Reads the database, whichever it is: each method runs a query on a connection of a reader."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from aggregator.model import Evidence, Instant, ItemId, Link, Slug, SourceId, SourceState, Story, StoryId, Thread, ThreadId
from aggregator.ports import (
    ArchivePage,
    Asking,
    Attempt,
    Attributes,
    Candidate,
    Decision,
    Delivery,
    DueArticle,
    Event,
    Hold,
    HookState,
    KnownItem,
    Member,
    OutputState,
    Override,
    PollRequest,
    Reached,
    Reject,
    Report,
    Shown,
    Subscription,
    ThreadStory,
    ThreadWhereabouts,
    Whereabouts,
)
from aggregator.store import articles, decisions, enrichments, outgoing, outputs, reads, requests, states, threads
from aggregator.store.connection import Connection

P = ParamSpec("P")
R = TypeVar("R")


class SqlView(ABC):
    """The part of a ports.StoreView that both databases share."""

    @abstractmethod
    def _read(self, query: Callable[Concatenate[Connection, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        """Runs a query of one statement, which sees what is committed."""

    @abstractmethod
    def _read_whole(self, query: Callable[Concatenate[Connection, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        """Runs a query of several statements that must see one state of the database."""

    def states(self, ids: Collection[SourceId] | None = None) -> dict[SourceId, SourceState]:
        return self._read(states.states, ids)

    def due(self, now: Instant, limit: int) -> list[SourceState]:
        return self._read(states.due, now, limit)

    def unread(self) -> list[SourceState]:
        return self._read(states.unread)

    def last_success(self) -> Instant | None:
        return self._read(states.last_success)

    def holds(self, now: Instant) -> dict[str, Hold]:
        return self._read(reads.holds, now)

    def fingerprints(self, source: SourceId) -> frozenset[bytes]:
        return self._read(reads.fingerprints, source)

    def known(self, source: SourceId, guids: Collection[str], canonicals: Collection[str]) -> list[KnownItem]:
        return self._read(reads.known, source, guids, canonicals)

    def story(self, story: StoryId) -> Story | None:
        return next(iter(self.stories([story])), None)

    def stories(self, ids: Iterable[StoryId], *, hidden: bool = False) -> list[Story]:
        return self._read_whole(reads.stories, ids, hidden)

    def versions(self, ids: Collection[StoryId]) -> dict[StoryId, int]:
        return self._read(reads.versions, ids)

    def story_of(self, url_or_id: str) -> StoryId | None:
        return self._read_whole(reads.story_named, url_or_id)

    def stories_named(self, url_or_guid: str) -> list[StoryId]:
        return self._read_whole(reads.stories_named, url_or_guid)

    def ids_from(self, first: str, last: str, limit: int) -> list[StoryId | ThreadId]:
        return self._read(reads.ids_from, first, last, limit)

    def whereabouts(self, story: StoryId) -> Whereabouts | None:
        return self._read(reads.whereabouts, story)

    def evidence(self, story: StoryId) -> dict[ItemId, tuple[Instant, Evidence]]:
        return self._read(reads.evidence, story)

    def thread(self, thread: ThreadId) -> Thread | None:
        return self._read(threads.thread, thread)

    def running_threads(self, since: Instant, limit: int) -> list[Thread]:
        return self._read(threads.running, since, limit)

    def thread_stories(self, thread: ThreadId) -> list[StoryId]:
        return self._read_whole(threads.thread_stories, thread)

    def thread_members(self, thread: ThreadId) -> list[ThreadStory]:
        return self._read_whole(threads.members, thread)

    def thread_whereabouts(self, thread: ThreadId) -> ThreadWhereabouts | None:
        return self._read(threads.whereabouts, thread)

    def threads_shown(self, stories: Collection[StoryId]) -> dict[StoryId, Thread]:
        return self._read(threads.shown, stories)

    def threads_of(self, stories: Collection[StoryId]) -> dict[StoryId, ThreadId]:
        return self._read(threads.threads_of, stories)

    def links(self, story: StoryId) -> list[Link]:
        return self._read(threads.links, story)

    def reports(self, since: Instant, until: Instant = math.inf) -> list[Report]:
        return self._read(threads.reports, since, until)

    def attributes(self) -> list[Attributes]:
        return self._read(reads.attributes)

    def rejects(self, limit: int, source: SourceId | None = None, without: Collection[SourceId] = ()) -> list[Reject]:
        return self._read(reads.rejects, limit, source, without)

    def addresses(self, host: str) -> list[str]:
        return self._read(reads.addresses, host)

    def due_articles(self, now: Instant, limit: int) -> list[DueArticle]:
        return self._read(articles.due, now, limit)

    def attempts(self, items: Collection[ItemId]) -> dict[ItemId, Attempt]:
        return self._read(articles.attempts, items)

    def overrides(self) -> list[Override]:
        return self._read(decisions.overrides)

    def decisions(self) -> list[Decision]:
        return self._read(decisions.decisions)

    def count_decisions(self) -> int:
        return self._read(decisions.count_decisions)

    def outputs(self) -> dict[Slug, OutputState]:
        return self._read(outputs.outputs)

    def members(self, slug: Slug, limit: int | None = None, before: int | None = None) -> list[Member]:
        return self._read(outputs.members, slug, limit, before)

    def shown(self, slug: Slug, newest: int | None = None) -> list[Shown]:
        return self._read(outputs.shown, slug, newest)

    def shown_of(self, slug: Slug, stories: Sequence[StoryId]) -> list[Shown]:
        return self._read(outputs.shown_of, slug, stories)

    def candidates(self, slug: Slug, since: Instant, latest: int, *, count: bool) -> list[Candidate]:
        return self._read(outputs.candidates, slug, since, latest, count)

    def quiet_members(self, slug: Slug, since: Instant) -> list[StoryId]:
        return self._read(outputs.quiet_members, slug, since)

    def lead_sources(self, slug: Slug) -> dict[StoryId, SourceId]:
        return self._read(outputs.lead_sources, slug)

    def members_of(self, ids: Collection[StoryId]) -> Mapping[StoryId, frozenset[Slug]]:
        return self._read(outputs.members_of, ids)

    def published_stories(self, ids: Collection[StoryId]) -> frozenset[StoryId]:
        return self._read(outputs.published, ids)

    def pages(self, slug: Slug) -> list[ArchivePage]:
        return self._read(outputs.pages, slug)

    def page(self, slug: Slug, page: int) -> ArchivePage | None:
        return self._read(outputs.page, slug, page)

    def subscriptions(self, topic: str | None = None) -> list[Subscription]:
        return self._read(outgoing.subscriptions, topic)

    def subscription(self, topic: str, callback: str) -> Subscription | None:
        return self._read(outgoing.subscription, topic, callback)

    def count_subscriptions(self, topic: str, domain: str) -> tuple[int, int]:
        return self._read(outgoing.count_subscriptions, topic, domain)

    def deliveries(self, now: Instant, limit: int) -> list[Delivery]:
        return self._read(outgoing.deliveries, now, limit)

    def channel_deliveries(self, kind: str, topic: str, target: str, limit: int) -> list[Delivery]:
        return self._read(outgoing.channel_deliveries, kind, topic, target, limit)

    def channels_told(self) -> list[tuple[str, str, str]]:
        return self._read(outgoing.channels_told)

    def reached(self, threshold: str, after: int) -> list[Reached]:
        return self._read(outgoing.reached, threshold, after)

    def events(self, limit: int) -> list[Event]:
        return self._read(outgoing.events, limit)

    def askings(self, stories: Collection[StoryId]) -> list[Asking]:
        return self._read(enrichments.askings, stories)

    def due_askings(self, hook: str, now: Instant, limit: int) -> list[Asking]:
        return self._read(enrichments.due, hook, now, limit)

    def asked_since(self, hook: str, since: Instant) -> int:
        return self._read(enrichments.asked_since, hook, since)

    def enriched_stories(self, hook: str) -> list[StoryId]:
        return self._read(enrichments.stories, hook)

    def hook_states(self) -> dict[str, HookState]:
        return self._read_whole(enrichments.states)

    def poll_requests(self) -> list[PollRequest]:
        return self._read(requests.waiting)

    def poll_answer(self, key: str) -> str | None:
        return self._read(requests.answer_of, key)

    def counts(self) -> Mapping[str, int]:
        return self._read_whole(reads.counts)

    def value(self, key: str) -> str | None:
        return self._read(reads.value, key)

    def values(self, prefix: str) -> dict[str, str]:
        return self._read(reads.values, prefix)
