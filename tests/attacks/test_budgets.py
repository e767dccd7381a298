"""One source that floods: new guids, links, titles or texts at each poll. Feeds, archive and database stay in bounds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from aggregator.cli import root
from aggregator.errors import UsageError
from aggregator.model import Slug, SourceId
from aggregator.run.monitoring import health
from aggregator.store.sqlite import SqliteStore
from aggregator.stories import budget
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

PAPER, FLOOD, NEW = (f"https://{name}.example/feed.json" for name in ("paper", "flood", "new"))
BUDGET, ITEMS = 30, 20
CONFIG = f"""
site: {{url: "https://news.example"}}
publish: {{items: {ITEMS}, content: full}}
sources:
  - {{id: paper, url: "{PAPER}"}}
  - {{id: flood, url: "{FLOOD}", budget: {BUDGET}}}
topics: [{{slug: sea, title: Sea, query: "ferry"}}]
"""
Row = dict[str, Any]


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    store = SqliteStore(tmp_path / "news.db")
    made = Newsroom(tmp_path, store)
    made.configure(CONFIG)
    yield made
    store.close()


def reports(number: int, of: str, seed: int, at: float, words: int = 40) -> list[Row]:
    """Entries that have nothing to do with one another, each with its own guid and address."""
    chance = random.Random(f"{of} {seed}")
    return [
        entry(
            f"{of} {words_of(chance, 8)}",
            id=f"{seed}-{n}",
            url=f"https://{of}.example/{seed}/{n}",
            text=words_of(chance, words),
            at=at,
        )
        for n in range(number)
    ]


def words_of(chance: random.Random, number: int) -> str:
    return " ".join(f"{chance.getrandbits(40):x}" for _ in range(number))


def started(newsroom: Newsroom, honest: int = 15) -> None:
    """Both sources were read, and feeds have started."""
    newsroom.serves(PAPER, *reports(honest, "paper", 0, START - HOUR))
    newsroom.serves(FLOOD, *reports(1, "flood", 0, START - HOUR))
    newsroom.poll()
    assert len(newsroom.feed()) == honest + 1


def flood(newsroom: Newsroom, polls: int, each: int, words: int = 40, step: float = 300.0) -> None:
    for _ in range(polls):
        newsroom.clock.time += step
        seed = int(newsroom.clock.time)
        newsroom.serves(FLOOD, *reports(each, "flood", seed, newsroom.clock.time, words))
        newsroom.poll("flood")


def of(newsroom: Newsroom, name: str) -> int:
    return sum(title.startswith(name) for title in newsroom.titles())


def entered(newsroom: Newsroom, slug: str = "all") -> int:
    """Stories of the flooding source that ever entered a feed."""
    stories = newsroom.store.stories([member.story for member in newsroom.store.members(Slug(slug))])
    return sum(story.lead_item.source == "flood" for story in stories)


def stored(newsroom: Newsroom) -> int:
    return sum(item.source == "flood" for story in newsroom.stories() for item in story.items)


def archived(newsroom: Newsroom) -> int:
    """Entries in all closed pages."""
    return sum(len(page.stories) for slug in newsroom.store.outputs() for page in newsroom.store.pages(slug))


def test_of_a_flood_no_more_enters_than_the_budget_and_no_more_is_stored_than_twice_that(newsroom: Newsroom) -> None:
    started(newsroom)
    flood(newsroom, polls=6, each=100)
    assert entered(newsroom) == BUDGET
    assert stored(newsroom) == budget.STORED * BUDGET
    assert archived(newsroom) <= BUDGET
    counters = newsroom.store.states()[SourceId("flood")].counters
    assert counters["budget:grouped"] == BUDGET
    assert counters["budget:refused"] == 600 + 1 - 2 * BUDGET


def test_honest_stories_stay_in_the_feed_while_the_flood_is_within_its_budget(newsroom: Newsroom) -> None:
    started(newsroom)
    flood(newsroom, polls=1, each=BUDGET - 1)
    assert entered(newsroom) == BUDGET
    assert of(newsroom, "paper") >= ITEMS // 2


def test_days_of_flood_push_no_honest_story_out_of_the_half_that_is_theirs(newsroom: Newsroom) -> None:
    started(newsroom)
    for day in range(1, 5):
        newsroom.clock.time = START + day * 24 * HOUR
        flood(newsroom, polls=3, each=100)
        assert entered(newsroom) == BUDGET * day + 1
        assert of(newsroom, "paper") >= ITEMS // 2
    assert stored(newsroom) <= 4 * 2 * BUDGET + 1


def test_edits_don_t_keep_a_flood_in_the_feed(newsroom: Newsroom) -> None:
    """What was just updated stays in the document: else a source could edit its stories at each poll to stay in all of it."""
    started(newsroom)
    flooding = reports(BUDGET - 1, "flood", 1, START)
    for edit in range(5):
        newsroom.clock.time += 300
        newsroom.serves(FLOOD, *({**row, "content_text": f"{row['content_text']} edit {edit}"} for row in flooding))
        newsroom.serves(PAPER, *reports(15, "paper", 0, START - HOUR), *reports(edit, "paper", 1, START))
        newsroom.poll()
        assert of(newsroom, "paper") >= ITEMS // 2


def test_a_first_run_gives_a_flood_no_more_than_half_of_a_feed(newsroom: Newsroom) -> None:
    newsroom.serves(PAPER, *reports(15, "paper", 0, START - HOUR))
    newsroom.serves(FLOOD, *reports(200, "flood", 0, START))
    newsroom.poll()
    assert (of(newsroom, "flood"), of(newsroom, "paper")) == (ITEMS // 2, ITEMS // 2)


def test_a_feed_that_is_added_later_shows_nothing_beyond_the_budget_and_half_of_it_from_others(newsroom: Newsroom) -> None:
    started(newsroom)
    flood(newsroom, polls=2, each=100)
    later = 'outputs: [{slug: later, query: "-zebra", items: 100}, {slug: few, query: "-zebra", items: 20}]'
    newsroom.configure(CONFIG + later)
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert sum(title.startswith("flood") for title in newsroom.titles("later")) == BUDGET
    assert sum(title.startswith("paper") for title in newsroom.titles("few")) == 10


def test_a_restart_does_not_renew_the_budget(newsroom: Newsroom) -> None:
    started(newsroom)
    flood(newsroom, polls=2, each=100)
    again = Newsroom(newsroom.folder, newsroom.store, newsroom.clock)
    again.configure(CONFIG)
    flood(again, polls=2, each=100)
    assert (entered(again), stored(again)) == (BUDGET, 2 * BUDGET)


def test_a_clock_that_jumps_costs_one_budget_and_no_more(newsroom: Newsroom) -> None:
    started(newsroom)
    newsroom.clock.time += 400 * 24 * HOUR
    flood(newsroom, polls=2, each=100)
    newsroom.clock.time -= 400 * 24 * HOUR
    flood(newsroom, polls=3, each=100)
    assert entered(newsroom) == 2 * BUDGET + 1
    flood(newsroom, polls=1, each=100, step=24 * HOUR)
    assert entered(newsroom) == 3 * BUDGET + 1, "a day that was far ahead holds nothing back"


def test_a_poll_that_began_before_a_push_does_not_give_the_budget_back(newsroom: Newsroom) -> None:
    started(newsroom)
    early = newsroom.store.states()[SourceId("flood")]
    flood(newsroom, polls=1, each=100)
    with newsroom.store.begin() as transaction:
        transaction.save_state(early)
    flood(newsroom, polls=1, each=100)
    assert (entered(newsroom), stored(newsroom)) == (BUDGET, 2 * BUDGET)


def test_what_an_honest_source_brings_at_once_beyond_what_is_stored_comes_on_the_next_day(newsroom: Newsroom) -> None:
    started(newsroom)
    burst = reports(75, "flood", 7, START)
    newsroom.clock.time += 300
    newsroom.serves(FLOOD, *burst)
    newsroom.poll()
    assert stored(newsroom) == 60
    newsroom.clock.time += 24 * HOUR
    newsroom.poll()  # the same document, byte by byte
    assert stored(newsroom) == 76
    assert entered(newsroom) == BUDGET + 16
    assert newsroom.store.states()[SourceId("flood")].counters["budget:refused"] == 16


def test_a_report_beyond_the_budget_is_there_for_grouping_and_an_edit_lets_it_in_nowhere(newsroom: Newsroom) -> None:
    started(newsroom)
    flood(newsroom, polls=1, each=40)
    beyond = next(story for story in newsroom.stories() if story.excess)
    told = beyond.lead_item.entry
    rows = [row for row in reports(40, "flood", int(newsroom.clock.time), newsroom.clock.time) if row["title"] != told.title]
    edited = entry("Ferry now", id=told.guid, url=told.url, text=told.text, at=newsroom.clock.time)
    newsroom.clock.time += 24 * HOUR
    newsroom.serves(FLOOD, edited, *rows)
    newsroom.poll("flood")
    assert "Ferry now" not in newsroom.titles() + newsroom.titles("sea")
    newsroom.serves(
        PAPER, *reports(15, "paper", 0, START), entry("Ferry now", url="https://paper.example/f", text=told.text, at=START)
    )
    newsroom.poll("paper")
    assert "Ferry now" in newsroom.titles(), "an honest report of the same brings the story in"


def test_the_backlog_of_a_new_source_brings_in_nothing_that_was_beyond_a_budget(newsroom: Newsroom) -> None:
    started(newsroom)
    flood(newsroom, polls=1, each=40)
    told = next(story for story in newsroom.stories() if story.excess).lead_item.entry
    newsroom.configure(CONFIG.replace("topics:", f'  - {{id: new, url: "{NEW}"}}\ntopics:'))
    newsroom.serves(NEW, entry(told.title, url="https://new.example/a", text=told.text, at=START - 30 * HOUR))
    newsroom.poll("new")
    (story,) = (story for story in newsroom.stories() if story.lead_item.entry.title == told.title)
    assert len(story.items) == 2
    assert told.title not in newsroom.titles()


def test_huge_texts_use_the_budget_up(newsroom: Newsroom) -> None:
    """100 kB each: five times what a unit pays for, so six of them and no more."""
    started(newsroom)
    flood(newsroom, polls=3, each=20, words=9_000)
    published = newsroom.settings.publish.directory
    assert entered(newsroom) <= 1 + BUDGET // 5
    assert stored(newsroom) <= 2 + 2 * BUDGET // 5
    assert sum(path.stat().st_size for path in published.rglob("*.*")) < 3 * 3 * BUDGET * budget.UNIT


def test_small_entries_that_are_edited_into_huge_ones_use_it_up_too(newsroom: Newsroom) -> None:
    started(newsroom)
    flood(newsroom, polls=1, each=20)
    seed = int(newsroom.clock.time)
    for _ in range(4):
        newsroom.clock.time += 300
        newsroom.serves(FLOOD, *reports(20, "flood", seed, newsroom.clock.time, 9_000 + int(newsroom.clock.time) % 7))
        newsroom.poll("flood")
    large = [item for story in newsroom.stories() for item in story.items if len(item.entry.content) > budget.UNIT]
    assert 0 < len(large) <= 2 * BUDGET // 5
    assert newsroom.store.states()[SourceId("flood")].counters["budget:refused"] > 0


def test_ordinary_edits_cost_nothing(newsroom: Newsroom) -> None:
    started(newsroom)
    rows = reports(10, "flood", 1, START)
    for edit in range(10):
        newsroom.clock.time += 300
        newsroom.serves(FLOOD, *({**row, "title": f"{row['title']} edit {edit}"} for row in rows))
        assert newsroom.poll("flood")["flood"].changed == (10 if edit else 0)
    assert not newsroom.store.states()[SourceId("flood")].counters.get("budget:refused")


def test_stories_that_are_edited_into_a_feed_and_out_of_it_are_archived_once(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG + "outputs: [{slug: sea, items: 5}]\n")
    started(newsroom)
    rows = reports(BUDGET - 1, "flood", 1, START)
    for turn in range(8):
        newsroom.clock.time += 300
        word = "ferry" if turn % 2 else "lorry"
        newsroom.serves(FLOOD, *({**row, "title": f"{row['title']} {word}"} for row in rows))
        newsroom.poll("flood")
    pages = [story for page in newsroom.store.pages(Slug("sea")) for story in page.stories]
    assert 0 < len(pages) == len(set(pages)) <= BUDGET


def test_a_flood_is_told_in_the_health_feed_until_a_day_is_over(newsroom: Newsroom) -> None:
    started(newsroom)

    def told() -> list[str]:
        spent, states = budget.all_known(newsroom.store), newsroom.store.states()
        found = health.budget_conditions(newsroom.settings.sources, states, spent, newsroom.clock.now())
        return [f"{one.kind} {one.subject}: {one.detail}" for one in found]

    assert told() == []
    flood(newsroom, polls=1, each=100)
    (line,) = told()
    assert line.startswith("budget flood: it brings more than its budget of 30 new entries a day")
    newsroom.clock.time += 23 * HOUR
    assert told(), "the flood may go on at any moment of the new day"
    newsroom.clock.time += 2 * HOUR
    assert told() == []


def test_why_tells_of_the_budget(newsroom: Newsroom) -> None:
    started(newsroom)
    flood(newsroom, polls=1, each=100)
    beyond = next(story for story in newsroom.stories() if story.excess)
    known = {item.entry.url for story in newsroom.stories() for item in story.items}
    rows = reports(100, "flood", int(newsroom.clock.time), newsroom.clock.time)
    left = next(row["url"] for row in rows if row["url"] not in known)
    config = newsroom.folder / "why.yaml"
    config.write_text(CONFIG + "storage: {database: news.db}\n")
    told = CliRunner().invoke(root, ["-c", str(config), "why", beyond.id]).output
    assert "out  all: matches" in told and "but beyond its source's budget of the day" in told
    failed = CliRunner().invoke(root, ["-c", str(config), "why", left]).exception
    assert isinstance(failed, UsageError) and "beyond the budget of flood, which are not stored" in str(failed)


@pytest.mark.usefixtures("only_long")
def test_a_day_of_2000_new_guids_each_five_minutes_at_the_default_budget(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG.replace(f", budget: {BUDGET}", "").replace(f"items: {ITEMS}, content: full", "items: 50"))
    newsroom.clock.time = START - 12 * HOUR
    honest = reports(30, "paper", 0, newsroom.clock.time - HOUR)
    newsroom.serves(PAPER, *honest)
    newsroom.serves(FLOOD)
    newsroom.poll()
    for _ in range(287):
        flood(newsroom, polls=1, each=2_000)
        assert of(newsroom, "paper") >= 25
    assert (entered(newsroom), stored(newsroom)) == (3_000, 6_000)
    pages = (newsroom.settings.publish.directory / "feeds" / "all").iterdir()
    assert sum(path.stat().st_size for path in pages) < 15_000_000
    assert newsroom.store.counts()["bytes"] < 40_000_000


# --- guids
Change = Callable[[list[Row], int], list[Row]]


def new_guids(rows: list[Row], turn: int) -> list[Row]:
    return [{**row, "id": f"turn {turn} {place}"} for place, row in enumerate(rows)]


def new_texts(rows: list[Row], turn: int) -> list[Row]:
    made = reports(len(rows), "paper", 1_000 + turn, START)
    return [{**made[place], "id": row["id"], "url": row["url"]} for place, row in enumerate(rows)]


def half_of_them_new(rows: list[Row], turn: int) -> list[Row]:
    changed = new_texts(new_guids(rows, turn), turn)
    return [changed[place] if place % 2 else row for place, row in enumerate(rows)]


def first_guids(rows: list[Row], turn: int) -> list[Row]:
    return [{**row, "id": f"first {place}"} for place, row in enumerate(rows)]


def one_link_twice(rows: list[Row], turn: int) -> list[Row]:
    return [*rows, {**rows[0], "id": f"again {turn}"}]


def each_link_twice(rows: list[Row], turn: int) -> list[Row]:
    return rows + [{**row, "id": f"{row['id']} again"} for row in rows]


def as_many_new_ones(rows: list[Row], turn: int) -> list[Row]:
    return rows + reports(len(rows), "paper", 2_000 + turn, START)


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param([[new_guids]] * 5, id="again and again"),
        pytest.param([[new_guids, new_texts]] * 5, id="with other titles and texts"),
        pytest.param([[half_of_them_new]] * 5, id="half of them"),
        pytest.param([[new_guids], [first_guids]] * 3, id="and back"),
        pytest.param([[new_guids, new_texts], [first_guids, new_texts]] * 3, id="and back, with other texts"),
        pytest.param([[one_link_twice], *[[new_guids, new_texts]] * 4, [first_guids, new_texts]], id="one link twice"),
        pytest.param([[each_link_twice], *[[new_guids, new_texts]] * 4, [first_guids, new_texts]], id="each link twice"),
        pytest.param([[new_guids, new_texts, as_many_new_ones], [new_guids, new_texts]], id="with as many new ones"),
    ],
)
def test_however_a_feed_changes_its_guids_its_entries_are_known_by_their_links(
    newsroom: Newsroom, turns: list[list[Change]]
) -> None:
    rows = first_guids(reports(12, "paper", 0, START - HOUR), 0)
    newsroom.serves(FLOOD)
    newsroom.serves(PAPER, *rows)
    newsroom.poll()
    most = len(rows)
    for turn, changes in enumerate(turns):
        for change in changes:
            rows = change(rows, turn)
        most = max(most, len(rows))
        newsroom.clock.time += 300
        newsroom.serves(PAPER, *rows)
        newsroom.poll("paper")
        assert sum(len(story.items) for story in newsroom.stories()) <= most


def test_links_that_change_with_the_guids_are_caught_by_the_budget(newsroom: Newsroom) -> None:
    started(newsroom)
    for turn in range(8):
        newsroom.clock.time += 300
        rows = new_guids(reports(25, "flood", 1, START), turn)
        if turn % 2:
            rows = [{**row, "url": f"{row['url']}/{turn}"} for row in new_texts(rows, turn)]
        newsroom.serves(FLOOD, *rows)
        newsroom.poll("flood")
    assert entered(newsroom) <= BUDGET
    assert stored(newsroom) <= 2 * BUDGET + 1


def test_new_entries_on_the_page_of_the_site_are_no_old_ones(newsroom: Newsroom) -> None:
    """An honest feed whose entries all lead to one page: new guids and texts are news there."""
    home = [{**row, "url": "https://paper.example/"} for row in reports(10, "paper", 0, START)]
    newsroom.serves(FLOOD)
    newsroom.serves(PAPER, *home)
    newsroom.poll()
    newsroom.clock.time += HOUR
    newsroom.serves(PAPER, *({**row, "url": "https://paper.example/"} for row in reports(10, "paper", 1, START)))
    assert newsroom.poll("paper")["paper"].new == 10


def test_news_on_the_page_of_the_site_is_news_even_while_all_guids_change(newsroom: Newsroom) -> None:
    def listed(seed: int) -> list[Row]:
        articles = new_texts(new_guids(reports(10, "paper", 0, START), seed), seed)
        return articles + [{**row, "url": "https://paper.example/"} for row in reports(4, "paper", 100 + seed, START)]

    newsroom.serves(FLOOD)
    newsroom.serves(PAPER, *listed(0))
    newsroom.poll()
    newsroom.clock.time += HOUR
    newsroom.serves(PAPER, *listed(1))
    report = newsroom.poll("paper")["paper"]
    assert (report.new, report.changed) == (4, 10)
