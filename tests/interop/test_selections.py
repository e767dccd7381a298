"""Miniflux and NetNewsWire, whose parsers don't run here: which of an entry's elements they take, by their sources.

Miniflux of August 2026: internal/reader/{atom,rss,json}. NetNewsWire of August 2026: Modules/RSParser. Both sanitize what they
took afterwards, and keep links and images.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from tests.flow.command import get
from tests.interop.conftest import PICTURE, Served

ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
PLAY = "{http://www.google.com/schemas/play-podcasts/1.0}"


class Article(NamedTuple):
    author: str
    body: str
    link: str


def first(node: Element, *names: str) -> str:
    """The first text that is there, as both readers look for one."""
    return next((text for name in names if (text := (node.findtext(name) or "").strip())), "")


def names(node: Element) -> list[str]:
    return [name for author in node.findall(ATOM + "author") if (name := first(author, ATOM + "name"))]


def link(entry: Element) -> str:
    found = (one.get("href") for one in entry.findall(ATOM + "link") if one.get("rel", "alternate") == "alternate")
    return next(found, None) or ""


def atom(body: bytes) -> dict[str, Article]:
    """Both: the entry's authors, else the feed's; the content, else the summary."""
    feed = ElementTree.fromstring(body)
    return {
        first(entry, ATOM + "id"): Article(
            ", ".join(names(entry) or names(feed)), first(entry, ATOM + "content", ATOM + "summary"), link(entry)
        )
        for entry in feed.iter(ATOM + "entry")
    }


def miniflux_rss(body: bytes) -> dict[str, Article]:
    """findEntryAuthor and findEntryContent of rss/adapter.go."""
    return {
        first(item, "guid"): Article(
            first(item, PLAY + "author", ITUNES + "author", DC + "creator", "author"),
            first(item, CONTENT + "encoded", "description", PLAY + "description", ITUNES + "summary", ITUNES + "subtitle"),
            first(item, "link"),
        )
        for item in ElementTree.fromstring(body).iter("item")
    }


def netnewswire_rss(body: bytes) -> dict[str, Article]:
    """handleArticleElementEnd of RSSParser.swift: dc, content and what has no prefix; everything else is skipped."""
    return {
        first(item, "guid"): Article(
            ", ".join(sorted({text for name in (DC + "creator", "author") if (text := first(item, name))})),
            first(item, CONTENT + "encoded", "description"),
            first(item, "link"),
        )
        for item in ElementTree.fromstring(body).iter("item")
    }


def authors(node: dict[str, Any]) -> list[str]:
    return sorted(one["name"] for one in node.get("authors", ()))


def miniflux_json(body: bytes) -> dict[str, Article]:
    """json/adapter.go: the feed's authors and the item's, all of them."""
    feed = json.loads(body)
    return {
        one["id"]: Article(", ".join(sorted({*authors(feed), *authors(one)})), one["content_html"], one["url"])
        for one in feed["items"]
    }


def netnewswire_json(body: bytes) -> dict[str, Article]:
    """parseItem of JSONFeedParser.swift."""
    return {one["id"]: Article(", ".join(authors(one)), one["content_html"], one["url"]) for one in json.loads(body)["items"]}


@pytest.mark.parametrize(
    ("format", "take"),
    [
        ("atom", atom),
        ("rss", miniflux_rss),
        ("rss", netnewswire_rss),
        ("json", miniflux_json),
        ("json", netnewswire_json),
    ],
)
def test_outlet_picture_and_who_else_reports_it_arrive(
    served: Served, format: str, take: Callable[[bytes], dict[str, Article]]
) -> None:
    shown = take(get(f"{served.url}/feeds/all.{format}").body)
    assert set(shown) == {f"urn:uuid:{story}" for story in served.stories}
    assert {one.author for one in shown.values()} == {"Ann Writer, Wire"}, "and not the name of the site"
    for number, story in enumerate(served.stories, start=1):
        article = shown[f"urn:uuid:{story}"]
        assert article.link.startswith(f"https://wire.example/articles/{number}?")
        assert f">The Daily: Allies weigh step {number + 100} &amp; more</a>" in article.body
        assert f"/stories/{story}.html" in article.body
    assert f'<img src="{PICTURE}"' in shown[f"urn:uuid:{served.stories[1]}"].body
