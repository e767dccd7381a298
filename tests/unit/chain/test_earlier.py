"""What entries show of their thread: the earlier stories, as it stood when they were published."""

from __future__ import annotations

from typing import Any

from aggregator.model import Link, Slug, StoryId, ThreadId
from aggregator.ports import ThreadStory
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.stories.earlier import choose, strengths
from aggregator.stories.restoring.published_entries import read_published
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

ONE, TWO, DESK = (f"https://{name}.example/feed.json" for name in ("one", "two", "desk"))
CONFIG = f"""
site: {{url: "https://news.example"}}
publish: {{items: 5, backfill: 24h, settle: 10m}}
sources:
  - {{id: one, url: "{ONE}"}}
  - {{id: two, url: "{TWO}"}}
outputs:
  - {{slug: team, access: {{token: let-me-in-please}}, query: "lang:en"}}
"""
BOAT = entry("Boat sinks off Pylos with hundreds aboard", at=START - 5 * HOUR, url="https://one.example/boat")
SEARCH = entry("Search at sea goes on through the night", at=START - 4 * HOUR, url="https://one.example/search")
TOLL = entry("Toll of the shipwreck rises to seventy-nine", at=START - 3 * HOUR, url="https://one.example/toll")
TRIAL = entry('Nine <men> & a "captain" face a judge in Kalamata', at=START - 2 * HOUR, url="https://one.example/trial")


def named(newsroom: Newsroom, row: dict[str, Any]) -> StoryId:
    found = newsroom.store.story_of(row["url"])
    assert found is not None
    return found


def link(newsroom: Newsroom, *rows: dict[str, Any], likeness: float = 0.5) -> ThreadId:
    """Puts these stories into one thread, the last one linked to all others, as grouping does before it is published."""
    stories = [named(newsroom, row) for row in rows]
    with newsroom.store.begin() as transaction:
        known = transaction.threads_of(stories)
        thread = next(iter(known.values())) if known else transaction.begin_thread(stories[0])
        transaction.enter_thread(thread, stories, b"about")
        transaction.save_links([Link(stories[-1], other, likeness, START) for other in stories[:-1]])
        changed = transaction.sum_up_threads([thread])
        newsroom.curator().refresh(transaction, changed)
    return thread


def ripen(newsroom: Newsroom) -> None:
    """Lets the time pass in which stories wait for a better lead, and publishes."""
    newsroom.clock.time += HOUR
    with newsroom.store.begin() as transaction:
        newsroom.curator().refresh(transaction, [story.id for story in newsroom.stories()])
    newsroom.publisher.publish(None, newsroom.clock.now())


def tell(newsroom: Newsroom, *rows: dict[str, Any]) -> None:
    """Publishes stories one after another, the first two and the last of which are linked."""
    newsroom.configure(CONFIG)
    newsroom.serves(TWO)
    newsroom.serves(ONE, *rows[:2])
    newsroom.poll()
    ripen(newsroom)
    for place in range(2, len(rows)):
        newsroom.serves(ONE, *rows[: place + 1])
        newsroom.poll()
        link(newsroom, *rows[: place + 1])
        ripen(newsroom)


def shown(newsroom: Newsroom, row: dict[str, Any], slug: str = "all") -> dict[str, Any]:
    return next(one for one in newsroom.feed(slug) if one["url"] == row["url"])


