"""The tools: each reads the config and the database as they are now, and writes neither. Their descriptions are for a model."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from aggregator.assistants import answers, rows
from aggregator.assistants.scope import Everything, PublicOnly
from aggregator.assistants.untrusted import clean, clean_all
from aggregator.commands import why, why_lines
from aggregator.commands.application import Application
from aggregator.commands.search import Sort, filter_since, find_stories
from aggregator.errors import UsageError
from aggregator.model import Slug, Story, ThreadId
from aggregator.ports import StoreView, StoryFilter
from aggregator.publish.entry.addresses import story_path
from aggregator.publish.pages.open_threads import OpenThreads
from aggregator.run.monitoring import status
from aggregator.stories.decisions.find_named import full_id
from aggregator.tag.query import Query
from aggregator.text.times import rfc3339

SECONDS = 10.0
"""A search is stopped then, and shows what it has found."""
MOST = 50
"""Rows of an answer."""
THREADS = 500
"""Running threads that are looked at."""
NO_STORY = (
    "there is no such story, or the ids of several begin so: give the whole id that `search` or `stories` named, "
    "or the address of an article"
)
LINES = 200
"""Lines of an explanation."""
LINE = 500
"""Characters of such a line."""

_NULL = BeforeValidator(lambda value: "" if value is None else value)
"""Clients of several makers can't show what is text or null, so it is text; models may send null all the same."""
Limit = Annotated[int, Field(ge=1, le=MOST, description="At most so many.")]
Cursor = Annotated[str, _NULL, Field(max_length=100, description="`next_cursor` of the last answer, for what follows it.")]
Named = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_000,
        description="A story's id, its first six characters or more, or the address of an article.",
    ),
]
Since = Annotated[
    str, _NULL, Field(max_length=10, description="Only stories with a report that came in this time: 45m, 12h, 7d.")
]


class Tools:
    """config: the file, or None for where it is looked for. sees_all: as the operator; else what public feeds show."""

    def __init__(self, config: Path | None, *, sees_all: bool) -> None:
        self._config = config
        self._sees_all = sees_all

    def all(self) -> list[Callable[..., Any]]:
        """Those that may be called. `why` and `status` tell of sources, which are the operator's own matter."""
        everybodys: list[Callable[..., Any]] = [self.search, self.stories, self.story, self.threads]
        return [*everybodys, self.why, self.status] if self._sees_all else everybodys

    def search(
        self,
        query: Annotated[str, Field(min_length=1, max_length=1_000)],
        since: Since = "",
        sort: Sort = "newest",
        limit: Limit = 20,
        cursor: Cursor = "",
    ) -> answers.Stories:
        """Find stored news stories by words and by fields.

        Words are ANDed, whole words, any case: nato ukraine. Also: "red line" (phrase), a OR b, -sport (not), (a b) OR c,
        harb* (beginning), title:summit, body:grain, lang:en, country:fr, tag:economy, topic:SLUG, outlet:bbc, outlets>=3 (told by
        three outlets), age<2d, date:2023-06-15, after:2023-06-01, rate NEAR/5 bank. A wrong query is answered with the place of
        the mistake. sort: newest, relevance, outlets (most outlets first) or weight (what most report of just now).
        """
        with self._application() as application:
            scope, now = self._scope(application), time.time()
            parsed = scope.query(query)
            return self._stories(
                application, scope, filter_since(parsed.filter(now), since or None, now), parsed, sort, now, limit, cursor
            )

    def stories(
        self,
        feed: Annotated[str, _NULL, Field(max_length=100, description="A feed's or topic's slug; all stories without it.")] = "",
        thread: Annotated[str, _NULL, Field(max_length=100, description="Only stories of this running event.")] = "",
        since: Since = "",
        sort: Literal["newest", "outlets", "weight"] = "newest",
        limit: Limit = 20,
        cursor: Cursor = "",
    ) -> answers.Stories:
        """List stories, of a feed or of all: what is new (newest), or what is big (weight, with since=1d).

        A wrong slug is answered with those that there are.
        """
        with self._application() as application:
            scope, now = self._scope(application), time.time()
            if feed and feed not in scope.feeds:
                raise UsageError(f"no feed or topic {feed!r}; there are: {', '.join(sorted(scope.feeds)[:100])}")
            where = filter_since(StoryFilter(topic=feed or None, thread=thread or None), since or None, now)
            return self._stories(application, scope, where, None, sort, now, limit, cursor)

    def story(self, id: Named, cursor: Cursor = "") -> answers.StoryDetails:
        """Read one story: all reports with outlet, headline, address and text, its tags, feeds and thread.

        The leading report comes first, the others in the order in which they came.
        """
        with self._application() as application:
            scope = self._scope(application)
            story, feeds = _find(application, scope, id)
            reports = iter([story.lead_item, *(item for item in story.items if item.id != story.lead)])
            found = rows.page(
                reports, lambda item: rows.report(item, story, feeds, scope), lambda item: str(item.id), MOST, cursor
            )
            return answers.StoryDetails(
                story=rows.story_row(story, feeds, scope),
                page=scope.settings.site.url + story_path(story.id),
                reports=found.rows,
                next_cursor=found.next_cursor,
                note=found.note,
            )

    def threads(self, limit: Limit = 20, cursor: Cursor = "") -> answers.Threads:
        """List running events, each a thread of stories that follow one another; those with the newest report first.

        Their stories: `stories(thread=ID)`.
        """
        with self._application() as application:
            running = _running(application, self._scope(application))
            found = rows.page(running, lambda row: row, lambda row: row.id, limit, cursor)
            off = "" if application.settings.threads.enabled else "Threads are turned off."
            return answers.Threads(threads=found.rows, next_cursor=found.next_cursor, note=off)

    def why(self, id: Named) -> answers.Explanation:
        """Explain a story: why it is in its feeds or not, why its reports are one story, which rule took an entry out.

        For an address that is in no story: which rule threw the entry away. For a thread's id: which links hold it.
        """
        with self._application() as application:
            told = clean_all(why.explain(application, _full_id(application.store, id)), LINE)
            lines = [clean(line, LINE) for text in why_lines.lines(told) for line in text.split("\n")]
            more = f"{len(lines) - LINES} lines are left out: `aggregator why {told.get('id')}` prints all."
            return answers.Explanation(
                id=told.get("id"),
                feeds=[answers.InFeed(feed=one["feed"], is_in=one["in"]) for one in told.get("feeds", ())],
                untrusted=answers.ExplanationText(lines=lines[:LINES]),
                note=more if len(lines) > LINES else "",
            )

    def status(self, limit: Limit = 20, cursor: Cursor = "") -> answers.Status:
        """Tell how the aggregator and its sources are doing: faults first."""
        with self._application() as application:
            settings, store = application.settings, application.store
            found = status.source_rows(settings, store, settings.sources, time.time())
            found.sort(key=lambda row: row.state not in ("fault", "gone"))
            shown = rows.page(iter(found), rows.source_row, lambda row: row.id, limit, cursor)
            return answers.Status(
                states=dict(Counter(row.state for row in found)),
                problems=[clean(one, LINE) for one in status.daemon_problems(settings, store, probe=False)],
                sources=shown.rows,
                next_cursor=shown.next_cursor,
                note=shown.note,
            )

    def _application(self) -> Application:
        application = Application(self._config)
        application.only_look()
        return application

    def _scope(self, application: Application) -> Everything:
        return Everything(application) if self._sees_all else PublicOnly(application)

    def _stories(
        self,
        application: Application,
        scope: Everything,
        where: StoryFilter,
        query: Query | None,
        sort: Sort,
        now: float,
        limit: int,
        cursor: str,
    ) -> answers.Stories:
        store = application.store

        def row_of(story: Story) -> answers.StoryRow:
            return rows.story_row(story, store.members_of([story.id])[story.id], scope)

        found = rows.page(
            find_stories(store, scope.bound(where), query, sort, now, SECONDS), row_of, lambda story: story.id, limit, cursor
        )
        return answers.Stories(stories=found.rows, next_cursor=found.next_cursor, note=found.note)


