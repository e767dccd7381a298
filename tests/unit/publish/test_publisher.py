"""What subscribers get: documents that depend on the database alone, and files that change only if they must."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import feedparser
import pytest
from msgspec.structs import replace

from aggregator.model import Slug
from aggregator.publish.pages.pages import PAGE_ENTRIES
from aggregator.publish.publisher import Publisher
from aggregator.publish.selection import filling
from aggregator.publish.shelf import GONE, Moved, Prepared
from aggregator.settings import Output, Site
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import DAILY, MINUTE, NOON, change_story, item, open_outputs, podcast, store_story

LATER = NOON + 3600.0
FORMATS = ("atom", "rss", "json")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def publisher(folder: Path, store: SqliteStore, *outputs: Output, **changes: object) -> Publisher:
    settings = samples.settings(folder, *outputs, **changes)
    open_outputs(store, settings)
    return Publisher(settings, store, mint=lambda: uuid.UUID(int=7))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def ids(body: bytes) -> list[str]:
    if body.startswith(b"{"):
        return [one["id"] for one in json.loads(body)["items"]]
    return [one.id for one in feedparser.parse(body).entries]


def test_three_formats_carry_the_same_stories_in_the_same_order(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store)
    stories = [store_story(store, item(n)) for n in (2, 1, 3)]
    made.publish(None, LATER)
    expected = [f"urn:uuid:{stories[place]}" for place in (2, 0, 1)]
    for format in FORMATS:
        assert ids((tmp_path / f"public/feeds/all.{format}").read_bytes()) == expected


def test_a_page_is_asked_for_again_each_time(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store)
    story = store_story(store, item(1))
    made.publish(None, LATER)
    for path in ("/index.html", "/topics/all.html", f"/stories/{story}.html"):
        page = made.shelf.get(path) or made.shelf.on_demand(path, lambda token: False)
        assert isinstance(page, Prepared) and page.cache == "no-cache", path
    feed = made.shelf.get("/feeds/all.atom")
    assert feed is not None and feed.cache == "public, max-age=300"


def test_nothing_new_changes_no_byte_whatever_the_time(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store)
    store_story(store, podcast(1), item(2, DAILY))
    assert set(made.publish(None, LATER)) == {"all", "ukraine", "desk"}
    before = files(tmp_path / "public")
    inodes = {path: (tmp_path / "public" / path).stat().st_ino for path in before}
    assert made.publish(None, LATER + 9999) == ()
    again = Publisher(samples.settings(tmp_path), store)
    assert again.publish(None, LATER + 99999) == ()
    assert files(tmp_path / "public") == before
    assert {path: (tmp_path / "public" / path).stat().st_ino for path in before} == inodes


def test_a_change_moves_the_feeds_that_show_it_and_no_other(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store)
    story = store_story(store, item(1), slugs=("all", "ukraine"))
    store_story(store, item(2))
    made.publish(None, LATER)
    change_story(store, story, "A better headline", LATER)
    assert set(made.publish([Slug("all"), Slug("ukraine"), Slug("desk")], LATER + 1)) == {"all", "ukraine"}
    shown = feedparser.parse((tmp_path / "public/feeds/ukraine.atom").read_bytes())
    assert shown.entries[0].title == "A better headline"
    assert shown.entries[0].id == f"urn:uuid:{story}"
    assert shown.feed.updated == shown.entries[0].updated
    assert shown.feed.updated.startswith("2023-06-15T13:00:00.")


def test_stories_that_change_in_one_poll_have_dates_of_their_own(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store)
    for story in [store_story(store, item(number)) for number in range(1, 9)]:
        change_story(store, story, "New", LATER)
    made.publish(None, LATER)
    entries = feedparser.parse((tmp_path / "public/feeds/all.atom").read_bytes()).entries
    assert len({entry.updated for entry in entries}) == 8
    assert {entry.updated[:19] for entry in entries} == {"2023-06-15T13:00:00"}


def test_a_move_of_the_site_changes_addresses_and_no_id(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store)
    store_story(store, item(1))
    made.publish(None, LATER)
    old = feedparser.parse((tmp_path / "public/feeds/all.atom").read_bytes())
    moved = publisher(tmp_path, store, site=Site(title="Test news", url="https://elsewhere.example"))
    moved.publish(None, LATER)
    new = feedparser.parse((tmp_path / "public/feeds/all.atom").read_bytes())
    assert (new.feed.id, new.entries[0].id, new.entries[0].updated) == (old.feed.id, old.entries[0].id, old.entries[0].updated)
    assert [link.href for link in new.feed.links if link.rel == "self"] == ["https://elsewhere.example/feeds/all.atom"]


def test_two_databases_have_two_feed_ids(tmp_path: Path) -> None:
    found = set()
    for name in ("one", "two"):
        store = SqliteStore(tmp_path / name / "db")
        settings = samples.settings(tmp_path / name)
        Publisher(settings, store).publish(None, NOON)
        found.add(feedparser.parse((tmp_path / name / "public/feeds/all.atom").read_bytes()).feed.id)
    assert len(found) == 2


def test_empty_feeds_are_published_with_a_stored_date(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store)
    made.publish(None, LATER)
    feed = feedparser.parse((tmp_path / "public/feeds/all.atom").read_bytes()).feed
    assert feed.updated == "2023-06-15T12:00:00+00:00"
    assert json.loads((tmp_path / "public/feeds/all.json").read_bytes())["items"] == []


def test_a_private_feed_is_in_nothing_public(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store)
    store_story(store, item(1), slugs=("desk",))
    made.publish(None, LATER)
    assert (tmp_path / "private/feeds/desk.atom").exists()
    assert (tmp_path / "private/feeds/desk.atom").stat().st_mode & 0o077 == 0
    for path, body in files(tmp_path / "public").items():
        assert "desk" not in path and b"desk" not in body.lower(), path
    assert made.shelf.get("/feeds/desk.atom").token == "let-me-in"  # type: ignore[union-attr]
    assert b"let-me-in" not in (tmp_path / "private/feeds/desk.atom").read_bytes()


def test_a_removed_feed_is_removed_and_remembered_as_gone(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store)
    made.publish(None, LATER)
    mine = tmp_path / "public/feeds/readme.txt"
    mine.write_text("not ours")
    fewer = Publisher(samples.settings(tmp_path, Output(Slug("all"), "All")), store)
    fewer.publish(None, LATER)
    assert sorted(files(tmp_path / "public")) == [
        ".aggregator-site",
        "feeds/all.atom",
        "feeds/all.html",
        "feeds/all.json",
        "feeds/all.rss",
        "feeds/readme.txt",
        "health.atom",
        "index.html",
        "opml.xml",
        "topics/all.html",
        "topics/all/index.html",
    ]
    assert fewer.shelf.get("/feeds/ukraine.atom") is None
    assert fewer.shelf.away("/feeds/ukraine.atom") == fewer.shelf.away("/feeds/ukraine.html") == GONE


def test_archive_pages_follow_to_a_new_folder_and_come_back(tmp_path: Path, store: SqliteStore) -> None:
    outputs = (Output(Slug("all"), "All", items=5),)
    settings = samples.settings(tmp_path, *outputs)
    open_outputs(store, settings)
    for number in range(1, 40):
        store_story(store, item(number))
    Publisher(settings, store).publish(None, LATER)
    before = files(tmp_path / "public")
    assert "feeds/all/2.rss" in before
    moved = samples.settings(tmp_path, *outputs, publish=replace(settings.publish, directory=tmp_path / "moved"))
    Publisher(moved, store).publish(None, LATER)
    assert files(tmp_path / "moved") == before
    (tmp_path / "public/feeds/all/2.rss").unlink()
    Publisher(settings, store).publish(None, LATER)
    assert files(tmp_path / "public") == before


def test_a_renamed_feed_is_found_and_keeps_its_id(tmp_path: Path, store: SqliteStore) -> None:
    publisher(tmp_path, store, Output(Slug("kyiv"), "Ukraine")).publish(None, LATER)
    old = feedparser.parse((tmp_path / "public/feeds/kyiv.atom").read_bytes()).feed.id
    renamed = publisher(tmp_path, store, Output(Slug("ukraine"), "Ukraine", formerly=(Slug("kiev"), Slug("kyiv"))))
    renamed.publish(None, LATER)
    assert renamed.shelf.away("/feeds/kyiv.rss") == Moved("https://news.example.org/feeds/ukraine.rss")
    assert renamed.shelf.away("/topics/kiev.html") == Moved("https://news.example.org/topics/ukraine.html")
    again = publisher(tmp_path, store, Output(Slug("ukraine"), "Ukraine", formerly=(Slug("kyiv"),)))
    again.publish(None, LATER)
    assert feedparser.parse((tmp_path / "public/feeds/ukraine.atom").read_bytes()).feed.id == old


def test_a_feed_that_becomes_private_leaves_the_public_directory(tmp_path: Path, store: SqliteStore) -> None:
    publisher(tmp_path, store, Output(Slug("all"), "All")).publish(None, LATER)
    publisher(tmp_path, store, Output(Slug("all"), "All", token="t0ken")).publish(None, LATER)
    assert not (tmp_path / "public/feeds/all.atom").exists()
    assert (tmp_path / "private/feeds/all.atom").exists()


def test_while_filling_a_feed_shows_the_newest_and_then_starts_in_order(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path, Output(Slug("all"), "All", items=2))
    store.sync_sources(settings.sources, NOON)
    open_outputs(store, settings, filling=True)
    stories = {n: store_story(store, item(n)) for n in (3, 1, 4, 2)}
    made = Publisher(settings, store)
    made.publish(None, LATER)
    newest = [f"urn:uuid:{stories[4]}", f"urn:uuid:{stories[3]}"]
    assert ids((tmp_path / "public/feeds/all.atom").read_bytes()) == newest
    assert filling.is_under_way(store, settings)
    assert filling.end(store, settings, LATER) == ()  # no source was polled yet
    with store.begin() as transaction:
        for state in store.states().values():
            transaction.save_state(_polled(state))
    assert filling.end(store, settings, LATER) == ("all",)
    assert [shown.story for shown in store.shown(Slug("all"))] == [stories[4], stories[3]]
    assert not store.outputs()[Slug("all")].filling and not filling.is_under_way(store, settings)
    made.publish([Slug("all")], LATER + MINUTE)
    assert ids((tmp_path / "public/feeds/all.atom").read_bytes()) == newest


def _polled(state):  # type: ignore[no-untyped-def]
    return replace(state, last_poll=NOON)


def test_what_is_shown_was_promised_before(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store)
    story = store_story(store, item(1))
    hidden = store_story(store, item(2), slugs=())
    made.publish(None, LATER)
    with store.begin() as transaction:
        assert transaction.published_stories([story, hidden]) == {story}


def test_a_story_that_moves_up_to_the_page_is_listed_there(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store, Output(Slug("all"), "All", items=100))
    stories = [store_story(store, item(n)) for n in range(PAGE_ENTRIES + 1)]
    made.publish(None, LATER)
    page = tmp_path / "public/topics/all.html"
    last = f'<li><a href="../stories/{stories[0]}.html" dir="auto" lang="en">Allies weigh step 0 &amp; more</a>'.encode()
    assert b"Further stories" in page.read_bytes() and last in page.read_bytes(), "beyond the entries headlines follow"
    assert page.read_bytes().count(b"<article") == PAGE_ENTRIES
    with store.begin() as transaction:
        transaction.leave(Slug("all"), [stories[-1]])
    made.publish([Slug("all")], LATER + MINUTE)
    assert page.read_bytes().count(b"<article") == PAGE_ENTRIES
    assert b"step 0 &amp;" in page.read_bytes() and b"Further stories" not in page.read_bytes()


def test_what_is_in_several_feeds_is_listed_on_each_page(tmp_path: Path, store: SqliteStore) -> None:
    outputs = (Output(Slug("all"), "All", items=1), Output(Slug("ukraine"), "Ukraine", items=20, topic=Slug("ukraine")))
    made = publisher(tmp_path, store, *outputs)
    for number in range(15):
        store_story(store, item(number), slugs=("all", "ukraine"))
    made.publish(None, LATER)
    assert (tmp_path / "public/feeds/all/1.atom").exists()
    assert (tmp_path / "public/topics/ukraine.html").read_bytes().count(b"<article") == 15


def test_what_has_left_the_feeds_is_not_kept_in_memory(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.publish.publisher.SPARE", 5)
    settings = samples.settings(tmp_path, Output(Slug("all"), "All stories", items=3))
    open_outputs(store, settings)
    made = Publisher(settings, store)
    made.publish(None, LATER)
    for number in range(1, 61):
        store_story(store, item(number))
        made.publish([Slug("all")], LATER + number)
    shown = len(json.loads((tmp_path / "public/feeds/all.json").read_bytes())["items"])
    assert 0 < shown < 20
    assert len(made._renderer) <= 2 * shown + 15
    assert len(made._publications) <= 2 * shown + 15
