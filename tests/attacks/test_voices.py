"""Feeds among honest ones that want to speak for them, to lead their stories, to fill, to join or to split them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.store.sqlite import SqliteStore
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

FEEDS = ("alpha", "beta", "gamma", "delta", "evil", "worse", "worst")
CONFIG = 'site: {url: "https://news.example"}\nsources:\n' + "".join(
    f'  - {{id: {name}, url: "https://{name}.example/feed.json"}}\n' for name in FEEDS
)
FERRY = "Storm closes northern ferry line until Friday"
FERRY_TEXT = (
    "Boats on the northern ferry line stay in port until Friday because of the storm, the harbour master said on Thursday. "
    "Some four hundred passengers are waiting at the terminal in Lindholm, where the town has opened the school gymnasium for "
    "the night. The line carries nine hundred people a day to the islands of Arvo and Skerry, and has not been closed for so "
    "long since the winter of 1987. Waves of seven metres were measured off the lighthouse in the morning."
)
BANK = "Central bank raises key rate to four percent"
BANK_TEXT = (
    "The central bank has raised its key interest rate by a quarter of a point to four percent, the highest since 2001. Governor "
    "Ilse Maran told reporters that inflation remained stubborn and that another increase in July was very likely. Markets had "
    "expected the decision; the crown gained half a percent against the dollar, and shares of lenders rose in early trade."
)
SCAM = "Claim your compensation today"
SCAM_TEXT = "You may be owed thousands. Send your account number to our lawyers before midnight and receive the money at once."


@pytest.fixture
def newsroom(tmp_path: Path) -> Any:
    store = SqliteStore(tmp_path / "news.db")
    room = Newsroom(tmp_path, store)
    room.configure(CONFIG)
    for name in FEEDS:
        room.serves(address(name), entry(f"About {name}", url=f"https://{name}.example/about", at=START - 9 * HOUR))
    room.poll()
    yield room
    store.close()


def address(name: str) -> str:
    return f"https://{name}.example/feed.json"


def tells(room: Newsroom, name: str, *entries: dict[str, Any], minutes: float = 10) -> None:
    """The feed says this now, and is polled."""
    room.clock.time += minutes * 60
    room.serves(address(name), *entries)
    room.poll(name)


def report(name: str, title: str = FERRY, text: str = FERRY_TEXT, **more: Any) -> dict[str, Any]:
    more.setdefault("url", f"https://{name}.example/report")
    return entry(title, text=text, **({"at": START} | more))


def shown(room: Newsroom, word: str) -> list[dict[str, Any]]:
    """What subscribers are told whose headline has the word."""
    return [row for row in room.feed() if word in row["title"]]


def outlets(row: dict[str, Any]) -> list[str]:
    return [one["name"] for one in row["_aggregator"]["outlets"]]


# --- (a) whose voice it is
def test_a_link_puts_no_words_into_another_outlets_mouth(newsroom: Newsroom) -> None:
    page = "https://alpha.example/report"
    tells(newsroom, "evil", report("evil", "Ferry line closed: alpha admits it was paid", url=page))
    (before,) = shown(newsroom, "admits")
    assert outlets(before) == ["evil.example"], "the link is alpha's, the words are not"
    tells(newsroom, "alpha", report("alpha", url=page))
    tells(newsroom, "beta", report("beta"))
    (after,) = shown(newsroom, "ferry line")
    assert (after["title"], after["url"]) == (FERRY, page)
    assert outlets(after)[0] == "alpha.example"
    assert after["id"] == before["id"], "the story was published: its id stays"
    assert not shown(newsroom, "admits")


def test_a_feed_with_links_to_five_papers_is_one_outlet(newsroom: Newsroom) -> None:
    links = [f"https://{name}.example/report" for name in ("alpha", "beta", "gamma", "delta", "epsilon")]
    tells(newsroom, "evil", *(report("evil", url=link, id=link) for link in links))
    (row,) = shown(newsroom, "ferry line")
    assert outlets(row) == ["evil.example"]


def test_the_page_that_a_feed_calls_its_own_names_nobody(newsroom: Newsroom) -> None:
    forwarded = report("evil", "Alpha admits that it was paid", "We were paid.", url="https://t.co/x")
    tells(newsroom, "evil", forwarded)
    newsroom.serves(address("evil"), forwarded, report("evil", "Alpha admits it again", "Paid twice.", url="https://bit.ly/y"))
    document = newsroom.answers[address("evil")]
    body = document.body.replace(b'"items"', b'"home_page_url": "https://alpha.example/", "items"')  # type: ignore[union-attr]
    newsroom.answers[address("evil")] = type(document)(document.url, 200, document.headers, body)  # type: ignore[call-arg,union-attr]
    newsroom.poll("evil")
    assert {outlet for row in shown(newsroom, "admits") for outlet in outlets(row)} == {"evil.example"}


def titled(room: Newsroom, name: str, title: str) -> None:
    """The feed calls itself so."""
    document = room.answers[address(name)]
    body = json.dumps(json.loads(document.body) | {"title": title}).encode()  # type: ignore[union-attr]
    room.answers[address(name)] = type(document)(document.url, 200, document.headers, body)  # type: ignore[call-arg,union-attr]


@pytest.mark.parametrize("title", ["Alpha Times", "The Beta", "alpha.example", "Gamma - World", "Alpha | Evil Twin"])
def test_a_feed_is_not_called_like_another_outlet_by_its_title(newsroom: Newsroom, title: str) -> None:
    newsroom.configure(CONFIG + "outlets: {The Beta: [beta.example]}\n")
    newsroom.serves(address("evil"), report("evil", id="first"))
    titled(newsroom, "evil", title)
    newsroom.poll("evil")
    newsroom.serves(address("alpha"), report("alpha"))
    titled(newsroom, "alpha", "Alpha Times")
    newsroom.poll("alpha")
    (row,) = shown(newsroom, "ferry line")
    evil = "Evil Twin" if "Evil" in title else "evil.example"
    assert sorted(outlets(row)) == sorted(["Alpha Times", evil])


def test_one_blog_of_a_platform_speaks_for_no_other(newsroom: Newsroom) -> None:
    blogs = {name: f"https://{name}.substack.com/feed" for name in ("anna", "evil")}
    newsroom.configure(f'site: {{url: "https://news.example"}}\nsources: {list(blogs.values())}\n')
    page = "https://anna.substack.com/p/ferry"
    newsroom.serves(blogs["evil"], entry("Anna admits that she was paid", text=SCAM_TEXT, url=page, at=START))
    newsroom.serves(blogs["anna"], report("anna", url=page))
    newsroom.poll()
    assert [outlets(row) for row in shown(newsroom, "admits")] == [["evil.substack.com"]]
    assert [outlets(row) for row in shown(newsroom, "ferry line")] == [["anna.substack.com"]]


def test_second_hand_never_leads_whatever_its_rank_and_date(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG.replace('"https://evil.example/feed.json"', '"https://evil.example/feed.json", rank: 1'))
    tells(newsroom, "alpha", report("alpha"))
    tells(newsroom, "evil", report("evil", f"{FERRY}, alpha lies", url="https://alpha.example/report", at=START - 5 * HOUR))
    (row,) = shown(newsroom, "ferry line")
    assert (row["title"], outlets(row)) == (FERRY, ["alpha.example", "evil.example"])


# --- (b) one address
def test_one_address_joins_no_other_words(newsroom: Newsroom) -> None:
    page = "https://alpha.example/report"
    tells(newsroom, "alpha", report("alpha", url=page))
    tells(newsroom, "evil", report("evil", SCAM, SCAM_TEXT, url=page))
    (story,) = [one for one in newsroom.stories() if one.lead_item.entry.title == FERRY]
    assert [item.source for item in story.items] == ["alpha"]
    assert [outlets(row) for row in shown(newsroom, "compensation")] == [["evil.example"]]


# --- (c) edits
def test_a_lead_that_is_edited_into_something_else_loses_the_lead(newsroom: Newsroom) -> None:
    wire = report("evil", id="wire")
    tells(newsroom, "evil", wire)
    for name in ("alpha", "beta"):
        tells(newsroom, name, report(name))
    (before,) = shown(newsroom, "ferry line")
    assert outlets(before) == ["evil.example", "alpha.example", "beta.example"]
    tells(newsroom, "evil", wire | {"title": SCAM, "content_text": SCAM_TEXT})
    (after,) = shown(newsroom, "ferry line")
    assert after["id"] == before["id"]
    assert outlets(after) == ["alpha.example", "beta.example"], "what tells something else reports nothing"
    assert not shown(newsroom, "compensation")
    tells(newsroom, "evil", wire)
    (again,) = shown(newsroom, "ferry line")
    assert outlets(again)[0] == "alpha.example", "who lost the lead does not get it back"
    assert set(outlets(again)) == {"alpha.example", "beta.example", "evil.example"}


def test_an_edit_takes_no_story_into_another_topic(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG + 'topics: [{slug: law, title: Law, query: "compensation"}]\n')
    wire = report("evil", id="wire")
    tells(newsroom, "alpha", report("alpha"))
    tells(newsroom, "evil", wire)
    tells(newsroom, "evil", wire | {"title": SCAM, "content_text": SCAM_TEXT})
    assert not newsroom.titles("law")


def test_two_feeds_that_edit_alike_do_not_outvote_one(newsroom: Newsroom) -> None:
    wires = {name: report(name, id="wire") for name in ("evil", "worse", "worst")}
    for name, wire in wires.items():
        tells(newsroom, name, wire)
    tells(newsroom, "alpha", report("alpha"))
    for name, wire in wires.items():
        tells(newsroom, name, wire | {"title": SCAM, "content_text": SCAM_TEXT})
    (row,) = shown(newsroom, "ferry line")
    assert outlets(row) == ["alpha.example"]


def test_a_new_headline_over_the_old_text_is_an_edit_into_something_else(newsroom: Newsroom) -> None:
    wire = report("evil", id="wire")
    tells(newsroom, "evil", wire)
    for name in ("alpha", "beta"):
        tells(newsroom, name, report(name))
    tells(newsroom, "evil", wire | {"title": SCAM})
    assert not shown(newsroom, "compensation")


def test_a_lead_that_is_brought_up_to_date_keeps_the_lead(newsroom: Newsroom) -> None:
    flash = report("alpha", id="flash")
    tells(newsroom, "alpha", flash)
    for name in ("beta", "gamma"):
        tells(newsroom, name, report(name))
    newer = FERRY_TEXT.replace("four hundred", "seven hundred") + " The first boat will sail to Skerry on Saturday."
    tells(newsroom, "alpha", flash | {"title": "Storm closes northern ferry line until Saturday", "content_text": newer})
    (row,) = shown(newsroom, "ferry line")
    assert row["title"].endswith("Saturday")
    assert outlets(row) == ["alpha.example", "beta.example", "gamma.example"]


@pytest.mark.parametrize("steps", [("{scam}",), ("{scam} {half}", "{scam}", "{scam} Hurry."), ("{scam}", "{scam} Hurry.")])
def test_another_text_under_the_old_headline_is_an_edit_into_something_else(newsroom: Newsroom, steps: tuple[str, ...]) -> None:
    wire = report("evil", id="wire")
    tells(newsroom, "evil", wire)
    for name in ("alpha", "beta"):
        tells(newsroom, name, report(name))
    for step in steps:
        text = step.format(scam=SCAM_TEXT, half=FERRY_TEXT[:150])
        tells(newsroom, "evil", wire | {"content_text": text})
    (row,) = shown(newsroom, "ferry line")
    assert outlets(row) == ["alpha.example", "beta.example"]
    assert "lawyers" not in row["content_html"]


def test_a_report_in_its_own_words_that_is_rewritten_keeps_the_lead(newsroom: Newsroom) -> None:
    flash = report(
        "alpha",
        id="flash",
        text="Boats to the islands of Arvo and Skerry stay in port because of a storm, said the harbour master.",
    )
    tells(newsroom, "alpha", flash)
    for name in ("beta", "gamma"):
        tells(newsroom, name, report(name))
    own = (
        "Nine hundred islanders who take the ferry each day have to wait: with a storm over the strait the harbour master keeps "
        "all boats in Lindholm, where passengers slept in a gymnasium. Shops on Skerry run out of milk, and a wedding is off."
    )
    tells(newsroom, "alpha", flash | {"content_text": own})
    (row,) = shown(newsroom, "ferry line")
    assert outlets(row)[0] == "alpha.example"


# --- whose page it is
def test_a_report_without_an_address_stands_under_nobody_elses(newsroom: Newsroom) -> None:
    tells(newsroom, "evil", report("evil", at=START - 5 * HOUR) | {"url": ""})
    tells(newsroom, "alpha", report("alpha"))
    (row,) = shown(newsroom, "ferry line")
    assert outlets(row) == ["evil.example", "alpha.example"]
    assert row["url"].startswith("https://news.example/stories/")


def test_of_two_reports_the_one_with_an_address_leads(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG + "publish: {settle: 1h}\n")
    tells(newsroom, "evil", report("evil", at=START - 5 * HOUR) | {"url": ""})
    tells(newsroom, "alpha", report("alpha"))
    newsroom.clock.time += 2 * HOUR
    tells(newsroom, "beta", report("beta"))
    (story,) = [one for one in newsroom.stories() if one.lead_item.entry.title == FERRY]
    assert story.lead_item.source == "alpha"


def test_a_summary_that_is_none_of_its_text_is_not_shown(newsroom: Newsroom) -> None:
    """Grouping reads the text. What is read in the feed must not be something else."""
    tells(newsroom, "evil", report("evil", at=START - 5 * HOUR) | {"summary": SCAM_TEXT, "content_html": f"<p>{FERRY_TEXT}</p>"})
    for name in ("alpha", "beta"):
        tells(newsroom, name, report(name))
    (row,) = shown(newsroom, "ferry line")
    assert outlets(row) == ["evil.example", "alpha.example", "beta.example"]
    assert "lawyers" not in row["content_html"] + row.get("summary", "")


def test_an_editors_summary_is_shown(newsroom: Newsroom) -> None:
    deck = "Hundreds of passengers wait at a terminal while boats to the islands stay moored."
    tells(newsroom, "alpha", report("alpha") | {"summary": deck, "content_html": f"<p>{FERRY_TEXT}</p>"})
    (row,) = shown(newsroom, "ferry line")
    assert deck in row["content_html"]


@pytest.mark.parametrize(
    "name", ["alpha.example", "www.alpha.example", "https://alpha.example/", "\u0430lpha.example", "Beta  Times", "BETA TIMES"]
)
def test_a_byline_names_no_other_outlet(newsroom: Newsroom, name: str) -> None:
    newsroom.configure(CONFIG.replace('"https://beta.example/feed.json"', '"https://beta.example/feed.json", outlet: Beta Times'))
    authors = [{"name": name}, {"name": "Ilse Maran"}]
    tells(
        newsroom,
        "evil",
        report("evil", authors=authors[:1]),
        report("evil", BANK, BANK_TEXT, url="https://evil.example/2", authors=authors),
    )
    assert [row["authors"] for row in shown(newsroom, "ferry line")] == [[{"name": "evil.example"}]]
    assert [row["authors"] for row in shown(newsroom, "Central bank")] == [[{"name": "Ilse Maran"}, {"name": "evil.example"}]]


def test_an_outlet_may_sign_with_its_own_name(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG.replace('"https://beta.example/feed.json"', '"https://beta.example/feed.json", outlet: Beta Times'))
    authors = [{"name": "beta times"}, {"name": "news.beta.example"}]
    tells(newsroom, "beta", report("beta", authors=authors))
    (row,) = shown(newsroom, "ferry line")
    assert row["authors"] == authors


# --- (d) filling
def test_copies_do_not_fill_a_story(newsroom: Newsroom) -> None:
    copies = [report("evil", id=f"copy {n}", url=f"https://evil.example/{n}") for n in range(70)]
    tells(newsroom, "alpha", report("alpha"))
    tells(newsroom, "evil", *copies)
    for name in ("beta", "gamma", "delta"):
        tells(newsroom, name, report(name))
    (row,) = shown(newsroom, "ferry line")
    assert outlets(row) == ["alpha.example", "evil.example", "beta.example", "gamma.example", "delta.example"]
    story = next(one for one in newsroom.stories() if len(one.outlets) == 5)
    assert sum(item.source == "evil" for item in story.items) <= 5
    kept = sum(item.source == "evil" for one in newsroom.stories() for item in one.items)
    assert kept == 71, "nothing is lost: all copies and the page before them are stored"


def test_a_copy_too_many_stays_out_of_the_feeds_when_it_is_edited_and_when_a_feed_is_new(newsroom: Newsroom) -> None:
    copies = [report("evil", id=f"copy {n}", url=f"https://evil.example/{n}") for n in range(9)]
    tells(newsroom, "evil", *copies)
    tells(newsroom, "evil", *(copy | {"title": f"{FERRY}, number {n}"} for n, copy in enumerate(copies)))
    assert len(shown(newsroom, "ferry line")) == 1
    newsroom.configure(CONFIG + 'topics: [{slug: sea, title: Sea, query: "ferry"}]\n')
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert len(newsroom.titles("sea")) == 1


def test_old_dates_do_not_close_a_story(newsroom: Newsroom) -> None:
    """A story lives seven days from its first report. Reports that claim to be older must not use these up."""
    tells(newsroom, "alpha", report("alpha"))
    tells(newsroom, "evil", report("evil", at=START - 70 * HOUR))
    tells(newsroom, "worse", report("worse", at=START - 140 * HOUR))
    tells(newsroom, "beta", report("beta", at=START + 40 * HOUR), minutes=40 * 60)
    (row,) = shown(newsroom, "ferry line")
    assert {"alpha.example", "beta.example"} <= set(outlets(row))


# --- (e) round-ups
def round_up(name: str, number: int = 0) -> dict[str, Any]:
    title = f"{FERRY}; {BANK}"
    return report(name, title, f"{FERRY_TEXT} {BANK_TEXT}", id=f"round-up {number}", url=f"https://{name}.example/r{number}")


@pytest.mark.parametrize(
    "attackers",
    [["evil"], ["evil", "worse"], ["evil"] * 3, ["evil", "worse", "evil", "worse"]],
    ids=lambda names: "-".join(names),
)
@pytest.mark.parametrize("first", [False, True])
def test_round_ups_make_no_two_stories_one(newsroom: Newsroom, attackers: list[str], first: bool) -> None:
    sent: dict[str, list[dict[str, Any]]] = {}

    def attack() -> None:
        for number, name in enumerate(attackers):
            sent.setdefault(name, []).append(round_up(name, number))
            tells(newsroom, name, *sent[name])

    if first:
        attack()
    tells(newsroom, "alpha", report("alpha"))
    tells(newsroom, "beta", report("beta", BANK, BANK_TEXT))
    if not first:
        attack()
    tells(newsroom, "gamma", report("gamma"))
    tells(newsroom, "delta", report("delta", BANK, BANK_TEXT))
    homes = {item.source: story.id for story in newsroom.stories() for item in story.items if item.entry.title in (FERRY, BANK)}
    assert homes["alpha"] != homes["beta"]
    assert homes["gamma"] != homes["delta"]
    assert homes["alpha"] == homes["gamma"]
    assert homes["beta"] == homes["delta"]


# --- (f) edits
BETA_FERRY = (
    "Northern ferry line closed by storm until Friday",
    "A storm has closed the northern ferry line until Friday, said the harbour master in Lindholm. Four hundred passengers spend "
    "the night in a school gymnasium that the town has opened. Boats to Arvo and Skerry carry nine hundred people on other days.",
)
GAMMA_FERRY = (
    "Ferry passengers stranded in Lindholm as storm stops boats until Friday",
    "Some four hundred passengers are stranded in Lindholm, where a gymnasium was opened for the night: because of the storm no "
    "boat of the northern ferry line sails to the islands of Arvo and Skerry until Friday, the harbour master said.",
)
EDITS = {
    "another day": {"title": FERRY.replace("Friday", "Monday"), "content_text": FERRY_TEXT.replace("Friday", "Monday")},
    "a third day": {"title": FERRY.replace("Friday", "Tuesday"), "content_text": FERRY_TEXT.replace("Friday", "Tuesday")},
    "a part of it": {
        "title": "Waves of seven metres off the lighthouse",
        "content_text": FERRY_TEXT[FERRY_TEXT.index("The line carries") :],
    },
}


@pytest.mark.parametrize("steps", [["another day"], ["a part of it"], ["another day", "a third day"]], ids="-".join)
@pytest.mark.parametrize(
    "later", [[("beta", *BETA_FERRY)], [("gamma", *GAMMA_FERRY)], [("beta", *BETA_FERRY), ("gamma", *GAMMA_FERRY)]]
)
def test_one_sources_edit_keeps_no_later_report_apart(
    newsroom: Newsroom, steps: list[str], later: list[tuple[str, str, str]]
) -> None:
    wire = report("evil", id="wire")
    tells(newsroom, "evil", wire)
    tells(newsroom, "alpha", report("alpha"))
    for step in steps:
        tells(newsroom, "evil", wire | EDITS[step])
    for name, *told in later:
        tells(newsroom, name, report(name, *told))
    homes = {item.source: story.id for story in newsroom.stories() for item in story.items if "About" not in item.entry.title}
    assert {homes[name] for name, *_ in later} == {homes["alpha"]}


def test_an_edit_lets_no_other_news_into_a_story(newsroom: Newsroom) -> None:
    """Who sends a round-up has one vote, whatever he makes of it later."""
    sent = round_up("evil")
    tells(newsroom, "evil", sent)
    tells(newsroom, "alpha", report("alpha"))
    tells(newsroom, "evil", sent | {"title": f"{BANK}; {FERRY.replace('Friday', 'Monday')}"})
    tells(newsroom, "beta", report("beta", BANK, BANK_TEXT))
    homes = {item.source: story.id for story in newsroom.stories() for item in story.items if item.entry.title in (FERRY, BANK)}
    assert homes["alpha"] != homes["beta"]