def thread_of(newsroom: Newsroom, row: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = shown(newsroom, row)["_aggregator"].get("thread")
    return found


def test_an_entry_names_what_it_follows(newsroom: Newsroom) -> None:
    tell(newsroom, BOAT, SEARCH, TOLL)
    pages = [f"https://news.example/stories/{named(newsroom, row)}.html" for row in (SEARCH, BOAT)]
    story = newsroom.store.stories([named(newsroom, TOLL)])[0]
    assert story.thread is not None
    assert thread_of(newsroom, TOLL) == {
        "id": story.thread.id,
        "title": BOAT["title"],
        "url": f"https://news.example/threads/{story.thread.id}.html",
        "stories": 3,
        "outlets": 1,
        "first": f"urn:uuid:{named(newsroom, BOAT)}",
        "earlier": [
            {"id": f"urn:uuid:{named(newsroom, row)}", "title": row["title"], "url": page}
            for row, page in zip((SEARCH, BOAT), pages, strict=True)
        ],
    }
    links = "".join(f'<li><a href="{page}">{row["title"]}</a></li>' for row, page in zip((SEARCH, BOAT), pages, strict=True))
    assert f"<p>Earlier:</p><ul>{links}</ul>" in shown(newsroom, TOLL)["content_html"]
    folder = newsroom.settings.publish.directory / "feeds"
    for name in ("link", "atom:link"):
        document = (folder / ("all.atom" if name == "link" else "all.rss")).read_text()
        assert all(f'<{name} rel="related" type="text/html" href="{page}"' in document for page in pages)
    assert thread_of(newsroom, BOAT) is None, "it was published before there was a thread"


def test_a_published_entry_stays_while_its_thread_grows(newsroom: Newsroom) -> None:
    tell(newsroom, BOAT, SEARCH, TOLL)
    before = shown(newsroom, TOLL)
    link(newsroom, BOAT, SEARCH, TOLL)
    newsroom.serves(ONE, BOAT, SEARCH, TOLL, TRIAL)
    newsroom.poll()
    link(newsroom, SEARCH, TOLL, TRIAL)
    ripen(newsroom)
    assert shown(newsroom, TOLL) == before
    newsroom.publisher = type(newsroom.publisher)(newsroom.settings, newsroom.store)
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert shown(newsroom, TOLL) == before, "nor after a restart"
    follows = thread_of(newsroom, TRIAL)
    assert follows is not None
    assert [one["title"] for one in follows["earlier"]] == [TOLL["title"], SEARCH["title"], BOAT["title"]]
    assert follows["stories"] == 4


def test_a_headline_that_an_outlet_edits_stays_as_it_was_and_a_persons_correction_reaches_it(newsroom: Newsroom) -> None:
    tell(newsroom, BOAT, SEARCH, TOLL)
    newsroom.serves(ONE, BOAT | {"title": "Ship sinks off Pylos"}, SEARCH, TOLL)
    newsroom.poll()
    follows = thread_of(newsroom, TOLL)
    assert follows is not None and follows["earlier"][1]["title"] == BOAT["title"]
    updated = shown(newsroom, TOLL)["date_modified"]
    StoryEditor(newsroom.store, newsroom.settings, newsroom.rules).title(BOAT["url"], "Boat with migrants sinks")
    newsroom.publisher.publish(None, newsroom.clock.now())
    follows = thread_of(newsroom, TOLL)
    assert follows is not None and follows["earlier"][1]["title"] == "Boat with migrants sinks"
    assert shown(newsroom, TOLL)["date_modified"] == updated


def test_a_story_that_is_taken_down_leaves_what_others_show(newsroom: Newsroom) -> None:
    tell(newsroom, BOAT, SEARCH, TOLL)
    updated = shown(newsroom, TOLL)["date_modified"]
    StoryEditor(newsroom.store, newsroom.settings, newsroom.rules).drop(BOAT["url"])
    newsroom.publisher.publish([Slug("all")], newsroom.clock.now())
    assert shown(newsroom, TOLL)["date_modified"] == updated
    left = [path for path in newsroom.settings.publish.directory.rglob("*.*") if BOAT["title"] in path.read_text()]
    assert left == []
    follows = thread_of(newsroom, TOLL)
    assert follows is not None and [one["title"] for one in follows["earlier"]] == [SEARCH["title"]]


def test_hostile_headlines_are_text(newsroom: Newsroom) -> None:
    tell(newsroom, TRIAL | {"date_published": BOAT["date_published"]}, SEARCH, TOLL)
    document = (newsroom.settings.publish.directory / "feeds" / "all.atom").read_bytes()
    assert b"<men>" not in document
    assert "Nine ‹men› &amp; a &quot;captain&quot; face" in shown(newsroom, TOLL)["content_html"]


def test_a_private_feed_links_to_articles_since_it_names_no_pages(newsroom: Newsroom) -> None:
    tell(newsroom, BOAT, SEARCH, TOLL)
    document = (newsroom.settings.publish.private / "feeds" / "team.json").read_text()
    assert "news.example/stories" not in document and "news.example/threads" not in document
    assert '<li><a href=\\"https://one.example/search\\">Search at sea' in document
    atom = (newsroom.settings.publish.private / "feeds" / "team.atom").read_text()
    assert 'rel="related"' not in atom, "an article of another story would be taken for a report of this one"


def test_what_entries_follow_is_no_address_of_theirs_after_a_restore(newsroom: Newsroom) -> None:
    tell(newsroom, BOAT, SEARCH, TOLL)
    for path in newsroom.settings.publish.directory.glob("feeds/*.json"):
        path.unlink()
    known = [row for row in read_published(newsroom.settings).entries if row.story == named(newsroom, TOLL)]
    assert [row.canonical for row in known] == ["one.example/toll"]


def test_a_headline_that_is_taken_down_leaves_closed_archive_pages(newsroom: Newsroom) -> None:
    tell(newsroom, BOAT, SEARCH, TOLL)
    others = [entry(f"Harbour report number {n}", url=f"https://one.example/{n}", at=START) for n in range(30)]
    newsroom.serves(ONE, BOAT, SEARCH, TOLL, *others)
    newsroom.poll()
    ripen(newsroom)
    closed = [path for path in newsroom.settings.publish.directory.glob("feeds/all/*.json") if TOLL["title"] in path.read_text()]
    assert closed and BOAT["title"] in closed[0].read_text()
    StoryEditor(newsroom.store, newsroom.settings, newsroom.rules).drop(BOAT["url"])
    newsroom.publisher.publish([Slug("all")], newsroom.clock.now())
    text = closed[0].read_text()
    assert TOLL["title"] in text and BOAT["title"] not in text
    assert not newsroom.store.values("publish.retold.")


def test_a_source_that_turns_private_leaves_what_others_show(newsroom: Newsroom) -> None:
    tell(newsroom, BOAT, SEARCH, TOLL)
    newsroom.serves(TWO, TRIAL)
    newsroom.poll()
    link(newsroom, BOAT, SEARCH, TOLL, TRIAL)
    ripen(newsroom)
    follows = thread_of(newsroom, TRIAL)
    assert follows is not None and len(follows["earlier"]) == 3
    newsroom.configure(CONFIG.replace(f'{{id: one, url: "{ONE}"}}', f'{{id: one, url: "{ONE}", private: true}}'))
    newsroom.publisher.publish(None, newsroom.clock.now())
    titles = [row["title"] for row in (BOAT, SEARCH, TOLL)]
    told = [path for path in newsroom.settings.publish.directory.rglob("*.*") if any(t in path.read_text() for t in titles)]
    assert told == []
    assert [row["title"] for row in newsroom.feed()] == ['Nine ‹men› & a "captain" face a judge in Kalamata']


def told(name: str, at: float, outlets: int) -> ThreadStory:
    """A story of a thread, told by so many outlets."""
    keys = tuple((f"{number}.example", str(number)) for number in range(outlets))
    return ThreadStory(StoryId(name), at, at, 1, name, None, name, "en", keys, False, at)


def test_of_the_stories_linked_most_strongly_those_of_most_outlets_are_shown() -> None:
    linked = [told(f"linked-{place}", place, outlets) for place, outlets in enumerate((1, 9, 1, 5, 1, 1, 1, 2, 8))]
    likeness = {one.story: 0.9 - place / 10 for place, one in enumerate(linked)}
    wide, newer = told("not-linked", 20.0, 30), told("newer", 30.0, 30)
    chosen = [one.story for one in choose([*linked, wide], likeness)]
    assert chosen == ["linked-7", "linked-3", "linked-1"], "the ninth is too weak"
    assert [one.story for one in choose([*linked[:1], wide, newer], likeness)] == ["newer", "not-linked", "linked-0"]
    assert choose([], likeness) == []


def test_a_link_that_was_found_from_both_sides_counts_as_the_stronger(newsroom: Newsroom) -> None:
    tell(newsroom, BOAT, SEARCH, TOLL)
    boat, search, toll = (named(newsroom, row) for row in (BOAT, SEARCH, TOLL))
    with newsroom.store.begin() as transaction:
        transaction.save_links([Link(search, toll, 0.9, START), Link(toll, search, 0.3, START), Link(toll, boat, 0.5, START)])
        assert strengths(transaction, toll) == {search: 0.9, boat: 0.5}
