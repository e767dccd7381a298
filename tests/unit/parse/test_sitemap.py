"""News sitemaps and indexes: how many entries are read, and which sitemaps of an index."""

from __future__ import annotations

import pytest

from aggregator.model import Fault, FaultKind, Feed, Fetched
from aggregator.parse.raw import ListedSitemap
from aggregator.parse.read import read_document
from aggregator.parse.sitemap import MAX_ENTRIES, MAX_SITEMAPS, choose_sitemaps
from aggregator.text.sitemap_names import date_in_name, is_of_news

INDEX = "https://wire.example/sitemaps/index.xml"
HEAD = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">'


def read(text: str) -> Feed | Fault:
    return read_document(Fetched(INDEX, 200, (), text.encode()))


def urlset(count: int) -> str:
    """Each entry is a minute younger than the one before it."""
    rows = (
        f"<url><loc>https://wire.example/{n}</loc><n:news><n:title>Story {n}</n:title><n:publication_date>"
        f"2026-{n // 40320 % 12 + 1:02}-{n // 1440 % 28 + 1:02}T{n // 60 % 24:02}:{n % 60:02}Z"
        "</n:publication_date></n:news></url>"
        for n in range(count)
    )
    return HEAD + "".join(rows) + "</urlset>"


def test_of_many_entries_the_newest_are_read_and_the_rest_is_told() -> None:
    feed = read(urlset(60_000))
    assert isinstance(feed, Feed)
    assert [entry.title for entry in feed.entries] == [f"Story {n}" for n in range(60_000 - MAX_ENTRIES, 60_000)]
    assert feed.dropped == {"cap:entries": 58_000}
    assert feed.warnings == (f"58000 entries older than the newest {MAX_ENTRIES} are left out",)


def test_all_of_as_many_as_may_be_are_read_in_their_order() -> None:
    feed = read(urlset(MAX_ENTRIES))
    assert isinstance(feed, Feed)
    assert (len(feed.entries), feed.entries[0].title, feed.dropped) == (MAX_ENTRIES, "Story 0", {})


def test_an_index_names_its_sitemaps() -> None:
    feed = read(
        "<sitemapindex><sitemap><loc>news-1.xml.gz</loc><lastmod>2026-11-27</lastmod></sitemap>"
        "<sitemap><loc>/news-2.xml.gz</loc><lastmod>2026-11-28</lastmod></sitemap><sitemap/></sitemapindex>"
    )
    assert isinstance(feed, Feed)
    assert (feed.format, feed.entries) == ("sitemap index", ())
    assert feed.sitemaps == ("https://wire.example/news-2.xml.gz", "https://wire.example/sitemaps/news-1.xml.gz")


def test_a_huge_index_is_refused() -> None:
    fault = read(f"<sitemapindex>{'<sitemap><loc>/a.xml</loc></sitemap>' * 30_000}</sitemapindex>")
    assert isinstance(fault, Fault)
    assert fault.kind == FaultKind.PARSE_LIMIT


@pytest.mark.parametrize(
    ("listed", "chosen"),
    [
        # a plugin's index: of news alone
        (["/post-sitemap.xml 2026-11-28", "/news-sitemap.xml 2026-11-20", "/newsletter-sitemap.xml"], ["/news-sitemap.xml"]),
        # an agency's: dated names, only the last days
        (
            ["/s-20261125.xml", "/s-20261126.xml", "/s-20261127.xml", "/s-20261128.xml", "/s-20261101.xml"],
            ["/s-20261128.xml", "/s-20261127.xml", "/s-20261126.xml", "/s-20261125.xml"],
        ),
        (["/2026/10/news.xml", "/2026/11/news.xml"], ["/2026/11/news.xml"]),
        # shards without dates, in their order
        (["/news-1.xml.gz", "/news-2.xml.gz", "/news-3.xml.gz"], ["/news-1.xml.gz", "/news-2.xml.gz", "/news-3.xml.gz"]),
        ([f"/news-{n}.xml" for n in range(30)], [f"/news-{n}.xml" for n in range(MAX_SITEMAPS)]),
        # what changed last comes first, whatever the name says
        (["/a.xml 2026-11-27T10:00:00Z", "/b.xml 2026-11-27T12:00:00+01:00", "/c.xml"], ["/b.xml", "/a.xml", "/c.xml"]),
        # the same twice, the index itself, other sites, other schemes, nonsense
        (["/a.xml", "/a.xml", INDEX], ["/a.xml"]),
        (["https://evil.example/news.xml", "http://10.0.0.1/news.xml", "http://[::1]/news.xml", "file:///etc/passwd"], []),
        (["https://wire.example.evil.example/news.xml", "https://a:b@wire.example/news.xml", "", "http://["], []),
        (["https://news.wire.example/x.xml"], ["https://news.wire.example/x.xml"]),
        # no step down to http
        (["http://wire.example/news.xml", "http://wire.example:81/news.xml"], ["https://wire.example/news.xml"]),
    ],
)
def test_which_sitemaps_of_an_index_are_read(listed: list[str], chosen: list[str]) -> None:
    found, _ = choose_sitemaps([ListedSitemap(*line.split()) for line in listed if line], INDEX)
    assert list(found) == [url if "://" in url else f"https://wire.example{url}" for url in chosen]


def test_what_is_left_out_of_an_index_is_told() -> None:
    _, notes = choose_sitemaps([ListedSitemap(url) for url in ("/news.xml", "/posts.xml", "https://evil.example/n.xml")], INDEX)
    assert notes == ["sitemaps of other sites, left out: 1", "sitemaps of news that are read: the newest 1 of 2"]


@pytest.mark.parametrize(
    ("url", "date"),
    [
        ("https://x.example/sitemap-2026-11-28.xml", 1_795_824_000.0),
        ("https://x.example/2026/11/28/s.xml", 1_795_824_000.0),
        ("https://x.example/s_202611.xml", 1_793_491_200.0),
        ("https://x.example/s-20260231.xml", None),
        ("https://x.example/s-1202611289.xml", None),
        ("https://x.example/s.xml", None),
    ],
)
def test_the_date_in_a_name(url: str, date: float | None) -> None:
    assert date_in_name(url) == date


def test_the_host_s_name_makes_no_sitemap_one_of_news() -> None:
    assert is_of_news("https://x.example/sitemap?type=google-news")
    assert not is_of_news("https://apnews.example/sitemap.xml")
    assert not is_of_news("http://[")
