"""One feed among honest ones that wants to count as several outlets, to be called like another, or to have another's domain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.commands.application import Application
from aggregator.commands.why import explain_story
from aggregator.model import Fetched, Item
from aggregator.store.sqlite import SqliteStore
from tests.attacks.test_voices import BANK, BANK_TEXT, FERRY, FERRY_TEXT
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

LIE = f"{FERRY}: harbour master was paid"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Newsroom]:
    store = SqliteStore(tmp_path / "news.db")
    yield Newsroom(tmp_path, store)
    store.close()


def configure(room: Newsroom, feeds: dict[str, str], more: str = "") -> None:
    sources = "".join(f'  - {{id: {name}, url: "{url}"}}\n' for name, url in feeds.items())
    head = 'site: {url: "https://news.example"}\nstorage: {database: news.db}\n'
    room.configure(f"{head}sources:\n{sources}{more}")


def tells(room: Newsroom, name: str, *entries: dict[str, Any], home: str = "", title: str = "") -> None:
    """The feed says this now, ten minutes later, and is polled."""
    room.clock.time += 600
    url = next(source.url for source in room.settings.sources if source.id == name)
    room.serves(url, *entries)
    document = room.answers[url]
    assert isinstance(document, Fetched)
    channel = {"title": title or url} | ({"home_page_url": home} if home else {})
    room.answers[url] = replace(document, body=json.dumps(json.loads(document.body) | channel).encode())
    room.poll(name)


def notes(base: str, count: int = 20) -> list[dict[str, Any]]:
    """Old entries whose addresses begin so."""
    return [
        entry(f"Note {n} on garden {n * 7}", text=f"Plant {n * 3} bulbs.", url=f"{base}{n}", at=START - 9 * HOUR)
        for n in range(count)
    ]


def report(url: str, title: str = FERRY, text: str = FERRY_TEXT, at: float = START) -> dict[str, Any]:
    return entry(title, text=text, url=url, at=at)


def item_of(room: Newsroom, source: str, title: str = FERRY) -> Item:
    """The source's entry of this title."""
    found = [item for story in room.stories() for item in story.items if item.source == source and item.entry.title == title]
    assert len(found) == 1
    return found[0]


def lead_of(room: Newsroom) -> str:
    """Whose report leads the story of the ferry."""
    (story,) = [one for one in room.stories() if "ferry line" in one.title and len(one.items) > 1]
    return str(story.lead_item.source)


# --- whose domain it is
@pytest.mark.parametrize("home", ["", "https://social.example/"])
@pytest.mark.parametrize("links", ["https://social.example/notes/", "https://social.example/@ben/11054290021312"])
def test_links_to_a_server_give_nobody_its_accounts(room: Newsroom, links: str, home: str) -> None:
    configure(room, {"evil": "https://evil.example/feed", "anna": "https://social.example/@anna.rss"})
    page = "https://social.example/@anna/110542900213000001"
    tells(room, "evil", *notes(links), home=home)
    tells(room, "evil", report(page, LIE, at=START - HOUR), home=home)
    tells(room, "anna", report(page))
    assert item_of(room, "evil", LIE).second_hand
    assert not item_of(room, "anna").second_hand
    assert lead_of(room) == "anna"


def test_a_domain_moves_to_the_source_that_is_read_there(room: Newsroom) -> None:
    """Also for the entries that are stored when that source is added."""
    evil, home = {"evil": "https://evil.example/feed"}, "https://alpha.example/"
    configure(room, evil)
    tells(room, "evil", *notes(f"{home}n"), home=home)
    tells(room, "evil", report(f"{home}report", LIE), home=home)
    assert not item_of(room, "evil", LIE).second_hand
    configure(room, evil | {"alpha": f"{home}feed"})
    assert item_of(room, "evil", LIE).second_hand
    tells(room, "alpha", report(f"{home}report"))
    assert not item_of(room, "alpha").second_hand
    assert lead_of(room) == "alpha"


@pytest.mark.parametrize(("paper", "forged"), [("https://feeds.alphacdn.example/rss", True), ("https://cdn.example/rss", False)])
def test_a_domain_moves_to_the_source_that_proves_more(room: Newsroom, paper: str, forged: bool) -> None:
    """Its address is like the domain, or its channel calls it home: more than the links of one that was there before."""
    feeds, home = {"evil": "https://evil.example/feed"}, "https://alpha.example/"
    configure(room, feeds)
    tells(room, "evil", *notes(f"{home}n"), home=home if forged else "")
    tells(room, "evil", report(f"{home}evil", LIE), home=home if forged else "")
    configure(room, feeds | {"paper": paper})
    tells(room, "paper", *notes(f"{home}p"), home=home)
    tells(room, "paper", report(f"{home}report"), home=home)
    assert not item_of(room, "paper").second_hand
    tells(room, "evil", report(f"{home}again", BANK, BANK_TEXT), home=home if forged else "")
    assert item_of(room, "evil", BANK).second_hand
    configure(room, feeds | {"paper": paper})  # as a start does
    assert item_of(room, "evil", LIE).second_hand
    room.poll("paper")
    assert lead_of(room) == "paper"


