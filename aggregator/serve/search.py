"""The pages that run a query: `/search`, `/outlets/NAME`, `/tags/NAME`. Anybody may ask, so searches are bounded, and few run.

They read with connections of their own, in threads, and never wait for the writer. Stories that are in no public feed are not
looked at, and names that the site does not show (sources, groups, topics with a token) can't be asked for.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeVar
from urllib.parse import quote

from msgspec.structs import replace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from aggregator.errors import QueryError, TookTooLongError
from aggregator.model import Instant, Story
from aggregator.ports import QueryNames, StoreView, StoryFilter
from aggregator.publish.pages import found_pages, pages
from aggregator.publish.pages.found_pages import BUSY, Found, Place
from aggregator.publish.pages.public_stories import PublicStories
from aggregator.publish.pages.status_page import Match, Trial
from aggregator.serve.below import path_of
from aggregator.settings import Settings
from aggregator.tag.query import Query, checked
from aggregator.tag.rules import names_in

T = TypeVar("T")

AT_ONCE = 2
"""Searches at a time. Each takes a processor while it runs, of which small machines have two."""
SECONDS = 2.0
"""A search is stopped then, and shows what it has found: the index answers within milliseconds unless a query is very wide."""
RESULTS = 30
"""Stories of a result: what `aggregator search` shows, too."""
RETRY = 3
"""Seconds after which a refused search may be tried again: running ones have ended by then."""
LONGEST_NAME = 200
"""Characters of an outlet's name or a tag."""
HTML = "text/html; charset=utf-8"


class BusyError(Exception):
    """As many searches are under way as may be."""


