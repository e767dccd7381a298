"""The pages that run queries: what strangers find, what they are told, and that they can't hold the daemon up."""

from __future__ import annotations

import asyncio
import html
import re
import time
from pathlib import Path
from urllib.parse import quote, urljoin

import pytest
from msgspec.structs import replace
from starlette.types import ASGIApp

from aggregator.model import Slug, Source, SourceId, Tag, TagKind
from aggregator.publish.publisher import Publisher
from aggregator.publish.site import sitemap
from aggregator.serve import search
from aggregator.serve.app import make_app
from aggregator.serve.search import SearchPages
from aggregator.settings import Output, Settings, TagRule
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import DAILY, NOON, item, open_outputs, store_story
from tests.unit.serve.asking import Answer, ask, ask_async

ALL, DESK = Output(Slug("all"), "All"), Output(Slug("desk"), "Desk", token="let-me-in")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


@pytest.fixture
def settings(tmp_path: Path, store: SqliteStore) -> Settings:
    made = samples.settings(tmp_path, ALL, DESK)
    open_outputs(store, made, filling=False)
    return made


@pytest.fixture
def app(store: SqliteStore, settings: Settings) -> ASGIApp:
    return app_of(store, settings)


def app_of(store: SqliteStore, settings: Settings) -> ASGIApp:
    publisher = Publisher(settings, store)
    publisher.publish(None, NOON + 3600)
    pages = SearchPages(lambda: settings, store, lambda: NOON + 3600)
    return make_app(publisher.shelf, ready=lambda: (True, {}), settings=lambda: settings, pages=pages.routes())


def found(answer: Answer) -> int:
    return answer.body.count(b"<article")


def test_a_search_shows_the_stories_that_match_with_links_to_their_pages(app: ASGIApp, store: SqliteStore) -> None:
    story = store_story(store, item(7, title="The dam breaks at night"))
    store_story(store, item(8, title="The choir sings"))
    got = ask(app, "/search?q=dam+-choir")
    assert (got.status, found(got)) == (200, 1)
    assert b"The dam breaks at night" in got.body and f'href="./stories/{story}.html"'.encode() in got.body
    assert b'value="dam -choir"' in got.body, "the query can be gone on with"
    assert got.headers["x-robots-tag"] == "noindex" and "'none'" in got.headers["content-security-policy"]
    nothing = ask(app, "/search?q=zeppelin")
    assert (nothing.status, found(nothing)) == (200, 0) and b"No story found" in nothing.body


@pytest.mark.parametrize(
    ("query", "message", "place"),
    [
        ("ukraine titel:nato", "there is no field titel:; did you mean title?", "ukraine <mark>t</mark>itel:nato"),
        ("(ukraine", "", "<mark>"),
        ("source:one", "no source can be named here", "source:<mark>o</mark>ne"),
        ("<script>alert(1)</script> titel:x", "there is no field", "&lt;script&gt;"),
    ],
)
def test_a_mistake_is_told_at_its_place(app: ASGIApp, query: str, message: str, place: str) -> None:
    got = ask(app, "/search?q=" + quote(query))
    assert got.status == 400
    assert message in got.body.decode() and place in got.body.decode()
    assert b"<script>alert" not in got.body


def test_long_queries_are_refused_and_told(app: ASGIApp) -> None:
    assert ask(app, "/search?q=" + "a" * 301).status == 400
    assert ask(app, "/search?q=" + "a" * 3000).status == 414


def test_what_strangers_write_is_text(app: ASGIApp) -> None:
    got = ask(app, "/search?q=" + quote('"><img src=x onerror=alert(1)>'))
    assert b"<img" not in got.body and b"&lt;img src=x" in got.body


def test_what_no_public_feed_has_is_not_found(store: SqliteStore, settings: Settings) -> None:
    store_story(store, item(1, title="Dam of the desk"), slugs=("desk",))
    store_story(store, replace(item(2, title="Dam of a private source"), private=True))
    store_story(store, item(3, title="Dam of nobody"), slugs=())
    store_story(store, item(4, title="Dam for all"), slugs=("all", "desk"))
    app = app_of(store, settings)
    got = ask(app, "/search?q=dam")
    assert found(got) == 1 and b"Dam for all" in got.body
    assert found(ask(app, "/search?q=desk+OR+private+OR+nobody")) == 0
    outlet = ask(app, "/outlets/" + quote(item(1).outlet))
    assert found(outlet) == 1 and b"Dam for all" in outlet.body


