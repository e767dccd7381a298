"""The demo's outlets and articles, read from the TOML files in `outlets`.

There are two days. The first has the articles of `day = 1`; the second adds those of `day = 2`, edits some older ones, and
removes those marked `gone`. The days are 15 and 16 June 2023, told as if it were today: see `_as_today`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Instant

Day: TypeAlias = Literal[1, 2]
Format: TypeAlias = Literal["rss 2.0", "rss 1.0", "rss 0.91", "atom 1.0", "atom 0.3", "json feed 1.1"]
GuidStyle: TypeAlias = Literal["permalink", "tag", "number", "none"]
ValidatorStyle: TypeAlias = Literal["both", "etag", "weak", "modified", "none"]


FIRST_DAY_ENDS = datetime(2023, 6, 15, 21, tzinfo=UTC)
DAY = 86_400.0
SECOND_DAY = 12 * 3600.0
"""Seconds that the second day takes: so many before the start, the first day ends. Enough to tell its reports from older ones."""


class Media(Struct, frozen=True):
    """An audio file of an article. `length` in bytes, `duration` as `H:MM:SS`."""

    name: str
    type: str
    length: int
    duration: str


class Article(Struct, frozen=True):
    """One article. text: paragraphs separated by empty lines, with simple HTML; empty if the feed has none.

    at: when it was published (None if the feed gives no date); edited: when it was last changed; query: what the outlet
    adds to its links; path: of its address; picture: the name of a file in `pictures`; publisher and publisher_url: who wrote
    it, if this outlet only passes it on.
    """

    slug: str
    title: str
    text: str
    at: Instant | None
    sections: tuple[str, ...] = ()
    author: str | None = None
    categories: tuple[str, ...] = ()
    edited: Instant | None = None
    query: str = ""
    path: str = ""
    media: Media | None = None
    picture: str = ""
    publisher: str | None = None
    publisher_url: str | None = None
    host: str = ""


class FeedFile(Struct, frozen=True):
    """How a feed of an outlet is written and served. max_age: seconds; moved_from: an old path that redirects here."""

    path: str
    title: str
    format: Format
    section: str | None = None
    guids: GuidStyle = "permalink"
    validators: ValidatorStyle = "both"
    charset: str = "utf-8"
    max_age: int | None = None
    full: bool = False
    relative_links: bool = False
    oldest_first: bool = False
    moved_from: str | None = None


class Outlet(Struct, frozen=True):
    """A publisher: its name, the host of its articles (a name below `localhost`), its feeds and articles, newest first."""

    id: str
    name: str
    host: str
    language: str
    about: str
    feeds: tuple[FeedFile, ...]
    articles: tuple[Article, ...]

    def articles_of(self, feed: FeedFile) -> tuple[Article, ...]:
        """The articles of a feed, in its order."""
        listed = tuple(a for a in self.articles if feed.section is None or feed.section in a.sections)
        return listed[::-1] if feed.oldest_first else listed


class Newsroom(Struct, frozen=True):
    """All outlets as they are on one day."""

    day: Day
    outlets: tuple[Outlet, ...]

    def feeds(self) -> Iterator[tuple[Outlet, FeedFile]]:
        """Each feed with its outlet."""
        return ((outlet, feed) for outlet in self.outlets for feed in outlet.feeds)


def open_newsroom(day: Day, start: Instant) -> Newsroom:
    """The newsroom on a day. start: the instant from which `hours_ago` counts back."""
    folder = files("aggregator.demo") / "outlets"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    raw = {name.removesuffix(".toml"): tomllib.loads((folder / name).read_text("utf-8")) for name in names}
    return Newsroom(day, tuple(_outlet(name, table, day, start) for name, table in raw.items()))


def _outlet(name: str, table: Mapping[str, Any], day: Day, start: Instant) -> Outlet:
    articles = [_article(entry, table, day, start) for entry in table["articles"] if _is_there(entry, day)]
    articles.sort(key=lambda article: article.at or 0.0, reverse=True)
    feeds = tuple(FeedFile(**feed) for feed in table["feeds"])
    return Outlet(name, table["name"], table["host"], table["language"], table["about"], feeds, tuple(articles))


def _is_there(entry: Mapping[str, Any], day: Day) -> bool:
    return entry.get("day", 1) <= day and not (day == 2 and entry.get("gone", False))


def _article(entry: Mapping[str, Any], table: Mapping[str, Any], day: Day, start: Instant) -> Article:
    article = Article(
        slug=entry["slug"],
        title=entry["title"],
        text=entry.get("text", "").strip(),
        at=_instant(entry, start),
        sections=tuple(entry.get("sections", ())),
        author=entry.get("author"),
        categories=tuple(entry.get("categories", ())),
        query=entry.get("query", table.get("query", "")),
        path=entry.get("path") or _path(entry),
        media=Media(**entry["media"]) if "media" in entry else None,
        picture=entry.get("picture", ""),
        publisher=entry.get("publisher"),
        publisher_url=entry.get("publisher_url"),
        host=entry.get("host", table["host"]),
    )
    return _edited(article, entry["edit"], start) if day == 2 and "edit" in entry else article


def _path(entry: Mapping[str, Any]) -> str:
    """The article's own path: `/2023/06/15/slug`."""
    day = f"/{entry['at']:%Y/%m/%d}" if "at" in entry else ""
    return f"{day}/{entry['slug']}"


def _edited(article: Article, edit: Mapping[str, Any], start: Instant) -> Article:
    text = edit.get("text", article.text).strip()
    return replace(article, edited=_as_today(edit["at"], start), title=edit.get("title", article.title), text=text)


def _instant(entry: Mapping[str, Any], start: Instant) -> Instant | None:
    if "hours_ago" in entry:
        return float(int(start - 3600 * entry["hours_ago"]))
    return _as_today(entry["at"], start) if "at" in entry else None


def _as_today(at: datetime, start: Instant) -> Instant:
    """When something of those days is dated: the first day ends SECOND_DAY before the start, and the second one at the start.

    So the front page has a day's news to weigh, and nothing is dated later than it is read.
    """
    after = (at - FIRST_DAY_ENDS).total_seconds()
    return float(int(start - SECOND_DAY + (after if after <= 0 else after * SECOND_DAY / DAY)))
