"""Threads as subscribers see them: on the pages of their stories, on a page of their own, and as a feed, by HTTP."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path

import feedparser
import pytest
from msgspec.structs import replace
from starlette.types import ASGIApp

from aggregator.model import Item, Slug, StoryId, ThreadId
from aggregator.publish.entry.addresses import TYPES
from aggregator.publish.pages.thread_pages import KEPT
from aggregator.publish.publisher import Publisher
from aggregator.publish.shelf import Prepared
from aggregator.serve.app import make_app
from aggregator.settings import DAY, Output, Settings
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import DAILY, MINUTE, NOON, item, open_outputs, store_story
from tests.unit.serve.asking import Answer, ask

LATER = NOON + 3600.0
ALL = Output(Slug("all"), "All", items=20)
DESK = Output(Slug("desk"), "Desk", token="let-me-in")
UNKNOWN = ThreadId("00000000-0000-5000-8000-000000000000")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


class Site:
    """A published site that is asked by HTTP."""

    def __init__(self, folder: Path, store: SqliteStore, *outputs: Output, **changes: object) -> None:
        self.settings: Settings = samples.settings(folder, *(outputs or (ALL, DESK)), **changes)
        open_outputs(store, self.settings)
        self.publisher = Publisher(self.settings, store)
        self.folder = folder / "public"
        self.app: ASGIApp = make_app(self.publisher.shelf, ready=lambda: (True, {}))

    def publish(self, now: float = LATER) -> None:
        self.publisher.publish(None, now)

    def get(self, path: str, **headers: str) -> Answer:
        return ask(self.app, path, "GET", b"", **headers)

    def page(self, story: StoryId) -> str:
        return self.get(f"/stories/{story}.html").body.decode()

    def file(self, story: StoryId) -> Path:
        return self.folder / f"stories/{story}.html"


def follow(store: SqliteStore, *stories: StoryId) -> ThreadId:
    """Puts stories into one thread, as grouping does."""
    with store.begin() as transaction:
        known = transaction.threads_of(stories)
        thread = next(iter(known.values())) if known else transaction.begin_thread(stories[0])
        transaction.enter_thread(thread, stories, b"about")
        transaction.sum_up_threads([thread])
    return thread


def add(store: SqliteStore, *items: Item, slugs: tuple[str, ...] = ("all",)) -> list[StoryId]:
    return [store_story(store, one, slugs=slugs) for one in items]


def three(store: SqliteStore) -> tuple[ThreadId, list[StoryId]]:
    first, last = add(store, item(1), item(9))
    second = store_story(store, item(4), item(5, DAILY))
    return follow(store, first, second, last), [first, second, last]


def headings(page: str) -> list[str]:
    return [part.partition("<")[0] for part in page.split("<h2>")[1:]]


def test_a_storys_page_tells_what_came_before_and_after(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    thread, (first, second, last) = three(store)
    site.publish()
    page = site.page(second)
    assert headings(page)[1:3] == ["Earlier", "Later"]
    before, _, after = page.partition("<h2>Later")
    assert f'href="../stories/{first}.html"' in before and "2023-06-15 12:01" in before
    assert f'href="../stories/{last}.html"' in after
    assert f'<a href="../threads/{thread}.html">Follow this</a> (3 stories, 2 outlets)' in page
    assert "2 outlets</span>" in site.page(first), "how many tell a story stands beside it"


def test_pages_go_by_what_the_leads_tell_not_by_who_reported_first(tmp_path: Path, store: SqliteStore) -> None:
    """An event that was announced early, and whose lead tells since how it ended, stands after what came in between."""
    site = Site(tmp_path, store)
    ended, between = store_story(store, item(1), item(9, DAILY)), store_story(store, item(4))
    (third,) = add(store, item(2))
    thread = follow(store, ended, between, third)
    site.publish()
    assert "<h2>Later" in site.page(ended) and "<h2>Earlier" not in site.page(ended)
    with store.begin() as transaction:
        (story,) = transaction.stories([ended])
        transaction.save_story(replace(story, lead=story.items[1].id))
        transaction.bump([Slug("all")], LATER)
    site.publish(LATER + MINUTE)
    assert "<h2>Later" not in site.page(ended) and "<h2>Earlier" in site.page(ended)
    for page in (site.page(between), site.file(between).read_text()):
        assert str(ended) in page.partition("<h2>Later")[2] and "2023-06-15 12:09" in page.partition("<h2>Later")[2]
    listed = site.get(f"/threads/{thread}.html").body.decode()
    assert listed.index(str(ended)) < listed.index(str(between)) < listed.index(str(third)), "the newest first"
    order = [one["id"] for one in json.loads(site.get(f"/threads/{thread}.json").body)["items"]]
    assert order == [f"urn:uuid:{one}" for one in (between, third, ended)], "feeds stay in the order of first reports"


def test_a_thread_that_grows_reaches_pages_at_once_and_files_when_a_neighbour_comes(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    stories = add(store, *(item(number) for number in range(1, 8)))
    follow(store, *stories)
    site.publish()
    asked = site.get(f"/stories/{stories[-1]}.html")
    files = {story: site.file(story).stat().st_ino for story in stories}
    (grown,) = add(store, item(8))
    follow(store, stories[0], grown)
    assert str(grown) in site.page(stories[-1]), "pages are read from the store"
    again = site.get(f"/stories/{stories[-1]}.html", if_none_match=asked.headers["etag"])
    assert again.status == 200 and again.headers["last-modified"] > asked.headers["last-modified"]
    site.publisher.publish([Slug("all")], LATER + MINUTE)
    told = [story for story in stories if str(grown) in site.file(story).read_text()]
    assert told == stories[-5:], "five on each side are shown"
    assert all(site.file(story).stat().st_ino == files[story] for story in stories[:-5]), "other files stay as they are"
    assert "/threads/" not in site.file(stories[-1]).read_text(), "a host of files has no page of a thread"


def test_a_corrected_headline_reaches_the_files_of_its_neighbours(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    _, (first, second, _) = three(store)
    site.publish()
    with store.begin() as transaction:
        found = transaction.story(first)
        assert found is not None
        transaction.save_story(replace(found, headline="The harbour is open again"))
    site.publisher.publish([Slug("all")], LATER + MINUTE)
    assert "The harbour is open again" in site.file(second).read_text()


def test_what_was_taken_down_leaves_the_pages_of_its_thread(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    _, (first, second, last) = three(store)
    site.publish()
    with store.begin() as transaction:
        transaction.leave(Slug("all"), [last])
    site.publisher.publish([Slug("all")], LATER + MINUTE)
    assert str(last) not in site.page(second)
    assert str(first) in site.page(second)


@pytest.mark.parametrize("format", ["atom", "rss", "json"])
def test_a_thread_is_a_feed_in_each_format(tmp_path: Path, store: SqliteStore, format: str) -> None:
    site = Site(tmp_path, store)
    thread, stories = three(store)
    site.publish()
    path = f"/threads/{thread}.{format}"
    got = site.get(path)
    same = site.get(f"/feeds/all.{format}")
    for name in ("content-type", "cache-control", "vary", "access-control-allow-origin", "x-content-type-options"):
        assert got.headers[name] == same.headers[name]
    if format == "json":
        feed = json.loads(got.body)
        assert (feed["feed_url"], feed["home_page_url"]) == (
            f"https://news.example.org{path}",
            f"https://news.example.org/threads/{thread}.html",
        )
        ids, title = [row["id"] for row in feed["items"]], feed["title"]
    else:
        feed = feedparser.parse(got.body)
        assert not feed.bozo
        links = {link["rel"]: link["href"] for link in feed.feed.links}
        assert links["self"] == f"https://news.example.org{path}" and "hub" not in links
        assert links["alternate"] == f"https://news.example.org/threads/{thread}.html"
        ids, title = [entry.id for entry in feed.entries], feed.feed.title
        assert format == "rss" or feed.feed.id == f"urn:uuid:{thread}"
    assert ids == [f"urn:uuid:{story}" for story in reversed(stories)], "the newest first, under the ids of other feeds"
    assert title == "Allies weigh step 4 & more", "its title is that of the story of most outlets"
    assert site.get(path, if_none_match=got.headers["etag"]).status == 304
    assert site.get(path, accept_encoding="gzip", if_modified_since=got.headers["last-modified"]).status == 304


def test_a_thread_has_a_page_to_follow_it(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    thread, stories = three(store)
    site.publish()
    for path in (f"/threads/{thread}", f"/threads/{thread}.html"):
        got = site.get(path)
        page = got.body.decode()
        assert got.status == 200 and got.headers["x-robots-tag"] == "noindex"
        assert "default-src 'none'" in got.headers["content-security-policy"]
        assert "3 stories from 2 outlets since" in page
        for format in ("atom", "rss", "json"):
            assert f'readonly value="https://news.example.org/threads/{thread}.{format}"' in page
        places = [page.index(f"../stories/{story}.html") for story in reversed(stories)]
        assert places == sorted(places)
    assert not (site.folder / "threads").exists(), "threads are answered by the daemon alone"


def test_a_thread_tells_what_is_new_in_it(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    thread, stories = three(store)
    site.publish()
    before = site.get(f"/threads/{thread}.atom")
    (grown,) = add(store, item(20))
    follow(store, stories[0], grown)
    after = site.get(f"/threads/{thread}.atom", if_none_match=before.headers["etag"])
    assert after.status == 200 and str(grown).encode() in after.body


def test_a_merged_threads_addresses_lead_to_the_kept_one(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    kept, _ = three(store)
    others = add(store, item(11), item(12), item(13))
    alias = follow(store, *others)
    site.publish()
    assert site.get(f"/threads/{alias}.rss").status == 200
    with store.begin() as transaction:
        transaction.merge_threads(kept, alias, b"both")
        transaction.sum_up_threads([kept])
    for format in ("atom", "rss", "json", "html"):
        got = site.get(f"/threads/{alias}.{format}")
        assert (got.status, got.headers["location"]) == (301, f"https://news.example.org/threads/{kept}.{format}")


def test_a_thread_that_sleeps_for_long_is_gone(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    thread, (first, *_) = three(store)
    site.publish(NOON + site.settings.storage.keep)
    assert site.get(f"/threads/{thread}.atom").status == 200
    site.publish(NOON + site.settings.storage.keep + DAY)
    assert site.get(f"/threads/{thread}.atom").status == site.get(f"/threads/{thread}").status == 410
    assert "Follow this" not in site.page(first)


def test_what_is_not_public_is_answered_like_what_does_not_exist(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    private = follow(store, *add(store, *(item(number, private=True) for number in (1, 2, 3)), slugs=("desk",)))
    desk = follow(store, *add(store, *(item(number) for number in (4, 5, 6)), slugs=("desk",)))
    pair = follow(store, *add(store, item(7), item(8)))
    site.publish(NOON + 2 * site.settings.storage.keep)
    for format in ("atom", "rss", "json", "html"):
        nothing = site.get(f"/threads/{UNKNOWN}.{format}")
        assert nothing.status == 404
        for thread in (private, desk, pair):
            assert site.get(f"/threads/{thread}.{format}") == nothing
    for path in (f"{UNKNOWN}.xml", "", "x", f"{UNKNOWN}/1.atom", f"{UNKNOWN}.html.html"):
        assert site.get(f"/threads/{path}").status == 404


def test_what_is_not_public_takes_one_query_like_what_does_not_exist(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, store)
    private = follow(store, *add(store, *(item(number, private=True) for number in (1, 2, 3)), slugs=("desk",)))
    desk = follow(store, *add(store, *(item(number) for number in (4, 5, 6)), slugs=("desk",)))
    site.publish()
    asked: list[str] = []
    read = store._read

    def counted(query: Callable[..., object], *given: object) -> object:
        asked.append(query.__name__)
        return read(query, *given)

    for name in ("_read", "_read_whole"):
        monkeypatch.setattr(store, name, counted)
    for thread in (private, desk, UNKNOWN):
        asked.clear()
        assert site.get(f"/threads/{thread}.atom").status == 404
        assert asked == ["whereabouts"]


def test_stories_that_are_not_public_are_in_no_thread_of_the_public(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    shown = add(store, item(1), item(2), item(3))
    hidden = add(store, item(4, private=True, title="A secret step"), item(5, title="For the desk"), slugs=("desk",))
    thread = follow(store, *shown, *hidden)
    site.publish()
    for path in (f"/threads/{thread}.atom", f"/threads/{thread}", f"/stories/{shown[1]}.html"):
        body = site.get(path).body.decode()
        assert str(shown[2]) in body
        assert "secret" not in body and "For the desk" not in body and "5 stories" not in body
    assert "3 stories" in site.get(f"/threads/{thread}").body.decode()


def test_without_its_private_stories_a_pair_is_no_thread(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    shown = add(store, item(1), item(2))
    thread = follow(store, *shown, *add(store, item(3, private=True), slugs=("desk",)))
    site.publish()
    assert site.get(f"/threads/{thread}.atom").status == 404
    assert headings(site.page(shown[0])) == ["In the feeds", "Tags"]


def test_hostile_headlines_are_text_on_pages(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    nasty = '</a><script>alert(1)</script>" onmouseover="x'
    stories = add(store, item(1, title=nasty), item(2), item(3))
    thread = follow(store, *stories)
    site.publish()
    for path in (f"/threads/{thread}", f"/stories/{stories[1]}.html"):
        body = site.get(path).body.decode()
        assert "<script>alert" not in body and 'onmouseover="x' not in body and "alert(1)" in body


def test_a_feed_of_a_thread_shows_no_more_of_a_story_than_other_public_feeds(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store, ALL, Output(Slug("full"), "Full", content="full", items=20))
    first, second, last = add(store, item(1), item(2), item(3))
    with store.begin() as transaction:
        transaction.enter(Slug("full"), [last], NOON)
    thread = follow(store, first, second, last)
    site.publish()
    items = json.loads(site.get(f"/threads/{thread}.json").body)["items"]
    assert ["They meet again" in row["content_html"] for row in items] == [True, False, False]


def test_a_thread_of_a_backlog_is_not_gone_for_its_dates(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    keep = site.settings.storage.keep
    stories = add(store, *(item(number, published=NOON - 2 * keep) for number in (1, 2, 3)))
    thread = follow(store, *stories)
    site.publish()
    assert site.get(f"/threads/{thread}").status == 200


def test_threads_that_nobody_asks_for_again_are_forgotten_and_made_anew(tmp_path: Path, store: SqliteStore) -> None:
    site = Site(tmp_path, store)
    threads = [follow(store, *add(store, *(item(3 * n + place) for place in (1, 2, 3)))) for n in range(KEPT + 4)]
    site.publish()
    first = site.get(f"/threads/{threads[0]}.atom")
    for thread in threads:
        assert site.get(f"/threads/{thread}.atom").status == 200
    gc.collect()
    documents = (one for one in gc.get_objects() if isinstance(one, Prepared) and one.type == TYPES["atom"])
    kept = [one for one in documents if any(thread.encode() in one.body for thread in threads)]
    assert len(kept) == KEPT
    assert site.get(f"/threads/{threads[0]}.atom") == first
