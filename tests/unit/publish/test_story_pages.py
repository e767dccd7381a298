"""The pages of stories as files: what is linked to is there, is true while feeds show it, and goes when it must."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model import Item, Picture, Slug, Source, SourceId, StoryId
from aggregator.publish.pages.pages import as_file
from aggregator.publish.publisher import Publisher
from aggregator.publish.selection import private
from aggregator.settings import Output, Settings, Site
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import DAILY, MINUTE, NOON, change_story, item, open_outputs, store_story

LATER = NOON + 3600.0
ALL = Output(Slug("all"), "All", items=5)
DESK = Output(Slug("desk"), "Desk", token="let-me-in")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def site(folder: Path, store: SqliteStore, *outputs: Output, filling: bool = False, **changes: object) -> Settings:
    settings = samples.settings(folder, *(outputs or (ALL, DESK)), **changes)
    open_outputs(store, settings, filling=filling)
    return settings


def pages(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "public/stories").glob("*")}


def page(folder: Path, story: StoryId) -> Path:
    return folder / f"public/stories/{story}.html"


def test_a_page_follows_its_story_and_is_what_the_daemon_answers(tmp_path: Path, store: SqliteStore) -> None:
    made = Publisher(site(tmp_path, store), store)
    story, other = store_story(store, item(1), item(2, DAILY)), store_story(store, item(3))
    made.publish(None, LATER)
    assert pages(tmp_path) == {story, other}
    untouched = page(tmp_path, other).stat().st_ino
    change_story(store, story, "A better headline", LATER)
    made.publish([Slug("all")], LATER + MINUTE)
    body = page(tmp_path, story).read_bytes()
    assert b"A better headline" in body and b"The Daily" in body
    assert page(tmp_path, other).stat().st_ino == untouched
    answer = made.shelf.on_demand(f"/stories/{story}.html", lambda token: False)
    listed = re.compile(rb'<a href="\.\./(?:outlets|tags)/[^"]*">([^<]*)</a>')
    assert listed.sub(rb"\1", as_file(answer.body)) == body != as_file(answer.body)  # type: ignore[union-attr]


def test_archived_stories_keep_their_pages(tmp_path: Path, store: SqliteStore) -> None:
    made = Publisher(site(tmp_path, store), store)
    stories = {store_story(store, item(number)) for number in range(1, 40)}
    made.publish(None, LATER)
    assert (tmp_path / "public/feeds/all/1.atom").exists() and pages(tmp_path) == stories
    for path in (tmp_path / "public/stories").iterdir():
        path.unlink()
    Publisher(site(tmp_path, store), store).publish(None, LATER)
    assert pages(tmp_path) == stories, "what was lost is made again"


def test_stories_without_a_public_feed_have_no_page(tmp_path: Path, store: SqliteStore) -> None:
    made = Publisher(site(tmp_path, store), store)
    secret, shown = store_story(store, item(1), slugs=("desk",)), store_story(store, item(2), slugs=("all", "desk"))
    made.publish(None, LATER)
    assert pages(tmp_path) == {shown} and secret not in page(tmp_path, shown).read_text()
    assert "desk" not in page(tmp_path, shown).read_text().lower()
    with store.begin() as transaction:
        transaction.leave(Slug("all"), [shown])
    made.publish([Slug("all")], LATER + MINUTE)
    assert pages(tmp_path) == set()


def test_what_turned_private_leaves_the_pages_of_archived_stories(tmp_path: Path, store: SqliteStore) -> None:
    """Such a page is otherwise not written again."""
    made = Publisher(site(tmp_path, store), store)
    stories = [store_story(store, item(number)) for number in range(1, 40)]
    made.publish(None, LATER)
    change_story(store, stories[0], "As the public reports have it", LATER)
    with store.begin() as transaction:
        private.save(transaction, private.WITHDRAWN_KEY, [stories[0]])
    made.publish([], LATER + MINUTE)
    assert b"As the public reports have it" in page(tmp_path, stories[0]).read_bytes()


def test_a_merged_story_leads_to_the_one_that_stays(tmp_path: Path, store: SqliteStore) -> None:
    made = Publisher(site(tmp_path, store), store)
    kept, gone = store_story(store, item(1)), store_story(store, item(2))
    made.publish(None, LATER)
    with store.begin() as transaction:
        transaction.merge_stories(kept, gone, LATER)
    made.publish([Slug("all")], LATER + MINUTE)
    for _ in range(2):
        assert f'href="{kept}.html"' in page(tmp_path, gone).read_text()
        assert f"url={kept}.html" in page(tmp_path, gone).read_text()
        Publisher(site(tmp_path, store), store).publish(None, LATER)
    with store.begin() as transaction:
        transaction.leave(Slug("all"), [kept])
    Publisher(site(tmp_path, store), store).publish(None, LATER)
    assert pages(tmp_path) == set()


def test_while_a_feed_fills_only_what_it_shows_has_pages(tmp_path: Path, store: SqliteStore) -> None:
    settings = site(tmp_path, store, ALL, filling=True)
    stories = [store_story(store, item(number)) for number in range(1, 40)]
    made = Publisher(settings, store)
    made.publish(None, LATER)
    assert pages(tmp_path) == set(stories[-5:])
    made.publish([Slug("all")], LATER + MINUTE)
    assert pages(tmp_path) == set(stories[-5:])


def test_an_edit_of_the_site_reaches_every_page(tmp_path: Path, store: SqliteStore) -> None:
    stories = [store_story(store, item(number)) for number in range(1, 40)]
    Publisher(site(tmp_path, store), store).publish(None, LATER)
    renamed = site(tmp_path, store, ALL, site=Site(title="Another name", url="https://me.example/news"))
    Publisher(renamed, store).publish(None, LATER)
    for story in stories:
        text = page(tmp_path, story).read_text()
        assert "Another name" in text and f"https://me.example/news/stories/{story}.html" in text
    retitled = replace(renamed, outputs=(replace(ALL, title="The lot"),))
    Publisher(retitled, store).publish(None, LATER)
    assert all("The lot" in page(tmp_path, story).read_text() for story in stories)


def test_what_others_lay_among_the_pages_stays(tmp_path: Path, store: SqliteStore) -> None:
    store_story(store, item(1))
    Publisher(site(tmp_path, store), store).publish(None, LATER)
    (tmp_path / "public/stories/about.html").write_text("mine")
    (tmp_path / "public/stories/11111111-2222-3333-4444-555555555555.html").write_text("as ours are named")
    Publisher(site(tmp_path, store), store).publish(None, LATER)
    assert (tmp_path / "public/stories/about.html").read_text() == "mine"
    assert len(pages(tmp_path)) == 2


def test_sound_plays_on_its_page_and_is_fetched_only_then(tmp_path: Path, store: SqliteStore) -> None:
    """A page without sound may load none: its own policy has no source for it."""
    made = Publisher(site(tmp_path, store), store)
    heard, read = store_story(store, samples.podcast(1)), store_story(store, item(2))
    told = '<p>Listen: <audio src="https://wire.example/a.mp3" controls=""></audio></p>'
    within = store_story(store, item(3, summary=told, content=told))
    made.publish(None, LATER)
    text = {story: page(tmp_path, story).read_text() for story in (heard, read, within)}
    assert '<audio controls preload="none" src="' in text[heard] and '<audio preload="none" src=' in text[within]
    assert ["media-src" in text[story] for story in (heard, read, within)] == [True, False, True]
    assert not re.search("<audio(?![^>]*preload=.none)", "".join(text.values()))


def read(folder: Path, store: SqliteStore, *items: Item, **changes: object) -> str:
    """The page of a story of these items, the first of which leads."""
    story = store_story(store, *items)
    Publisher(site(folder, store, **changes), store).publish(None, LATER)
    return page(folder, story).read_text()


def at(minute: int, source: Source = samples.WIRE, **changes: object) -> Item:
    return item(minute, source, **changes)


def test_one_address_is_listed_once_and_counted_once(tmp_path: Path, store: SqliteStore) -> None:
    """An outlet's feeds of two sections carry one article, and so does an aggregator."""
    section = Source(SourceId("section"), "https://wire.example/section.xml", title="Wire")
    fold = Source(SourceId("fold"), "https://fold.example/top.xml", title="Fold", aggregator=True)
    url = "https://wire.example/articles/1?lang=en&page=1"
    same: dict[str, object] = {"url": url, "canonical": "wire.example/articles/1", "outlet": "Wire", "outlet_key": "wire.example"}
    passed_on: dict[str, object] = {"title": "Passed on", "aggregator": True, "second_hand": True, **same}
    text = read(tmp_path, store, at(1), at(3, section, title="Once more", **same), at(0, fold, **passed_on), at(5, DAILY))
    assert "<h2>2 reports, 2 outlets</h2>" in text
    assert "Once more" not in text and "Passed on" not in text
    beside = read(tmp_path, store, at(15, DAILY), at(13, fold, **passed_on), at(14, section, title="Once more", **same))
    assert "<h2>2 reports, 2 outlets</h2>" in beside and "Once more" in beside and "Passed on" not in beside
    later = read(tmp_path, store, at(9, title="The lead", **same), at(8, section, title="A minute before", **same), at(7, DAILY))
    assert "<h2>2 reports, 2 outlets</h2>" in later and "A minute before" not in later, "its time is the one below the headline"