@pytest.mark.parametrize("home", ["", "https://alpha.example/"])
def test_a_home_that_is_called_so_later_takes_nothing_from_who_has_a_domain(room: Newsroom, home: str) -> None:
    configure(room, {"paper": "https://cdn.example/rss", "evil": "https://evil.example/feed"})
    tells(room, "paper", *notes("https://alpha.example/p"), home="https://alpha.example/")
    tells(room, "evil", *notes("https://alpha.example/n"), home=home)
    tells(room, "evil", report("https://alpha.example/report", LIE, at=START - HOUR), home=home)
    tells(room, "paper", report("https://alpha.example/report"), home="https://alpha.example/")
    assert item_of(room, "evil", LIE).second_hand
    assert lead_of(room) == "paper"


@pytest.mark.parametrize("home", ["", "https://evil.example/"])
def test_a_stranger_on_a_shared_host_is_not_called_like_the_paper_that_it_links_to(room: Newsroom, home: str) -> None:
    configure(room, {name: f"http://127.0.0.1/{name}.json" for name in ("evil", "paper", "sport")})
    tells(room, "evil", *notes("https://alpha.example/n"), home=home)
    if home:
        assert {item.outlet for story in room.stories() for item in story.items} == {"evil"}
    for name in ("paper", "sport"):
        tells(room, name, *notes(f"https://alpha.example/{name}"), home=f"https://www.alpha.example/{name}")
    tells(room, "evil", report("https://alpha.example/evil"), home=home)
    tells(room, "paper", report("https://alpha.example/report"), home="https://www.alpha.example/paper")
    tells(room, "sport", report("https://alpha.example/sport"), home="https://www.alpha.example/sport")
    assert [item_of(room, name).outlet for name in ("evil", "paper", "sport")] == ["evil", "alpha.example", "alpha.example"]
    assert item_of(room, "evil").second_hand
    (row,) = [row for row in room.feed() if row["title"] == FERRY]
    assert sorted(one["name"] for one in row["_aggregator"]["outlets"]) == ["alpha.example", "evil"]


# --- how many outlets it is
def test_a_feed_that_changes_the_page_it_calls_home_is_one_outlet(room: Newsroom) -> None:
    configure(room, {"evil": "http://127.0.0.1/evil.json"}, 'topics: [{slug: wide, title: Wide, query: "outlets>=2"}]\n')
    told: list[dict[str, Any]] = []
    for number, host in enumerate(["alpha", "beta", "gamma", "delta"]):
        told.append({**report("", text=f"{FERRY_TEXT} {number}"), "id": str(number), "url": ""})
        tells(room, "evil", *told, home=f"https://{host}.example/")
    (row,) = [row for row in room.feed() if row["title"] == FERRY]
    assert [one["name"] for one in row["_aggregator"]["outlets"]] == ["evil"]
    assert not room.titles("wide")


def test_a_feed_whose_domain_is_learnt_late_is_one_outlet(room: Newsroom) -> None:
    configure(room, {"evil": "http://127.0.0.1/evil.json"}, 'topics: [{slug: wide, title: Wide, query: "outlets>=2"}]\n')
    unlinked = {**report("", text=f"{FERRY_TEXT} More."), "id": "unlinked", "url": ""}
    tells(room, "evil", unlinked)
    tells(room, "evil", unlinked, report("https://alpha.example/report"))
    (story,) = [story for story in room.stories() if story.title == FERRY]
    assert {item.outlet_key for item in story.items} == {"evil", "alpha.example"}
    assert len(story.outlets) == 1
    assert not room.titles("wide")


def test_a_feed_whose_first_links_lead_to_one_domain_after_another_is_one_outlet(room: Newsroom) -> None:
    configure(room, {"evil": "http://127.0.0.1/evil.json"}, 'topics: [{slug: wide, title: Wide, query: "outlets>=2"}]\n')
    told: list[dict[str, Any]] = []
    for host, links in (("alpha", 0), ("beta", 1), ("gamma", 3), ("delta", 7)):
        told += notes(f"https://{host}.example/n", links)
        told.append({**report(f"https://{host}.example/report"), "id": host})
        tells(room, "evil", *told)
    assert {item.outlet_key for story in room.stories() for item in story.items} == {"alpha.example"}
    (story,) = [story for story in room.stories() if story.title == FERRY]
    assert (len(story.items), len(story.outlets)) == (4, 1)
    assert not room.titles("wide")


def test_accounts_and_subdomains_of_one_host_are_one_outlet(room: Newsroom) -> None:
    feeds = {name: f"https://evil.example/@{name}.rss" for name in ("a", "b")}
    feeds |= {
        "c": "https://c.evil.example/feed",
        "d": "https://evil.example/users/d.rss",
        "e": "https://EVIL.example.:443/@e.rss",
    }
    configure(room, feeds, 'topics: [{slug: wide, title: Wide, query: "outlets>=2"}]\n')
    for name in feeds:
        tells(room, name, report(f"https://evil.example/@{name}/110542900213000001"))
    (story,) = [story for story in room.stories() if story.title == FERRY]
    assert len(story.items) == 5
    assert len(story.outlets) == 1
    assert not room.titles("wide")