class SearchPages:
    """settings: of the config in use; now: the time, for queries with `age`."""

    def __init__(self, settings: Callable[[], Settings], store: StoreView, now: Callable[[], Instant]) -> None:
        self._settings = settings
        self._store = store
        self._now = now
        self._running = 0
        self._known: tuple[Settings, PublicStories, QueryNames] | None = None

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/search", self._search),
            Route("/outlets/{name:path}", self._outlet),
            Route("/tags/{name:path}", self._tag),
        ]

    async def _search(self, request: Request) -> Response:
        text = request.query_params.get("q", "").strip()
        try:
            return await self._alone(self._search_page, text, _after(request))
        except BusyError:
            site, images = self._settings().site, self._public()[1].images
            if not text:
                return self._answer(200, found_pages.search(site, "", None, images=images))
            body = found_pages.search(site, text[: pages.LONGEST_QUERY], None, images=images, said=BUSY)
            return self._answer(503, body, {"retry-after": str(RETRY)})

    async def try_query(self, text: str) -> Trial:
        """What a query matches among all stories, private ones included, and why. For whoever runs the site. Raises BusyError."""
        return await self._alone(self._try, text)

    async def _outlet(self, request: Request) -> Response:
        return await self._list(request, "{}", lambda name: StoryFilter(outlet=name))

    async def _tag(self, request: Request) -> Response:
        return await self._list(request, "Stories tagged {}", lambda name: StoryFilter(term=name))

    async def _list(self, request: Request, heading: str, where: Callable[[str], StoryFilter]) -> Response:
        name = request.path_params["name"]
        if not name or len(name) > LONGEST_NAME:
            raise HTTPException(404)
        try:
            return await self._alone(self._list_page, heading.format(name), where(name), _after(request))
        except BusyError:
            raise HTTPException(503, headers={"Retry-After": str(RETRY)}) from None

    async def _alone(self, work: Callable[..., T], *given: object) -> T:
        """Does the work in a thread, unless enough of it is under way. Raises BusyError."""
        if self._running >= AT_ONCE:
            raise BusyError
        self._running += 1
        running = asyncio.ensure_future(asyncio.to_thread(work, *given))
        running.add_done_callback(self._end)  # not before the thread ends, even if this request is cancelled
        return await asyncio.shield(running)

    def _end(self, running: asyncio.Future[T]) -> None:
        self._running -= 1

    def _search_page(self, text: str, after: Place | None) -> Response:
        settings, public, names = self._public()
        site, found, shown, problem = settings.site, None, "", None
        everything = StoryFilter(public=frozenset(public.outputs))
        try:
            query, now = checked_length(text, names) if text else None, self._now()
            if query is not None:
                found = self._find(replace(query.filter(now), public=everything.public), query, now, after)
                shown = self._entries(found, settings, public, pages.TOP)
        except QueryError as error:
            problem = found_pages.mistake(text, error)
        stories = found.stories if found is not None and found.stories else self._find(everything, None, 0.0).stories
        examples = found_pages.examples(stories, names.tags, site)
        body = found_pages.search(site, text, found, shown, images=public.images, problem=problem, examples=examples)
        return self._answer(400 if problem is not None else 200, body)

    def _try(self, text: str) -> Trial:
        settings, now = self._settings(), self._now()
        try:
            query = checked_length(text, names_in(settings))
        except QueryError as error:
            return Trial(text, problem=found_pages.mistake(text, error))
        found = self._find(query.filter(now), query, now)
        matches = [Match(story, query.explain(story, now).branch) for story in found.stories]
        return Trial(text, matches, said=found_pages.told(found, len(matches)))

    def _list_page(self, heading: str, where: StoryFilter, after: Place | None) -> Response:
        settings, public, _ = self._public()
        found = self._find(replace(where, public=frozenset(public.outputs)), None, 0.0, after)
        root = quote(path_of(settings.site.url))
        shown = self._entries(found, settings, public, root)
        if not shown and not found.late:
            raise HTTPException(404)
        return self._answer(200, found_pages.listing(settings.site, root, heading, found, shown, images=public.images))

    def _entries(self, found: Found, settings: Settings, public: PublicStories, root: str) -> str:
        feeds = self._store.members_of([story.id for story in found.stories])
        return found_pages.entries(found, feeds, public, settings.site, root)

    def _find(self, where: StoryFilter, query: Query | None, now: Instant, after: Place | None = None) -> Found:
        """The newest matching stories, within the time that a search has. query: None if the filter is all that is asked.

        after: the last story of the page before.
        """
        stories: list[Story] = []
        try:
            with closing(self._stream(where, query, now, after)) as matching:
                for story in matching:
                    if len(stories) == RESULTS:
                        return Found(stories, more=True, after=after)
                    stories.append(story)
        except TookTooLongError:
            return Found(stories, late=True, after=after)
        return Found(stories, after=after)

    def _stream(self, where: StoryFilter, query: Query | None, now: Instant, after: Place | None) -> Generator[Story]:
        end = time.monotonic() + SECONDS
        limit = RESULTS + 1 if query is None and after is None else None
        if after is not None:  # stories of the very same time may be on either page
            since, before = where.published
            where = replace(where, published=(since, min(before, math.nextafter(after.published, math.inf))))
        with closing(self._store.find(where, limit, seconds=SECONDS)) as found:
            for story in found:
                if (after is None or after.is_before(story)) and (query is None or query.matches(story, now)):
                    yield story
                if time.monotonic() > end:
                    raise TookTooLongError("the search was stopped: its time was over")

    def _public(self) -> tuple[Settings, PublicStories, QueryNames]:
        """The config in use, what it shows, and the names in it that are no secret: of topics and tags that pages show."""
        settings = self._settings()
        if self._known is None or self._known[0] is not settings:
            self._known = settings, PublicStories(settings), public_names(settings)
        return self._known

    def _answer(self, status: int, body: bytes, extra: dict[str, str] | None = None) -> Response:
        headers = {
            **pages.headers(images=self._public()[1].images),  # never listed, whatever the site says
            "cache-control": pages.CACHE,
            "x-content-type-options": "nosniff",
            **(extra or {}),
        }
        return Response(body, status, headers, media_type=HTML)


def _after(request: Request) -> Place | None:
    """Where a further page begins. What is none is passed over, as if the first page were asked for."""
    return Place.read(request.query_params.get("older", ""))


def checked_length(text: str, names: QueryNames) -> Query:
    """Compiles a query. Raises QueryError, also if it is longer than a page may send."""
    if len(text) > pages.LONGEST_QUERY:
        raise QueryError(f"a query has at most {pages.LONGEST_QUERY} characters here", pages.LONGEST_QUERY)
    return checked(text, names)


def public_names(settings: Settings) -> QueryNames:
    """What strangers may ask for by name. Ids of sources may be made from secret addresses; groups are the operator's own."""
    names, outputs = names_in(settings), [output for output in settings.outputs if output.token is None]
    topics = {str(output.topic) for output in outputs if output.topic is not None}
    private = {tag for source in settings.sources if source.private for tag in source.tags}
    shown = {tag for source in settings.sources if not source.private for tag in source.tags}
    rules = {rule.name for rule in settings.tags}
    tags = names.tags - (private - shown - rules)
    return replace(names, sources=frozenset(), groups=frozenset(), tags=tags, topics=names.topics & topics)