def test_the_page_names_the_other_outlets_once(tmp_path: Path, store: SqliteStore) -> None:
    text = read(tmp_path, store, at(1), at(2, DAILY))
    assert "<h2>2 reports, 2 outlets</h2>" in text and "Also reported by" not in text
    assert "Also reported by" in (tmp_path / "public/feeds/all.atom").read_text(), "readers of the feed are told"


def test_a_time_is_that_of_the_outlet_beside_it(tmp_path: Path, store: SqliteStore) -> None:
    text = read(tmp_path, store, at(90), at(2, DAILY))
    topic = (tmp_path / "public/topics/all.html").read_text()
    byline = re.compile(r'<p class="by"><span>Wire</span> (.*?)</p>')
    for shown in (text, topic):
        found = byline.search(shown)
        assert found is not None
        said = re.sub("<[^>]*>", "", found[1])
        assert said.startswith("2023-06-15 13:30 UTC first reported 12:02 by The Daily"), said
    day_before = read(tmp_path, store, at(91), at(4, DAILY, published=NOON - 900 * MINUTE))
    assert "first reported <time" in day_before and "2023-06-14 21:00 UTC</time> by The Daily" in day_before


def test_who_was_first_is_not_told_of_a_lead_that_was(tmp_path: Path, store: SqliteStore) -> None:
    assert "first reported" not in read(tmp_path, store, at(1), at(2, DAILY))
    unattributed = at(4, DAILY, unattributed=True)
    assert "first reported" not in read(tmp_path, store, at(5), unattributed), "an aggregator that says not whose it is"


