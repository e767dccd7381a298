"""A newsroom of scripted servers behind the fetcher's port; everything else is the real chain."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aggregator.config.load import load
from aggregator.dedup.engine import Engine
from aggregator.dedup.weigh import rarity, view_of
from aggregator.fetch.discover import offered_feeds
from aggregator.fetch.hosts import HostGate
from aggregator.model import Fault, Fetched, FetchOutcome, FetchRequest, Instant, PollReport, Slug, SourceId, Story
from aggregator.parse.article import read_article
from aggregator.pipeline import CurrentPipeline, DocumentStorage, NextStates, Pipeline, PoliteRequests
from aggregator.ports import Store, StoryFilter
from aggregator.publish.publisher import Publisher
from aggregator.publish.selection import filling
from aggregator.reading.answer import Describer, answer
from aggregator.reading.job import Read, ReadOptions, job_of
from aggregator.settings import Settings
from aggregator.store.writer import Writer
from aggregator.stories.curate import Curator
from aggregator.stories.identity.domains import collect_owners
from aggregator.stories.ingest import Ingester
from aggregator.stories.link import AROUND, Linker
from aggregator.stories.upkeep.adopt_config import adopt
from aggregator.tag.check import check
from aggregator.tag.rules import compile_rules

HOUR = 3600.0
START: Instant = datetime(2023, 6, 15, 12, tzinfo=UTC).timestamp()


@dataclass
class HandClock:
    """A clock that a test moves."""

    time: Instant = START

    def now(self) -> Instant:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def entry(
    title: str, *, at: Instant | None = START - HOUR, url: str | None = None, text: str = "", **more: Any
) -> dict[str, Any]:
    """One entry of a JSON Feed. Its guid is made of its first title unless `id` is given."""
    slug = "-".join(title.lower().split())
    row = {
        "id": slug,
        "url": url or f"https://outlet.example/{slug}",
        "title": title,
        "content_text": text or f"{title}. More of it.",
    }
    if at is not None:
        row["date_published"] = datetime.fromtimestamp(at, UTC).isoformat()
    return row | more


def document(url: str, entries: list[dict[str, Any]]) -> Fetched:
    """What a server answers with a JSON Feed."""
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": url, "items": entries}
    return Fetched(url, 200, (("content-type", "application/feed+json"),), json.dumps(feed).encode())


class EnglishAlone:
    """A language guesser that needs no model."""

    def guess(self, entry: Any, declared: str | None, history: Mapping[str, int]) -> tuple[str, bool]:
        return "en", True


@dataclass
class Newsroom:
    """Sources by their address; `answers` is what each server says now."""

    folder: Path
    store: Store
    clock: HandClock = field(default_factory=HandClock)
    answers: dict[str, FetchOutcome] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    brought: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The entries of each feed that grows."""
    settings: Settings = field(init=False)
    current: CurrentPipeline = field(default_factory=CurrentPipeline)
    between: Callable[[], None] | None = None
    """What happens while the next answer is under way."""

    # --- ports
    async def fetch(self, request: FetchRequest, now: Instant, memory: object = None) -> FetchOutcome:
        self.asked.append(request.url)
        if self.between is not None:
            happens, self.between = self.between, None
            happens()
            self.current.use(self._pipeline(Writer(self.store)))
        return self.answers[request.url]

    @asynccontextmanager
    async def reading(
        self,
        document: Fetched,
        options: ReadOptions,
        room: AbstractAsyncContextManager[object] | None = None,
        *,
        slow: bool = False,
    ) -> AsyncIterator[Read | Fault]:
        async with room or nullcontext():
            read = answer(job_of(document, options), document.body, Describer(EnglishAlone())).read()
            assert read is not None
            yield read

    async def feeds_of(self, page: bytes, url: str) -> tuple[str, ...]:
        return offered_feeds(page, url)

    async def article_of(self, page: Fetched) -> str | Fault:
        return read_article(page)

    async def aclose(self) -> None:
        """Nothing is open."""

    # --- what a person does
    def read(self, text: str) -> None:
        """Writes the config and reads it."""
        path = self.folder / "feeds.yaml"
        path.write_text(text)
        self.settings = load(path, check, {})
        self.rules = compile_rules(self.settings)

    def configure(self, text: str) -> None:
        """Writes the config and adopts it, as a start or a reload does."""
        self.read(text)
        self.gate = HostGate(self.settings)
        self.publisher = Publisher(self.settings, self.store)
        self.store.sync_sources(self.settings.sources, self.clock.now())
        adopt(self.store, self.settings, lambda: self.rules, self.clock.now())

    def serves(self, url: str, *entries: dict[str, Any]) -> None:
        self.answers[url] = document(url, list(entries))

    def poll(self, *ids: str, forced: bool = True) -> dict[str, PollReport]:
        """Polls these sources (or all) one after another, ends a first run's filling, and publishes."""
        return asyncio.run(self._poll([SourceId(one) for one in ids] or None, forced))

    async def _poll(self, ids: list[SourceId] | None, forced: bool) -> dict[str, PollReport]:
        writer = Writer(self.store)
        self.current = CurrentPipeline()
        pipeline = self._pipeline(writer)
        sources = {source.id: source for source in self.settings.sources}
        reports = {}
        for id, state in self.store.states(ids).items():
            reports[str(id)] = await pipeline.poll(sources[id], state, forced=forced)
            await writer.flush()
        await writer.aclose()
        filling.end(self.store, self.settings, self.clock.now())
        self.publisher.publish(None, self.clock.now())
        return reports

    def _pipeline(self, writer: Writer) -> Pipeline:
        owned, backfill = collect_owners(self.settings.sources, self.settings.outlets), self.settings.publish.backfill
        enabled = self.settings.threads.enabled
        linker = Linker(view_of, rarity, self.settings.threads.within) if enabled else None
        engine = Engine(self.settings.dedup, around=AROUND if enabled else 0.0)
        ingester = Ingester(self.rules, engine, backfill, owned, linker)
        states = NextStates(self.settings, lambda: 0.5)
        requests = PoliteRequests(self.gate, self, writer, self.clock)
        storage = DocumentStorage(self.settings, self.store, writer, ingester, states)
        return Pipeline(self.settings, self.store, writer, requests, self, states, storage, self.clock, self.current)

    # --- what a subscriber sees
    def feed(self, slug: str = "all") -> list[dict[str, Any]]:
        """The entries of a published feed, in its order."""
        rows: list[dict[str, Any]] = json.loads((self.settings.publish.directory / "feeds" / f"{slug}.json").read_text())["items"]
        return rows

    def titles(self, slug: str = "all") -> list[str]:
        return [row["title"] for row in self.feed(slug)]

    def stories(self) -> list[Story]:
        return list(self.store.find(StoryFilter()))

    def curator(self) -> Curator:
        return Curator(self.rules, self.store.outputs(), self.settings.publish.settle, self.clock.now())

    def is_member(self, title: str, slug: str) -> bool:
        story = next(story for story in self.stories() if story.lead_item.entry.title == title)
        return Slug(slug) in self.store.members_of([story.id])[story.id]
