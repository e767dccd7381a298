"""The feeds that pages offer."""

from __future__ import annotations

import pytest

from aggregator.fetch.discover import MAX_FEEDS, offered_feeds

URL = "https://news.example/world/"
RSS, ATOM, JSON = "application/rss+xml", "application/atom+xml", "application/feed+json"


def page(*links: str, body: str = "", head: str = "") -> bytes:
    return f"<!doctype html><html><head>{head}{''.join(links)}</head><body>{body}</body></html>".encode()


def link(href: str, kind: str = RSS, rel: str = "alternate", title: str = "") -> str:
    return f'<link rel="{rel}" type="{kind}" href="{href}" title="{title}">'


@pytest.mark.parametrize(
    ("document", "feeds"),
    [
        (page(link("/rss"), link("atom.xml", ATOM), link("f.json", JSON)), ["/rss", "/world/atom.xml", "/world/f.json"]),
        (page(link("/comments/feed", title="Comments"), link("/feed", title="Posts")), ["/feed", "/comments/feed"]),
        (page(link("/a"), link("/a")), ["/a"]),
        (page(link("/a", rel="ALTERNATE home"), link("/b", rel="feed", kind="")), ["/a", "/b"]),
        (page(link("/style.css", "text/css", "stylesheet"), link("/fr", "text/html")), []),
        (page(link("/wp-json/x", "application/json"), link("/feed.json", "application/json")), ["/feed.json"]),
        (page(link("f.xml"), head='<base href="/other/">'), ["/other/f.xml"]),
        (page(link(f"{RSS}; charset=utf-8", kind=f"{RSS}; charset=utf-8")), ["/world/application/rss+xml;%20charset=utf-8"]),
        (page(body='<a href="/about">x</a><a href="/feed/">RSS</a><a href="//cdn.example/rss">y</a>'), ["/feed/"]),
        (
            page(body="<a href='/index.xml'>a</a><a href='news.rss'>b</a><a href='http://[bad'>c</a>"),
            ["/index.xml", "/world/news.rss"],
        ),
        (page(link("/rss"), body='<a href="/feed/">RSS</a>'), ["/rss"]),
        (page(link("javascript:alert(1)"), link("file:///etc/x"), link("")), []),
        (b"", []),
        (b"\xff\xfe<html>", []),
    ],
)
def test_feeds_are_found_where_pages_name_them(document: bytes, feeds: list[str]) -> None:
    assert list(offered_feeds(document, URL)) == [f"https://news.example{path}" for path in feeds]


def test_a_page_with_hundreds_of_feeds_names_some() -> None:
    assert len(offered_feeds(page(*(link(f"/{n}") for n in range(300))), URL)) == MAX_FEEDS