def metas(text: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in re.findall('<meta (?:name|property)="([^"]*)" content="([^"]*)"', text)}


def test_a_shared_page_has_a_preview(tmp_path: Path, store: SqliteStore) -> None:
    picture = {"image": Picture("https://cdn.example/i.jpg", 800, 450)}
    found = metas(read(tmp_path, store, at(1, title='Say "no" & go', **picture)))
    assert found["description"] == found["og:description"] == "Ministers talked about step 1."
    assert (found["og:title"], found["og:type"], found["og:site_name"]) == ('Say "no" & go', "article", "Test news")
    assert re.fullmatch("https://news.example.org/stories/[0-9a-f-]{36}.html", found["og:url"])
    assert (found["article:published_time"], found["og:image"]) == ("2023-06-15T12:01:00Z", "https://cdn.example/i.jpg")
    plain = metas(read(tmp_path, store, at(2, **picture), publish=replace(samples.settings(tmp_path).publish, images="off")))
    assert "og:image" not in plain and "og:title" in plain, "where pages show no pictures"


def test_the_language_of_a_headline_is_not_that_of_the_words_around_it(tmp_path: Path, store: SqliteStore) -> None:
    """A screen reader would read dates and "2 outlets" in it."""
    store_story(store, at(1, language="de"))
    store_story(store, at(2, language="de"), at(3, DAILY, language="de"))
    made = Publisher(site(tmp_path, store, replace(ALL, items=1)), store)
    made.publish(None, LATER)
    for path in (tmp_path / "public").rglob("*.html"):
        for tag in re.findall(r'<[^>]* lang="de"[^>]*>', path.read_text()):
            assert re.match(r"<(?:h1|h2|a|div|p dir=)", tag), (path, tag)


def test_a_feed_of_everything_has_one_name_on_all_pages(tmp_path: Path, store: SqliteStore) -> None:
    text = read(tmp_path, store, at(1), site=Site(title="All", url="https://me.example"))
    assert '<a href="../topics/all.html">Everything</a>' in text
    for path, tag in (
        ("topics/all.html", "<title>Everything – All</title>"),
        ("feeds/all.html", "<title>Subscribe to Everything – All"),
    ):
        assert tag in (tmp_path / "public" / path).read_text()
    assert 'topics/all.html">Everything</a>' in (tmp_path / "public/index.html").read_text()
