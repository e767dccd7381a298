"""Archives (RFC 5005): complete, each story once, closed pages never change."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

import feedparser
import pytest
from msgspec.structs import replace

from aggregator.model import Slug, SourceId, StoryId
from aggregator.ports import Keep, Override, Shown
from aggregator.publish import archive
from aggregator.publish.pages import pages
from aggregator.publish.publisher import Publisher
from aggregator.publish.selection import private, thread_listing
from aggregator.publish.shelf import Prepared
from aggregator.settings import Output
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import MINUTE, NOON, change_story, item, open_outputs, store_story

LATER = NOON + 86_400.0
ALL = Output(Slug("all"), "All", items=3)


def shown(seq: int, *, updated: float = 0.0, entered: float = 0.0) -> Shown:
    return Shown(StoryId(f"{seq:08x}"), seq, entered, 0.0, updated, 1)


@pytest.mark.parametrize(("members", "closed"), [(0, 0), (12, 0), (13, 10), (25, 10)])
def test_a_page_closes_only_when_the_document_keeps_its_items(members: int, closed: int) -> None:
    found = archive.select_to_close([shown(seq) for seq in range(1, members + 1)], items=3, sources={})
    assert len(found) == closed
    assert [one.seq for one in found] == list(range(1, closed + 1))


def test_what_changed_last_stays_in_the_document() -> None:
    members = [shown(seq, updated=float(seq)) for seq in range(2, 14)] + [shown(1, updated=99.0)]
    assert 1 not in {one.seq for one in archive.select_to_close(members, items=3, sources={})}


def test_what_entered_at_one_moment_is_closed_in_the_order_of_its_dates() -> None:
    members = [shown(seq, updated=100.0 - seq, entered=200.0) for seq in range(1, 14)]
    assert {one.seq for one in archive.select_to_close(members, items=3, sources={})} == set(range(4, 14))


def test_what_changed_in_one_second_is_closed_in_the_order_that_its_fractions_show() -> None:
    members = [shown(seq, updated=100.9 - seq / 100) for seq in range(1, 14)]
    assert {one.seq for one in archive.select_to_close(members, items=3, sources={})} == set(range(1, 11))


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def grown(folder: Path, store: SqliteStore, stories: int) -> tuple[Publisher, list[StoryId]]:
    settings = samples.settings(folder, ALL)
    open_outputs(store, settings)
    made = Publisher(settings, store)
    ids = []
    for number in range(1, stories + 1):
        ids.append(store_story(store, item(number)))
        made.publish([Slug("all")], NOON + number * MINUTE)
    made.publish(None, LATER)
    return made, ids


def chain(folder: Path, suffix: str = "atom") -> list[feedparser.FeedParserDict]:
    """The subscription document and every archive page that its links lead to, the newest first."""
    found = [feedparser.parse((folder / f"feeds/all.{suffix}").read_bytes())]
    while links := [link.href for link in found[-1].feed.links if link.rel == "prev-archive"]:
        found.append(feedparser.parse((folder / links[0].removeprefix("https://news.example.org/")).read_bytes()))
    return found


@pytest.mark.parametrize("suffix", ["atom", "rss"])
def test_the_chain_holds_every_story_once(tmp_path: Path, store: SqliteStore, suffix: str) -> None:
    _, ids = grown(tmp_path, store, 35)
    documents = chain(tmp_path / "public", suffix)
    assert [len(document.entries) for document in documents] == [5, 10, 10, 10]
    found = [entry.id for document in documents for entry in document.entries]
    assert found == [f"urn:uuid:{story}" for story in reversed(ids)]
    assert all("fh_archive" in document.feed for document in documents[1:])
    assert "fh_archive" not in documents[0].feed


def test_closed_pages_outlive_what_their_stories_become(tmp_path: Path, store: SqliteStore) -> None:
    made, ids = grown(tmp_path, store, 24)
    before = (tmp_path / "public/feeds/all/1.atom").read_bytes()
    change_story(store, ids[0], "Rewritten long after", LATER)
    made.publish(None, LATER)
    (tmp_path / "public/feeds/all/1.atom").unlink()
    with store.begin() as transaction:
        transaction.set_value("publish.pages.all", None)
    Publisher(samples.settings(tmp_path, ALL), store).publish(None, LATER)
    assert (tmp_path / "public/feeds/all/1.atom").read_bytes() == before


def test_pages_that_a_crash_left_unwritten_are_written_at_the_next_start(tmp_path: Path, store: SqliteStore) -> None:
    grown(tmp_path, store, 24)
    for path in (tmp_path / "public/feeds/all").iterdir():
        path.unlink()
    again = tmp_path / "public/feeds/all/2.atom"
    with store.begin() as transaction:
        transaction.set_value("publish.pages.all", (store.value("publish.pages.all") or "").split(" ")[0] + " 1")
    Publisher(samples.settings(tmp_path, ALL), store).publish(None, LATER)
    assert again.exists()


def test_pages_that_a_crash_left_unwritten_are_remembered_when_another_is_closed(tmp_path: Path, store: SqliteStore) -> None:
    made, _ = grown(tmp_path, store, 24)
    lost = tmp_path / "public/feeds/all/1.atom"
    lost.unlink()
    with store.begin() as transaction:
        transaction.set_value("publish.pages.all", None)
    for number in range(25, 35):
        store_story(store, item(number))
    made.publish([Slug("all")], LATER)
    assert (tmp_path / "public/feeds/all/3.atom").exists() and not lost.exists()
    Publisher(samples.settings(tmp_path, ALL), store).publish(None, LATER)
    assert lost.exists()


def test_many_pages_closed_at_once_are_linked_both_ways(tmp_path: Path, store: SqliteStore) -> None:
    made, _ = grown(tmp_path, store, 13)
    for number in range(14, 44):
        store_story(store, item(number))
    made.publish([Slug("all")], LATER)
    documents = chain(tmp_path / "public")
    assert [len(document.entries) for document in documents] == [3, 10, 10, 10, 10]
    following = [[link.href[-6:] for link in document.feed.links if link.rel == "next-archive"] for document in documents]
    assert following == [[], [], ["4.atom"], ["3.atom"], ["2.atom"]]


def nobody(token: str) -> bool:
    """A request without any token."""
    return False


def asked(made: Publisher, path: str) -> Prepared:
    """What a request for a path without a token gets."""
    answer = made.shelf.on_demand(path, nobody)
    assert isinstance(answer, Prepared)
    return answer


def drop(store: SqliteStore, id: StoryId, now: float) -> None:
    """A person takes a story down."""
    with store.begin() as transaction:
        story = transaction.story(id)
        assert story is not None
        transaction.add_override(Override("drop", story.items[0].canonical or "", None, now))
        transaction.save_story(replace(story, dropped=True))


def make_private(store: SqliteStore, id: StoryId, now: float) -> None:
    """The story's source turns private."""
    with store.begin() as transaction:
        story = transaction.story(id)
        assert story is not None
        transaction.update_item(replace(story.items[0], private=True))
        transaction.save_story(story)
        private.save(transaction, private.WITHDRAWN_KEY, (id,))