# --- what it is called
@pytest.mark.parametrize(
    ("host", "title"),
    [
        ("bbc-news-uk.example", "BBC News"),
        ("bbcs.example", "BBC News - World"),
        ("bbc.test", "BBC"),
        ("evil.example", "bbc.example"),
        ("xn--bc-8kcx.example", "\u0412BC"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_no_title_makes_two_outlets_of_one_name(room: Newsroom, host: str, title: str, first: bool) -> None:
    configure(room, {"bbc": "https://feeds.bbc.example/rss", "evil": f"https://{host}/feed"})
    for name in ("evil", "bbc") if first else ("bbc", "evil"):
        if name == "evil":
            tells(room, "evil", report(f"https://{host}/report"), title=title)
        else:
            tells(room, "bbc", report("https://bbc.example/report"), title="BBC News")
    assert item_of(room, "evil").outlet == host
    assert item_of(room, "bbc").outlet == ("bbc.example" if host == "bbc.test" else "BBC News")


def test_a_name_moves_to_the_source_that_is_read_at_its_domain(room: Newsroom) -> None:
    """Also for the entries that are stored when that source is added."""
    evil = {"evil": "https://bbcs.example/feed"}
    configure(room, evil)
    tells(room, "evil", report("https://bbcs.example/report"), title="BBC News")
    assert item_of(room, "evil").outlet == "BBC News"
    configure(room, evil | {"bbc": "https://bbc.example/rss"})
    tells(room, "bbc", report("https://bbc.example/report"), title="BBC News")
    assert [item_of(room, name).outlet for name in ("evil", "bbc")] == ["bbcs.example", "BBC News"]
    (row,) = [row for row in room.feed() if row["title"] == FERRY]
    assert sorted(one["name"] for one in row["_aggregator"]["outlets"]) == ["BBC News", "bbcs.example"]


def test_a_name_that_looks_the_same_signs_nothing(room: Newsroom) -> None:
    configure(room, {"evil": "https://evil.example/feed"}, "outlets: {BBC: [bbc.example]}\n")
    for number, name in enumerate(["BBC News", "\u0412BC", "\u0412\u0412\u0421 News", "bbc.example", "BBC.EXAMPLE"]):
        signed = {**report(f"https://evil.example/{number}", f"{BANK} {number}", BANK_TEXT), "authors": [{"name": name}]}
        tells(room, "evil", signed)
        assert item_of(room, "evil", f"{BANK} {number}").entry.authors == (), name


@pytest.mark.parametrize(
    "link",
    [
        "https://ALPHA.example/report",
        "https://alpha.example:8443/report",
        "https://alpha.example./report",
        "https://www.google.com/amp/s/alpha.example/report",
        "https://alpha-example.cdn.ampproject.org/c/s/alpha.example/report",
        "https://evil.example@alpha.example/report",
        "https:\\\\alpha.example\\report",
        "//alpha.example/report",
    ],
)
def test_however_a_link_is_written_it_is_the_other_outlets(room: Newsroom, link: str) -> None:
    configure(room, {"evil": "https://evil.example/feed", "alpha": "https://alpha.example/feed"})
    tells(room, "alpha", *notes("https://alpha.example/p"))
    tells(room, "evil", report(link, LIE, at=START - HOUR), home="https://alpha.example/", title="Alpha")
    tells(room, "alpha", report("https://alpha.example/report"))
    item = item_of(room, "evil", LIE)
    assert (item.outlet, item.outlet_key) == ("evil.example", "evil.example")
    assert item.second_hand or item.entry.url is None or item.entry.url.startswith("https://evil.example")
    (row,) = [row for row in room.feed() if "ferry line" in row["title"]]
    if item.second_hand:
        assert (row["title"], row["url"]) == (FERRY, "https://alpha.example/report")


# --- what `why` tells of it
def test_why_tells_for_which_outlet_an_entry_counts(room: Newsroom) -> None:
    configure(room, {"evil": "https://evil.example/feed", "alpha": "https://alpha.example/feed"})
    tells(room, "evil", *notes("https://alpha.example/n"))
    tells(room, "evil", report("https://alpha.example/report", LIE))
    tells(room, "alpha", report("https://alpha.example/report"))
    (story,) = [one for one in room.stories() if len(one.items) > 1]
    application = Application(room.folder / "feeds.yaml")
    rows = {row["source"]: row["counts_for"] for row in explain_story(application, story)["items"]}
    assert rows["alpha"] == "counts for alpha.example: the address of its feed"
    assert rows["evil"] == (
        "counts for evil.example: the address of its feed; second-hand: it links to alpha.example, which is not its own "
        "(alpha is read there)"
    )