def _find(application: Application, scope: Everything, named: str) -> tuple[Story, frozenset[Slug]]:
    """The story that is named, and the feeds that it is in. What is not to be seen is answered like what does not exist."""
    store = application.store
    found = store.story_of(_full_id(store, named))
    story = store.story(found) if found else None
    feeds = store.members_of([story.id])[story.id] if story is not None else frozenset[Slug]()
    if story is None or not scope.shows(story, feeds):
        raise UsageError(NO_STORY)
    return story, feeds


def _full_id(store: StoreView, named: str) -> str:
    """What is named, with an id in full. The error for several quotes headlines, which others wrote."""
    try:
        return full_id(store, named)
    except UsageError:
        raise UsageError(NO_STORY) from None


def _running(application: Application, scope: Everything) -> Iterator[answers.ThreadRow]:
    settings, store, now = application.settings, application.store, time.time()
    found = store.running_threads(now - settings.threads.within, THREADS)
    if scope.public is None:
        titles = {story.id: story.title for story in store.stories([thread.head for thread in found])}
        for thread in found:
            yield _thread(thread.id, titles.get(thread.head, ""), thread.stories, thread.outlets, thread.began, thread.newest)
        return
    seen = OpenThreads(store, scope.public, settings.storage.keep, lambda: now)
    for thread in found:
        if (shown := seen.read(thread.id)) is not None:
            dates = [one.published for one in shown.stories]
            yield _thread(thread.id, shown.title, len(dates), shown.outlets, min(dates), max(dates))


def _thread(id: ThreadId, title: str, stories: int, outlets: int, began: float, newest: float) -> answers.ThreadRow:
    return answers.ThreadRow(
        id=id,
        story_count=stories,
        outlet_count=outlets,
        began=rfc3339(began) or "",
        newest=rfc3339(newest) or "",
        untrusted=answers.ThreadText(title=clean(title, rows.TITLE)),
    )