def test_names_that_the_site_does_not_show_can_not_be_asked_for(tmp_path: Path, store: SqliteStore) -> None:
    sources = (
        Source(SourceId("secret-mail"), "https://a.example/f", group="family", tags=("hush",), private=True),
        Source(SourceId("seaside"), "https://b.example/f", tags=("wire",)),
    )
    settings = samples.settings(tmp_path, ALL, DESK, sources=sources, tags=(TagRule("rule", "x"),))
    open_outputs(store, settings, filling=False)
    app = app_of(store, settings)
    for query in ("source:secret-mai", "group:famil", "tag:hus", "topic:des", "tag:wir", "source:seasid"):
        got = ask(app, f"/search?q={query}")
        told = re.sub(rb'value="[^"]*"|<pre>.*?</pre>', b"", got.body)
        assert got.status == 400
        assert not any(name in told for name in (b"secret-mail", b"family", b"hush", b"desk", b"seaside"))
    assert ask(app, "/search?q=tag:wire").status == ask(app, "/search?q=tag:rule").status == 200


def test_a_result_is_bounded(app: ASGIApp, store: SqliteStore) -> None:
    for number in range(40):
        store_story(store, item(number))
    got = ask(app, "/search?q=words%3E0+OR+items%3E=1")
    assert found(got) == search.RESULTS == 30 and b"there are more" in got.body