def retell(store: SqliteStore, id: StoryId, now: float) -> None:
    """A headline that the story's entry tells is taken down."""
    change_story(store, id, "Nobody said this", now)
    with store.begin() as transaction:
        thread_listing.mark_retold(transaction, entries=[id], pages=[])


def test_caches_ask_for_closed_pages_as_often_as_for_the_feed(tmp_path: Path, store: SqliteStore) -> None:
    made, _ = grown(tmp_path, store, 24)
    first, last = asked(made, "/feeds/all/1.atom"), asked(made, "/feeds/all/2.atom")
    assert first.cache == last.cache == "public, max-age=300"
    assert first.body == (tmp_path / "public/feeds/all/1.atom").read_bytes()
    assert made.shelf.on_demand("/feeds/all/3.atom", nobody) is None


@pytest.mark.parametrize("withdraw", [drop, make_private, retell])
@pytest.mark.parametrize("path", ["/feeds/all/1.atom", "/topics/all/1.html"])
def test_who_asks_by_date_is_told_of_a_withdrawal(
    tmp_path: Path, store: SqliteStore, withdraw: Callable[[SqliteStore, StoryId, float], None], path: str
) -> None:
    made, ids = grown(tmp_path, store, 24)
    before = asked(made, path)
    withdraw(store, ids[0], LATER + 60)
    made.publish([], LATER + 60)
    after = asked(made, path)
    assert b"weigh step 1 " in before.body and b"weigh step 1 " not in after.body
    assert before.modified < LATER + 60 == after.modified


def test_a_clock_that_was_set_back_hides_no_withdrawal(tmp_path: Path, store: SqliteStore) -> None:
    made, ids = grown(tmp_path, store, 13)
    before = asked(made, "/feeds/all/1.atom")
    drop(store, ids[0], NOON)
    made.publish([], NOON)
    assert asked(made, "/feeds/all/1.atom").modified >= before.modified


def test_who_asks_by_date_is_told_of_the_next_page(tmp_path: Path, store: SqliteStore) -> None:
    made, _ = grown(tmp_path, store, 13)
    before = asked(made, "/feeds/all/1.atom")
    for number in range(14, 24):
        store_story(store, item(number))
    made.publish([Slug("all")], LATER + 60)
    after = asked(made, "/feeds/all/1.atom")
    assert b"next-archive" in after.body and before.modified < after.modified == LATER + 60


