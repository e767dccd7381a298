"""Feeds by weight from config to document: whose age counts how, and what an edit of their order does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from aggregator.commands.application import Application
from aggregator.commands.why import explain_story
from aggregator.model import Slug, StoryId
from aggregator.publish.selection import ranking
from aggregator.stories.upkeep import rolling
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry
from tests.unit.publish.samples import rank

ONE, TWO = "https://one.example/feed", "https://two.example/feed"
CONFIG = """
site: {{url: "https://news.example.org"}}
publish: {{websub: false, items: 4}}
sources:
  - {{id: one, url: "https://one.example/feed"}}
  - {{id: two, url: "https://two.example/feed"}}
outputs: [{}]
"""
BY_WEIGHT = CONFIG.format('{slug: top, title: Top, query: "age<1d", sort: weight, items: 4}')
FERRY, BRIDGE, TRAM = "Ferry line closed by storm", "Bridge over the sound opens", "Tram strike ends after nine days"
STORM = {"text": "Waves of six metres kept all boats in port, and the islands wait for milk and mail."}
OTHERS = (
    "School roof mended before winter",
    "Lighthouse gets its first keeper",
    "Opera names a new conductor",
    "Bees return to the old airfield",
    "Parliament votes on dog licences",
    "Chess champion loses to a pupil",
    "Museum finds a lost Rembrandt",
    "Heat closes two reactors",
    "Baker wins the lottery twice",
    "Glacier lake drains overnight",
    "Radio plays go on line",
    "Swimmer crosses the strait by night",
    "Potters reopen the kiln",
    "Snow ploughs sold at auction",
    "Choir sings for the whales",
    "Old mill grinds again",
    "Pigeons race to the coast",
    "Canal freezes in one night",
    "Sculptor melts her statue",
    "Librarians count lost umbrellas",
)


def roll(newsroom: Newsroom) -> frozenset[Slug]:
    now = newsroom.clock.now()
    changed = rolling.roll(newsroom.store, newsroom.settings, lambda: newsroom.rules, now)
    newsroom.publisher.publish(changed | rank(newsroom.publisher, now), now)
    return changed


def ids(newsroom: Newsroom, titles: Sequence[str]) -> list[StoryId]:
    by_title = {story.title: story.id for story in newsroom.stories()}
    return [by_title[title] for title in titles]


def follow(newsroom: Newsroom, *titles: str) -> None:
    """Makes a thread of these stories, and looks at them again."""
    stories = ids(newsroom, titles)
    with newsroom.store.begin() as transaction:
        thread = transaction.begin_thread(stories[0])
        transaction.enter_thread(thread, stories, b"")
        changed = transaction.sum_up_threads([thread])
        newsroom.curator().refresh(transaction, sorted(changed))


def poll_over_two_days(newsroom: Newsroom, config: str) -> None:
    """Polls the ferry's story on the first day, and two others on the second."""
    newsroom.clock.time = START - 30 * HOUR
    newsroom.configure(config)
    newsroom.serves(ONE, entry(FERRY, at=START - 30 * HOUR))
    newsroom.serves(TWO)
    newsroom.poll()
    newsroom.clock.time = START
    newsroom.serves(ONE, entry(FERRY, at=START - 30 * HOUR), entry(BRIDGE, at=START - 3 * HOUR + 60))
    newsroom.serves(TWO, entry(TRAM, at=START - 2 * HOUR, url="https://two.example/tram"))
    newsroom.poll()


def test_a_story_stays_while_it_is_reported(newsroom: Newsroom) -> None:
    newsroom.configure(BY_WEIGHT)
    newsroom.serves(ONE, entry(FERRY, at=START - 23 * HOUR, **STORM), entry(BRIDGE, at=START - 23 * HOUR))
    newsroom.serves(TWO, entry(FERRY, at=START - 2 * HOUR, url="https://two.example/ferry", **STORM))
    newsroom.poll()
    assert newsroom.titles("top") == [FERRY, BRIDGE]
    newsroom.clock.time += 2 * HOUR
    assert roll(newsroom) == {"top"}
    assert newsroom.titles("top") == [FERRY], "its newest report is four hours old"
    newsroom.clock.time += 21 * HOUR
    assert roll(newsroom) == {"top"}
    assert newsroom.titles("top") == []


def test_what_began_the_evening_before_comes_back_with_its_thread(newsroom: Newsroom) -> None:
    poll_over_two_days(newsroom, BY_WEIGHT)
    roll(newsroom)
    assert not newsroom.is_member(FERRY, "top")
    follow(newsroom, FERRY, BRIDGE, TRAM)
    assert newsroom.is_member(FERRY, "top")
    assert roll(newsroom) == frozenset(), "its thread is told still"
    newsroom.clock.time += 22 * HOUR
    assert roll(newsroom) == {"top"}
    assert not newsroom.is_member(FERRY, "top") and not newsroom.is_member(BRIDGE, "top")


def test_an_age_from_which_on_stories_are_shown(newsroom: Newsroom) -> None:
    poll_over_two_days(newsroom, BY_WEIGHT.replace("age<1d", "age>3h"))
    roll(newsroom)
    assert newsroom.titles("top") == [FERRY]
    follow(newsroom, FERRY, BRIDGE, TRAM)
    assert roll(newsroom) == frozenset()
    assert newsroom.titles("top") == []
    newsroom.clock.time += HOUR + 60
    assert roll(newsroom) == {"top"}
    assert sorted(newsroom.titles("top")) == sorted([FERRY, BRIDGE, TRAM])