@pytest.mark.parametrize("path", ["/search?q=step", "/outlets/Wire", "/tags/wire"])
def test_older_results_are_on_further_pages_each_story_once(app: ASGIApp, store: SqliteStore, path: str) -> None:
    stories = [
        store_story(store, item(number, title=f"One step {number}", published=NOON + number // 40)) for number in range(1, 70)
    ]
    seen: list[str] = []
    told: list[str] = []
    while path:
        page = ask(app, path).body.decode()
        seen += re.findall("<h2[^>]*><a [^>]*>One step ([0-9]+)<", page)
        told += re.findall('<p role="status">([^<]*)', page)
        link = re.search('href="([^"]*)"[^>]*>Older', page)
        path = (
            urljoin(f"https://news.example.org{path}", html.unescape(link[1])).removeprefix("https://news.example.org")
            if link
            else ""
        )
    assert len(seen) == len(set(seen)) == len(stories)
    assert told == ["The newest 30; there are more.", "30 older stories; there are more.", "9 older stories."]


@pytest.mark.parametrize("place", ["x", "1e999~" + "0" * 36, "1.0~../../etc", "9" * 400])
def test_a_place_that_is_none_is_passed_over(app: ASGIApp, store: SqliteStore, place: str) -> None:
    store_story(store, item(1))
    assert (ask(app, f"/search?q=step&older={place}").status, found(ask(app, f"/outlets/Wire?older={place}"))) == (200, 1)


def test_the_search_page_helps_with_what_can_be_found_here(store: SqliteStore, settings: Settings) -> None:
    site = replace(settings, sources=(replace(samples.WIRE, tags=("sea",)), replace(DAILY, tags=("hush",), private=True)))
    store_story(store, item(1, outlet="Harbour Post"), tags=(Tag(TagKind.TAG, "hush"), Tag(TagKind.TAG, "sea")))
    store_story(store, item(2, outlet="Own Desk"), slugs=("desk",))
    app = app_of(store, site)
    for path, opened in (("/search", True), ("/search?q=zeppelin", True), ("/search?q=titel:x", True), ("/search?q=step", False)):
        page = ask(app, path).body.decode()
        assert ("<details open>" in page) is opened
        queries = [html.unescape(one) for one in re.findall("<code>(.*?)</code>", page)]
        assert "All words must appear in the same report." in page
        assert (
            {'outlet:"Harbour Post"', "tag:sea", "after:2023-06-15"} <= set(queries)
            and "hush" not in page
            and "Own Desk" not in page
        )
        for query in ('outlet:"Harbour Post"', "tag:sea", "after:2023-06-15"):
            assert found(ask(app, "/search?q=" + quote(query))) == 1
        assert {ask(app, "/search?q=" + quote(query)).status for query in queries} == {200}


def test_outlets_and_tags_have_pages(app: ASGIApp, store: SqliteStore) -> None:
    story = store_story(store, item(1), item(2, DAILY))
    with store.begin() as transaction:
        stored = transaction.story(story)
        assert stored is not None
        transaction.save_story(replace(stored, tags=(Tag(TagKind.CATEGORY, "North/South"), Tag(TagKind.TAG, "war"))))
    page = ask(app, f"/stories/{story}").body.decode()
    for path in ("/outlets/" + quote(item(2, DAILY).outlet), "/tags/North%2FSouth", "/tags/war"):
        assert f'href="..{path}"' in page
        got = ask(app, path)
        assert (got.status, found(got)) == (200, 1) and f'href="/stories/{story}.html"'.encode() in got.body
    assert b">Stories tagged war</h1>" in ask(app, "/tags/war").body
    assert [ask(app, path).status for path in ("/outlets/Nobody", "/tags/none", "/tags/", "/outlets/" + "x" * 300)] == [404] * 4


class SlowStore(SqliteStore):
    """Each story takes a moment to be read."""

    def find(self, *given, **named):  # type: ignore[no-untyped-def]
        for story in super().find(*given, **named):
            time.sleep(0.02)
            yield story


def test_a_search_ends_in_time_with_what_it_has_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: SqliteStore, settings: Settings
) -> None:
    for number in range(20):
        store_story(store, item(number))
    app = app_of(SlowStore(store.path), settings)
    monkeypatch.setattr(search, "SECONDS", 0.05)
    began = time.monotonic()
    got = ask(app, "/search?q=-zeppelin")
    assert time.monotonic() - began < 2
    assert got.status == 200 and 0 < found(got) < 20 and b"took too long" in got.body


def test_sqlite_itself_is_interrupted(app: ASGIApp, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that finds nothing returns no story between which the clock could be looked at."""
    for number in range(300):
        store_story(store, item(number))
    monkeypatch.setattr(search, "SECONDS", 0.0)
    got = ask(app, "/search?q=outlet:zeppelin+OR+zep*+OR+title:/zep/")
    assert got.status == 200 and b"took too long" in got.body


def test_more_searches_than_may_run_are_put_off_and_pages_are_not(
    app: ASGIApp, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    story = store_story(store, item(1))
    slow = app_of(SlowStore(store.path), settings)

    async def many() -> tuple[list[Answer], Answer, Answer]:
        asked = [asyncio.create_task(ask_async(slow, "/search?q=-zeppelin")) for _ in range(6)]
        page = await ask_async(slow, f"/stories/{story}")
        refused_list = await ask_async(slow, "/tags/war")
        return await asyncio.gather(*asked), page, refused_list

    answers, page, refused_list = asyncio.run(many())
    assert sorted(answer.status for answer in answers) == [200, 200, 503, 503, 503, 503]
    refused = next(answer for answer in answers if answer.status == 503)
    assert refused.headers["retry-after"] == "3" and b"Too many searches" in refused.body
    assert page.status == 200 and refused_list.status == 503 and refused_list.headers["retry-after"] == "3"
    assert ask(slow, "/search?q=-zeppelin").status == 200, "and then there is room again"


def test_pages_have_the_form_and_static_copies_have_none(app: ASGIApp, settings: Settings, store: SqliteStore) -> None:
    for path in ("/", "/topics/all"):
        page = ask(app, path).body
        assert b'action="' in page and b"/search" in page and b"favicon.svg" in page
    for file in settings.publish.directory.rglob("*.html"):
        assert b"/search" not in file.read_bytes() and b"favicon" not in file.read_bytes() and b"daemon" not in file.read_bytes()


def test_a_missing_page_is_told_to_browsers_as_a_page(app: ASGIApp) -> None:
    browser, other = ask(app, "/nothing", accept="text/html,*/*;q=0.8"), ask(app, "/nothing")
    assert browser.status == other.status == 404
    assert b"<h1>Not found</h1>" in browser.body and other.body == b"404 Not Found\n"
    assert browser.headers["vary"] == other.headers["vary"] == "Accept"
    for hidden in ("/feeds/desk.atom", "/feeds/desk/1.atom", "/topics/desk", "/topics/desk/1", "/outlets/x", "/status"):
        got = ask(app, hidden, accept="text/html")
        assert (got.status, got.body, got.headers) == (404, browser.body, browser.headers)


def test_the_icon_and_the_manifest_are_kept(app: ASGIApp) -> None:
    icon, manifest = ask(app, "/favicon.svg"), ask(app, "/site.webmanifest")
    assert icon.headers["content-type"] == "image/svg+xml" and icon.headers["cache-control"] == "public, max-age=604800"
    drawn = ask(app, "/favicon.ico"), ask(app, "/apple-touch-icon.png")
    assert [one.status for one in drawn] == [200, 200] and [one.body[:4] for one in drawn] == [b"\0\0\1\0", b"\x89PNG"]
    assert all(one.headers["content-type"].startswith("image/") for one in drawn)
    assert manifest.headers["content-type"] == "application/manifest+json" and b'"start_url": "."' in manifest.body


@pytest.mark.parametrize(("url", "path"), [("https://news.example.org", ""), ("https://me.example/news", "/news")])
def test_pages_name_the_icon_by_a_path_from_the_top(store: SqliteStore, settings: Settings, url: str, path: str) -> None:
    """Simple readers put a relative one together wrongly."""
    app = app_of(store, replace(settings, site=replace(settings.site, url=url)))
    for page in ("/", "/topics/all.html", "/nothing"):
        links = re.findall(
            '<link rel="(?:icon|apple-touch-icon)" href="([^"]*)"', ask(app, page, accept="text/html").body.decode()
        )
        assert links == [f"{path}/{name}" for name in ("favicon.svg", "favicon.ico", "apple-touch-icon.png")]


def test_a_feed_that_has_ended_is_told_to_browsers_as_a_page(tmp_path: Path, store: SqliteStore, settings: Settings) -> None:
    open_outputs(store, both := samples.settings(tmp_path, ALL, DESK, Output(Slug("sea"), "The sea")), filling=False)
    Publisher(both, store).publish(None, NOON)
    app = app_of(store, settings)
    for path in ("/feeds/sea.atom", "/feeds/sea", "/feeds/sea.html", "/topics/sea"):
        browser, reader = ask(app, path, accept="text/html,*/*;q=0.8"), ask(app, path)
        assert browser.status == reader.status == 410 and reader.body == b"410 Gone\n"
        assert b"<h1>This feed has ended</h1>" in browser.body and b'href="/index.html">All feeds' in browser.body
        assert browser.headers["vary"] == reader.headers["vary"] == "Accept"
    assert ask(app, "/feeds/sea.atom", "HEAD", accept="text/html").body == b""


def test_search_engines_list_the_site_only_where_it_lets_them(store: SqliteStore, settings: Settings) -> None:
    """And never what a search, an outlet or a tag shows."""
    open_site = replace(settings, site=replace(settings.site, index=True))
    shown, hidden = store_story(store, item(1)), store_story(store, item(2), slugs=("desk",))
    paths = ("/", "/topics/all", f"/stories/{shown}", "/search?q=step", "/outlets/Wire", "/search")
    for wanted, listed in ((settings, ()), (open_site, paths[:3])):
        app = app_of(store, wanted)
        for path in paths:
            got = ask(app, path)
            assert got.status == 200
            assert ("noindex" not in got.headers.get("x-robots-tag", "")) is (path in listed)
            assert (b'content="noindex"' not in got.body) is (path in listed)
    assert ask(app_of(store, settings), "/sitemap.xml").status == 404
    urls = re.findall("<loc>(.*?)</loc>", sitemap.document(open_site, store).decode())
    site = settings.site.url
    assert urls == [f"{site}/", f"{site}/topics/all.html", f"{site}/stories/{shown}.html"] and hidden not in str(urls)
    got = ask(app_of(store, open_site), "/sitemap.xml")
    assert got.status == 200 and got.headers["content-type"].startswith("application/xml")