def test_what_is_taken_down_leaves_closed_pages(tmp_path: Path, store: SqliteStore) -> None:
    made, ids = grown(tmp_path, store, 24)
    drop(store, ids[0], LATER)
    made.publish([], LATER)
    page = feedparser.parse((tmp_path / "public/feeds/all/1.atom").read_bytes())
    assert len(page.entries) == 9
    assert f"urn:uuid:{ids[0]}" not in {entry.id for entry in page.entries}


def test_people_read_the_archive_from_page_to_page(tmp_path: Path) -> None:
    """From a feed's page to its oldest stories, as files and from the daemon, also when a story's texts have expired."""
    store = SqliteStore(tmp_path / "db")
    settings = samples.settings(tmp_path, replace(ALL, items=5), Output(Slug("desk"), "Desk", items=5, token="let-me-in"))
    open_outputs(store, settings, filling=False)
    stories = [store_story(store, item(number), slugs=("all", "desk")) for number in range(1, 40)]
    made = Publisher(settings, store)
    made.publish(None, LATER)
    public = tmp_path / "public"
    found, path = set[str](), "topics/all.html"
    seen = [path]
    while path:
        text = (public / path).read_text()
        found |= set(re.findall(r"stories/([0-9a-f-]{36})", text))
        link = re.search(r'<a href="([^"]*)">Older stories', text)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), link[1])) if link else ""
        seen.append(path)
    assert found == set(stories) and len(seen) > 3
    answer = made.shelf.on_demand("/topics/all/1.html", lambda token: False)
    assert isinstance(answer, Prepared) and pages.as_file(answer.body) == (public / "topics/all/1.html").read_bytes()
    for hidden in ("/topics/desk/1.html", "/topics/all/99.html", "/topics/none/1.html", "/topics/all/0.html"):
        assert made.shelf.on_demand(hidden, lambda token: True) is None
    assert not (tmp_path / "private/topics").exists()


def test_a_page_of_the_archive_tells_its_days(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    settings = samples.settings(tmp_path, ALL)
    open_outputs(store, settings, filling=False)
    for number in (*range(5), *(2000 + number for number in range(18))):
        store_story(store, item(number))
    Publisher(settings, store).publish(None, LATER + 86_400)
    told = [re.findall("Older stories, page [^<]*", (tmp_path / f"public/topics/all/{page}.html").read_text()) for page in (1, 2)]
    assert told == [["Older stories, page 1: 2023-06-15 to 2023-06-16"], ["Older stories, page 2: 2023-06-16"]]


def test_an_archive_page_outlives_its_stories_texts(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    settings = samples.settings(tmp_path, ALL)
    open_outputs(store, settings, filling=False)
    first = store_story(store, item(1, title="The <b>oldest</b> of all"))
    for number in range(2, 40):
        store_story(store, item(number))
    made = Publisher(settings, store)
    made.publish(None, LATER)
    before = made.shelf.on_demand("/topics/all/1.html", lambda token: False)
    with store.begin() as transaction:
        transaction.touch_items(SourceId("wire"), (), (), LATER)  # all have left their source's document
    assert store.sweep(Keep(0.0), LATER + MINUTE).stories
    after = made.shelf.on_demand("/topics/all/1.html", lambda token: False)
    assert isinstance(before, Prepared) and isinstance(after, Prepared)
    assert f"/stories/{first}.html".encode() in before.body and first.encode() not in after.body
    assert b"The \xe2\x80\xb9b\xe2\x80\xbaoldest" in after.body and b"https://wire.example/articles/1" in after.body


@pytest.mark.parametrize("items", [3, 120])
def test_every_story_is_on_the_way_from_the_feeds_page_to_its_oldest(tmp_path: Path, store: SqliteStore, items: int) -> None:
    """Also those between the last entry of the page and the newest page of the archive."""
    settings = samples.settings(tmp_path, Output(Slug("all"), "All", items=items))
    open_outputs(store, settings)
    made = Publisher(settings, store)
    stories = []
    for number in range(1, 2 * items + 60):
        stories.append(store_story(store, item(number)))
        if number % 20 == 0:
            made.publish([Slug("all")], NOON + number * MINUTE)
    made.publish(None, LATER)
    address, found = "topics/all.html", ""
    while address:
        page = (tmp_path / "public" / address).read_text()
        found += page
        older = re.search(r'href="([^"]+)">Older stories<', page)
        address = posixpath.normpath(posixpath.join(posixpath.dirname(address), older[1])) if older else ""
    assert 'href="1.html"' in found, "the oldest page of the archive is reached"
    assert [story for story in stories if f"/stories/{story}.html" not in found] == []