def poll_a_story_over_two_days(newsroom: Newsroom, config: str) -> None:
    """Polls the ferry's story thirty hours ago, and its second report of two hours ago."""
    newsroom.clock.time = START - 30 * HOUR
    newsroom.configure(config)
    newsroom.serves(ONE, entry(FERRY, at=START - 30 * HOUR, **STORM))
    newsroom.serves(TWO)
    newsroom.poll()
    newsroom.clock.time = START
    newsroom.serves(TWO, entry(FERRY, at=START - 2 * HOUR, url="https://two.example/ferry", **STORM))
    newsroom.poll()
    roll(newsroom)
    assert len(newsroom.stories()) == 1


def test_an_age_from_which_on_counts_from_the_last_report(newsroom: Newsroom) -> None:
    poll_a_story_over_two_days(newsroom, BY_WEIGHT.replace("age<1d", "age>3h"))
    assert newsroom.titles("top") == []
    newsroom.clock.time += HOUR + 60
    assert roll(newsroom) == {"top"}
    assert newsroom.titles("top") == [FERRY]


def test_an_age_means_something_else_once_a_feed_is_by_weight(newsroom: Newsroom) -> None:
    poll_a_story_over_two_days(newsroom, BY_WEIGHT.replace("sort: weight", "sort: newest"))
    assert newsroom.titles("top") == []
    newsroom.configure(BY_WEIGHT)
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles("top") == [FERRY]


def test_a_new_feed_by_weight_chooses_among_all_that_match(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG.format(""))
    rest = [entry(title, at=START - number * HOUR / 4) for number, title in enumerate(OTHERS)]
    newsroom.serves(ONE, entry(FERRY, at=START - 9 * HOUR, **STORM), *rest)
    newsroom.serves(TWO, entry(FERRY, at=START - 8 * HOUR, url="https://two.example/ferry", **STORM))
    newsroom.poll()
    newsroom.configure(BY_WEIGHT)
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles("top") == [FERRY, *OTHERS[:3]]


def test_an_edited_feed_takes_in_what_is_older_than_all_it_shows(newsroom: Newsroom) -> None:
    config = CONFIG.format('{slug: top, query: "age<3d -ferry", sort: outlets, items: 2}')
    newsroom.configure(config)
    newsroom.serves(ONE, entry(FERRY, at=START - 9 * HOUR, **STORM), entry(BRIDGE, at=START - HOUR))
    newsroom.serves(TWO, entry(FERRY, at=START - 8 * HOUR, url="https://two.example/ferry", **STORM))
    newsroom.poll()
    newsroom.clock.time += 26 * HOUR  # the feed is no longer young
    newsroom.serves(ONE, entry(TRAM, at=newsroom.clock.time - HOUR))
    newsroom.poll()
    roll(newsroom)
    assert newsroom.titles("top") == [TRAM, BRIDGE]
    newsroom.configure(config.replace(" -ferry", ""))
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles("top") == [FERRY, TRAM]


def test_why_says_where_a_story_stands(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG.format("{slug: top, sort: outlets, items: 2}, {slug: front, sort: weight, items: 1}"))
    newsroom.serves(ONE, *(entry(title, at=START - number * HOUR) for number, title in enumerate(OTHERS[:3], 1)))
    newsroom.serves(TWO)
    newsroom.poll()
    told = {}
    for story in newsroom.stories():
        feeds = explain_story(cast(Application, newsroom), story)["feeds"]
        told[story.title] = {feed["feed"]: feed["reason"] for feed in feeds}
    assert [told[title]["top"] for title in OTHERS[:3]] == [
        "every story; place 1 of 2",
        "every story; place 2 of 2",
        "every story; not among the first 2",
    ]
    assert told[OTHERS[0]]["front"] == "every story; place 1 of 1, weight 0.0"
    page = (newsroom.settings.publish.directory / "topics/top.html").read_text()
    assert page.index(OTHERS[0]) < page.index(OTHERS[1])


def test_an_edit_of_the_order_changes_no_id_or_date_and_fills_no_archive(newsroom: Newsroom) -> None:
    plain = BY_WEIGHT.replace("sort: weight", "sort: newest")
    newsroom.configure(plain)
    newsroom.serves(ONE, *(entry(title, at=START - (20 - number) * HOUR / 4) for number, title in enumerate(OTHERS[:4])))
    newsroom.serves(TWO)
    newsroom.poll()
    before = {row["id"]: (row["date_published"], row["date_modified"]) for row in newsroom.feed("top")}
    newsroom.configure(BY_WEIGHT)
    newsroom.serves(ONE, *(entry(title, at=START - number * HOUR / 8) for number, title in enumerate(OTHERS)))
    newsroom.poll()
    assert len(newsroom.store.members(Slug("top"))) == len(OTHERS)
    newsroom.configure(plain)
    newsroom.publisher.publish(None, newsroom.clock.now())
    newest = sorted(newsroom.stories(), key=lambda story: -story.published)[:4]
    assert newsroom.titles("top") == [story.title for story in newest]
    assert newsroom.store.pages(Slug("top")) == []
    assert newsroom.store.value(ranking.KEY + "top") is None
    after = {row["id"]: (row["date_published"], row["date_modified"]) for row in newsroom.feed("top")}
    assert {id: dates for id, dates in after.items() if id in before} == {id: before[id] for id in before.keys() & after.keys()}
