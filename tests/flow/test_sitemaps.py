"""News sitemaps as sources, over real HTTP: agencies' indexes from day to day, gzip, and hostile ones."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import root

HEAD = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">'
)


def news(*titles: str) -> bytes:
    rows = (
        f"<url><loc>/story/{title.replace(' ', '-')}</loc><news:news><news:publication><news:name>Harbour Wire</news:name>"
        f"<news:language>en</news:language></news:publication><news:publication_date>2026-11-28T0{place % 10}:00:00Z"
        f"</news:publication_date><news:title>{title}</news:title></news:news></url>"
        for place, title in enumerate(titles)
    )
    return (HEAD + "".join(rows) + "</urlset>").encode()


def index(*locations: str) -> bytes:
    rows = "".join(f"<sitemap><loc>{one}</loc></sitemap>" for one in locations)
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</sitemapindex>'.encode()


class Agency:
    """A server on loopback that knows ETags. documents: path → body, status, or where it leads."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.documents: dict[str, bytes | int | str] = {}
        self.asked: list[tuple[str, int]] = []
        agency = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                document = agency.documents.get(self.path, 404)
                body = document if isinstance(document, bytes) else b""
                tag = f'"{hashlib.sha256(body).hexdigest()[:9]}"'
                status = document if isinstance(document, int) else 302 if isinstance(document, str) else 200
                if status == 200 and self.headers.get("If-None-Match") == tag:
                    status, body = 304, b""
                agency.asked.append((self.path, status))
                self.send_response(status)
                if isinstance(document, bytes):
                    self.send_header("ETag", tag)
                    self.send_header("Content-Type", "application/gzip" if self.path.endswith("gz") else "application/xml")
                if isinstance(document, str):
                    self.send_header("Location", document)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing on the test's output."""

        self.server = ThreadingHTTPServer((host, 0), Handler)
        self.base = f"http://{host}:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def answers(self) -> list[tuple[str, int]]:
        """What was asked since the last call, and the statuses."""
        asked, self.asked = self.asked, []
        return asked

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def agency() -> Iterator[Agency]:
    agency = Agency()
    yield agency
    agency.close()


@pytest.fixture
def inside() -> Iterator[Agency]:
    """A server in a network that is not allowed."""
    inside = Agency("127.0.0.2")
    yield inside
    inside.close()


class Desk:
    """The commands on one config."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "feeds.yaml"
        self.file.write_text("network: {allow: [127.0.0.1/32]}\nsources: []\n")

    def source(self, url: str, more: str = "") -> None:
        self.file.write_text(f"network: {{allow: [127.0.0.1/32]}}\nsources: [{{id: wire, url: '{url}'{more}}}]\n")

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(root, ["-c", str(self.file), *words], catch_exceptions=False)

    def poll(self) -> str:
        return self.run("poll", "--all").output

    def titles(self) -> set[str]:
        lines = self.run("stories", "--json", "--limit", "5000").output.splitlines()
        return {json.loads(line)["title"] for line in lines}

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json").output)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_agency_s_index_is_followed_from_day_to_day(agency: Agency, desk: Desk) -> None:
    first, second, third = "/news-20261127.xml", "/news-20261128.xml", "/news-20261129.xml"
    agency.documents = {
        "/index.xml": index(first, second, "/news-20190101.xml"),
        first: news("Ferry late"),
        second: news("Strait closed"),
    }
    desk.source(f"{agency.base}/index.xml")
    desk.poll()
    assert agency.answers() == [("/index.xml", 200), (second, 200), (first, 200)], "the newest first, and no archive"
    assert desk.titles() == {"Ferry late", "Strait closed"}
    assert desk.status()["title"] == "Harbour Wire"

    desk.poll()
    assert agency.answers() == [("/index.xml", 304), (second, 304), (first, 304)]

    agency.documents[second] = news("Strait closed", "Strait open again")
    desk.poll()
    assert agency.answers() == [("/index.xml", 304), (second, 200), (first, 304)], "a sitemap may change without its index"
    assert desk.titles() == {"Ferry late", "Strait closed", "Strait open again"}

    agency.documents |= {"/index.xml": index(first, second, third), third: news("Pilots strike")}
    desk.poll()
    assert agency.answers() == [("/index.xml", 200), (third, 200), (second, 304), (first, 304)]
    assert len(desk.titles()) == 4

    agency.documents["/index.xml"] = index(second, third)
    assert "1 polled" in desk.poll()
    assert agency.answers() == [("/index.xml", 200), (third, 304), (second, 304)]
    desk.poll()
    assert agency.answers() == [("/index.xml", 304), (third, 304), (second, 304)]


def test_packed_shards_are_read(agency: Agency, desk: Desk) -> None:
    agency.documents = {
        "/sitemaps/news.xml.gz": gzip.compress(index("news-1.xml.gz", "news-2.xml.gz")),
        "/sitemaps/news-1.xml.gz": gzip.compress(news("Budget passed")),
        "/sitemaps/news-2.xml.gz": gzip.compress(news("Derby drawn")),
    }
    desk.source(f"{agency.base}/sitemaps/news.xml.gz", ", kind: sitemap")
    desk.poll()
    assert desk.titles() == {"Budget passed", "Derby drawn"}


def test_a_news_sitemap_alone_is_a_source_like_a_feed(agency: Agency, desk: Desk) -> None:
    agency.documents = {"/news-sitemap.xml": news("Ferry late")}
    desk.source(f"{agency.base}/news-sitemap.xml")
    assert "1 new entry" in desk.poll()
    desk.poll()
    assert agency.answers() == [("/news-sitemap.xml", 200), ("/news-sitemap.xml", 304)]
    agency.documents = {"/news-sitemap.xml": news("Ferry late", "Ferry sails")}
    assert "1 new entry" in desk.poll()


def test_one_broken_sitemap_costs_the_others_nothing(agency: Agency, desk: Desk) -> None:
    bomb = gzip.compress(b" " * 40_000_000)
    agency.documents = {
        "/index.xml": index("/a.xml", "/bomb.xml.gz", "/gone.xml", "/entities.xml", "/pages.xml", "/z.xml"),
        "/a.xml": news("Ferry late"),
        "/bomb.xml.gz": bomb,
        "/gone.xml": 410,
        "/entities.xml": b'<!DOCTYPE urlset [<!ENTITY a "ha">]><urlset><url><loc>&a;</loc></url></urlset>',
        "/pages.xml": b"<urlset><url><loc>/about</loc><lastmod>2026-11-28</lastmod></url></urlset>",
        "/z.xml": news("Strait closed"),
    }
    desk.source(f"{agency.base}/index.xml")
    desk.poll()
    assert desk.titles() == {"Ferry late", "Strait closed"}
    notes = "\n".join(desk.status()["notes"])
    for words in ("bomb.xml.gz: ", "410", "entities", "without headlines"):
        assert words in notes
    assert desk.status()["last_error"] is None


def test_an_index_of_which_nothing_can_be_read_fails(agency: Agency, desk: Desk) -> None:
    agency.documents = {"/index.xml": index("/a.xml", "/b.xml"), "/a.xml": 410, "/b.xml": 410}
    desk.source(f"{agency.base}/index.xml")
    assert "its sitemap" in desk.poll()
    assert "gone" not in desk.status()["reason"], "the index is there"
    agency.documents["/b.xml"] = news("Ferry late")
    desk.poll()
    assert desk.titles() == {"Ferry late"}


def test_indexes_in_a_circle_are_not_followed(agency: Agency, desk: Desk) -> None:
    agency.documents = {"/index.xml": index("/other.xml", "/index.xml"), "/other.xml": index("/index.xml")}
    desk.source(f"{agency.base}/index.xml")
    assert "an index in an index" in desk.poll()
    assert agency.answers() == [("/index.xml", 200), ("/other.xml", 200)]


@pytest.mark.parametrize("how", ["named", "redirected"])
def test_an_index_can_not_make_other_hosts_be_asked(agency: Agency, inside: Agency, desk: Desk, how: str) -> None:
    inside.documents = {"/news.xml": news("Secret plans")}
    there = f"{inside.base}/news.xml"
    agency.documents = {"/index.xml": index(there if how == "named" else "/moved.xml", "/a.xml"), "/moved.xml": there}
    agency.documents["/a.xml"] = news("Ferry late")
    desk.source(f"{agency.base}/index.xml")
    desk.poll()
    assert inside.asked == []
    assert desk.titles() == {"Ferry late"}


def test_a_server_that_has_enough_is_not_asked_for_the_rest(agency: Agency, desk: Desk) -> None:
    agency.documents = {"/index.xml": index("/a.xml", "/b.xml", "/c.xml"), "/a.xml": news("Ferry late"), "/b.xml": 429}
    desk.source(f"{agency.base}/index.xml")
    desk.poll()
    assert [path for path, _ in agency.answers()] == ["/index.xml", "/a.xml", "/b.xml"]
    assert desk.titles() == {"Ferry late"}
    desk.poll()
    assert agency.answers() == [], "the host is on hold"


def test_a_huge_sitemap_is_read_in_a_worker(agency: Agency, desk: Desk) -> None:
    rows = (
        f"<url><loc>/{n}</loc><news:news><news:title>S{n}</news:title><news:publication_date>2026-11-{n // 1000 + 1:02}"
        "</news:publication_date></news:news></url>"
        for n in range(20_000)
    )
    agency.documents = {"/news.xml": (HEAD + "".join(rows) + "</urlset>").encode()}
    desk.source(f"{agency.base}/news.xml", ", dedup: false")
    assert "2000 new entries" in desk.poll()
    assert "18000 entries older than the newest 2000 are left out" in desk.status()["notes"]


@pytest.mark.parametrize(("kind", "words"), [("feed", "a sitemap, but"), ("sitemap", "a feed (rss 2.0), but")])
def test_another_kind_than_the_config_says_is_an_error(agency: Agency, desk: Desk, kind: str, words: str) -> None:
    rss = b'<rss version="2.0"><channel><title>W</title><item><title>Ferry late</title></item></channel></rss>'
    agency.documents = {"/it": rss if kind == "sitemap" else news("Ferry late")}
    desk.source(f"{agency.base}/it", f", kind: {kind}")
    assert words in desk.poll()


def test_add_finds_the_news_sitemap_of_a_site_without_feeds(agency: Agency, desk: Desk) -> None:
    agency.documents = {
        "/": b"<!doctype html><html><body>News</body></html>",
        "/robots.txt": f"User-agent: *\nSitemap: {agency.base}/pages.xml\nSitemap: {agency.base}/news-index.xml\n".encode(),
        "/news-index.xml": index("/news-1.xml"),
        "/news-1.xml": news("Ferry late"),
    }
    output = desk.run("add", f"{agency.base}/", "--id", "wire").output
    assert "robots.txt names a news sitemap" in output
    assert f"url: {agency.base}/news-index.xml\n    title: Harbour Wire\n    kind: sitemap\n" in desk.file.read_text()
    agency.answers()
    desk.run("poll")
    assert agency.answers() == [("/news-1.xml", 200)], "add has fetched the index"
    assert desk.titles() == {"Ferry late"}


def test_an_edit_of_keep_reaches_what_the_sitemaps_list(agency: Agency, desk: Desk) -> None:
    """A document that is read again after an edit is read with its sitemaps, which have not changed."""
    agency.documents = {"/index.xml": index("/news.xml"), "/news.xml": news("Ferry late", "Strait closed")}
    desk.source(f"{agency.base}/index.xml", ", keep: 'title:ferry'")
    desk.poll()
    assert desk.titles() == {"Ferry late"}
    desk.source(f"{agency.base}/index.xml")
    desk.poll()
    assert desk.titles() == {"Ferry late", "Strait closed"}
