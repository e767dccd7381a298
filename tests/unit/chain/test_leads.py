"""Which report leads a story: at first, once four outlets tell it, and when somebody comes first with a borrowed headline."""

from __future__ import annotations

from typing import Any, cast

import pytest

from aggregator.commands.application import Application
from aggregator.commands.why import explain_story
from aggregator.commands.why_lines import lines
from aggregator.model import Story
from aggregator.stories.decisions.edit import StoryEditor
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

NAMES = ("first", "alpha", "beta", "gamma", "delta", "late")
CONFIG = "sources:\n" + "\n".join(f"  - {{id: {name}, url: 'https://{name}.example/feed.json'}}" for name in NAMES)

REPORTS = {
    "alpha": (
        "Ferry sinks off Marlen harbour, at least 30 missing",
        "The ferry Osprey sank off Marlen harbour on Tuesday after hitting a reef in heavy rain. At least 30 are "
        "missing, the coast guard said. Boats took 112 people ashore through the night, and divers are searching the hull.",
    ),
    "beta": (
        "At least 30 missing after ferry sinks off Marlen harbour",
        "At least 30 passengers are missing after the ferry Osprey hit a reef and sank off Marlen harbour, the coast guard "
        "said on Tuesday. Boats brought 112 people ashore. Divers were searching the hull in heavy rain.",
    ),
    "gamma": (
        "Marlen ferry sinks: divers search for 30 missing passengers",
        "Divers were searching the hull of the ferry Osprey on Tuesday for 30 passengers still missing. It sank off Marlen "
        "harbour after hitting a reef; 112 people were brought ashore by the coast guard in heavy rain.",
    ),
    "delta": (
        "Ferry Osprey sinks off Marlen harbour with 30 missing",
        "Coast guard boats rescued 112 people when the ferry Osprey hit a reef and sank off Marlen harbour in heavy rain on "
        "Tuesday. At least 30 passengers are missing, and divers are searching the hull.",
    ),
}
ADVERT = (
    "Win a cruise for two: ten great brochures, free by mail. Order yours before the offer ends in May, and enter the draw for a "
    "set of leather suitcases."
)
INSURANCE = (
    "Click here for the best deals on insurance in the country. We compare all of the offers for you, and it is free for a month."
)
CLUB = "Our team at the club won the game on Saturday after a late goal. The coach said that he was happy with the result."
PHONE = "In this article we look at ten things that you should know before you buy a new phone, and at what the experts say."
TITLE, TEXT = REPORTS["alpha"]


def address(name: str) -> str:
    return f"https://{name}.example/ferry"


def told(name: str, title: str, text: str, **more: Any) -> dict[str, Any]:
    return entry(title, id=f"{name}-ferry", url=address(name), text=text, **more)


@pytest.fixture
def read(newsroom: Newsroom) -> Newsroom:
    newsroom.configure(CONFIG)
    for name in NAMES:
        newsroom.serves(f"https://{name}.example/feed.json")
    newsroom.poll()
    return newsroom


def report(newsroom: Newsroom, name: str, title: str = "", text: str = "", *, hours: float, dated: bool = True) -> None:
    """An outlet reports so many hours after the start, and is polled at once."""
    newsroom.clock.time = START + hours * HOUR
    own = (title, text) if title else REPORTS[name]
    at = newsroom.clock.time - 60 if dated else None
    newsroom.serves(f"https://{name}.example/feed.json", told(name, *own, at=at))
    newsroom.poll(name)


def all_report(newsroom: Newsroom, start: float = 1.0) -> None:
    for place, name in enumerate(REPORTS):
        report(newsroom, name, hours=start + place / 4)


def only_story(newsroom: Newsroom) -> Story:
    (story,) = newsroom.stories()
    return story


# --- once four outlets tell it
@pytest.mark.parametrize(
    ("title", "text", "hours_before"),
    [
        *[pytest.param(TITLE, text, 0.1, id=f"with a text of its own, {text[:9]}") for text in (ADVERT, INSURANCE, CLUB, PHONE)],
        pytest.param(TITLE, "Read it here.", 0.1, id="without a text"),
        pytest.param(TITLE, TEXT, 0.1, id="with the text"),
        pytest.param(TITLE, TEXT, 5.0, id="with the text, backdated"),
    ],
)
def test_who_comes_first_with_a_borrowed_headline_does_not_lead_once_four_outlets_tell_the_story(
    read: Newsroom, title: str, text: str, hours_before: float
) -> None:
    read.clock.time += HOUR / 2
    read.serves("https://first.example/feed.json", told("first", title, text, at=read.clock.time - hours_before * HOUR))
    read.poll("first")
    (before,) = read.feed()
    all_report(read)
    (after,) = read.feed()
    assert len(only_story(read).outlets) == 5, "the story must have taken the borrowed headline in"
    assert after["url"] != address("first") == before["url"]
    assert after["id"] == before["id"] and after["date_published"] == before["date_published"]
    assert after["date_modified"] > before["date_modified"]


def test_a_preview_makes_room_for_the_report_and_why_says_so(read: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    preview = (
        "Ferry Osprey sends distress call off Marlen harbour",
        "The ferry Osprey sent a distress call off Marlen harbour on Tuesday. The coast guard said that it was sending boats.",
    )
    report(read, "first", *preview, hours=0.5)
    all_report(read)
    story = only_story(read)
    assert story.lead_item.source != "first" and len(story.outlets) == 5
    monkeypatch.setattr("time.time", read.clock.now)
    told_why = "\n".join(lines(explain_story(cast(Application, read), story)))
    assert "leads since" in told_why and "agrees best with the others (with 3 of 3 reports)" in told_why
    assert f"“{preview[0]}” (first.example), which led before" in told_why
    report(read, "late", *REPORTS["beta"], hours=3)
    assert only_story(read).lead_reason == story.lead_reason, "the reason stays as long as the lead"


def test_a_lead_that_agrees_stays_whatever_joins(read: Newsroom) -> None:
    all_report(read)
    assert only_story(read).lead_item.source == "alpha"
    assert [row["url"] for row in read.feed()] == [address("alpha")]


STORM = {
    "alpha": (
        "Storm closes northern ferry line until Friday",
        "Boats on the northern ferry line stay in port until Friday because of the storm, the harbour master said on Thursday. "
        "Some four hundred passengers are waiting at the terminal in Lindholm, where the town has opened the school gymnasium "
        "for the night. The line carries nine hundred people a day to the islands of Arvo and Skerry.",
    ),
    "beta": (
        "Northern ferry line closed until Friday as storm hits",
        "A storm has shut the northern ferry line until Friday, leaving four hundred passengers at Lindholm terminal. The "
        "harbour master ordered boats to remain in port. Islanders on Arvo and Skerry depend on the line, used by nine hundred "
        "travellers daily. The gymnasium of the local school serves as a shelter for tonight.",
    ),
    "gamma": (
        "Storm shuts northern ferry line, four hundred passengers stranded",
        "Four hundred passengers are stranded in Lindholm after the harbour master closed the northern ferry line because of a "
        "storm. No boats will leave port for Arvo and Skerry before Friday. The town let them sleep in the gymnasium of its "
        "school, and shops on the islands expect to run short of milk.",
    ),
    "delta": (
        "Ferry line to northern islands closed by storm until Friday",
        "Waves of seven metres have forced the harbour master to close the northern ferry line to Arvo and Skerry until Friday. "
        "Passengers, four hundred of them, wait at the terminal of Lindholm or in a school gymnasium that the town opened. The "
        "storm is the worst there since 1987, the harbour master told reporters.",
    ),
}


@pytest.mark.parametrize("words", [1, 2, 3, 4])
def test_who_copies_a_published_lead_does_not_lead_with_words_taken_from_all_reports(read: Newsroom, words: int) -> None:
    """The copy makes the lead one that another outlet has, too; the salad agrees with all, and holds no run of five words."""
    for place, name in enumerate(STORM):
        report(read, name, *STORM[name], hours=1 + place / 4)
    read.clock.time += 4 * HOUR
    title, text = STORM["alpha"]
    copy = entry(title, id="copy", url="https://late.example/copy", text=text, at=START)
    texts = [text.split() for _, text in STORM.values()]
    salad = " ".join(word for at in range(0, 60, words) for text in texts for word in text[at : at + words])
    read.serves("https://late.example/feed.json", copy, told("late", f"{title} | Refunds: late.example", salad, at=START))
    read.poll("late")
    story = only_story(read)
    assert len(story.items) == 6, "the story must have taken both in"
    assert story.lead_item.source in STORM
    assert "late" not in read.feed()[0]["title"]


def test_three_outlets_do_not_move_a_published_lead(read: Newsroom) -> None:
    report(read, "first", TITLE, "Read it here.", hours=0.5)
    for name in ("alpha", "beta"):
        report(read, name, hours=1)
    assert only_story(read).lead_item.source == "first"


def test_a_pin_binds_however_well_others_agree(read: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", read.clock.now)
    report(read, "first", TITLE, "Read it here.", hours=0.5)
    StoryEditor(read.store, read.settings, read.rules).pin(address("first"))
    all_report(read)
    assert only_story(read).lead_item.source == "first"


def test_a_lead_moves_once_in_some_hours(read: Newsroom) -> None:
    report(read, "first", TITLE, "Read it here.", hours=0.5)
    all_report(read)
    moved = only_story(read).lead_item.source
    empty = told(moved, REPORTS[moved][0], "Read it here.", at=read.clock.time - 60)

    def poll_the_emptied_lead(hours: float) -> str:
        read.clock.time += hours * HOUR
        read.serves(f"https://{moved}.example/feed.json", empty | {"tags": [f"hour {hours}"]})
        read.poll(moved)
        return only_story(read).lead_item.source

    assert poll_the_emptied_lead(0.5) == moved
    assert poll_the_emptied_lead(4.0) not in (moved, "first")


# --- before it is published
def test_the_earliest_that_agrees_with_the_others_leads_from_the_start(newsroom: Newsroom) -> None:
    """All is read before anything is published, as when feeds fill for the first time."""
    newsroom.configure(CONFIG)
    newsroom.serves("https://first.example/feed.json", told("first", TITLE, ADVERT, at=START - HOUR / 2))
    for place, name in enumerate(REPORTS):
        newsroom.serves(f"https://{name}.example/feed.json", told(name, *REPORTS[name], at=START - HOUR / 3 + place))
    newsroom.serves("https://late.example/feed.json")
    newsroom.poll()
    story = only_story(newsroom)
    assert len(story.outlets) == 5
    assert story.lead_item.source != "first"
    assert [row["url"] for row in newsroom.feed()] == [story.lead_item.entry.url]


# --- entries without a date
def test_an_undated_entry_never_leads_dated_reports_and_is_no_newer(read: Newsroom) -> None:
    report(read, "alpha", hours=1)
    report(read, "first", *REPORTS["beta"], hours=5, dated=False)
    story = only_story(read)
    assert story.lead_item.source == "alpha"
    dates = {item.source: item.published for item in story.items}
    assert dates["first"] <= dates["alpha"]


def test_an_undated_entry_makes_room_for_the_first_dated_report(read: Newsroom) -> None:
    report(read, "first", *REPORTS["beta"], hours=2, dated=False)
    (before,) = read.feed()
    read.clock.time += HOUR
    read.serves("https://alpha.example/feed.json", told("alpha", *REPORTS["alpha"], at=START + HOUR))
    read.poll("alpha")
    story = only_story(read)
    assert story.lead_item.source == "alpha" and story.lead_reason.startswith("dated")
    assert max(item.published for item in story.items) == START + HOUR
    (after,) = read.feed()
    assert (after["id"], after["date_published"]) == (before["id"], before["date_published"]), "what readers know stays"


def test_a_story_that_an_undated_entry_began_has_the_reports_date_if_nobody_has_seen_it(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG + "\npublish: {settle: 2h}\n")
    for name in NAMES:
        newsroom.serves(f"https://{name}.example/feed.json")
    newsroom.poll()
    report(newsroom, "first", *REPORTS["beta"], hours=2, dated=False)
    newsroom.serves("https://alpha.example/feed.json", told("alpha", *REPORTS["alpha"], at=START + HOUR))
    newsroom.poll("alpha")
    assert newsroom.feed() == [] and only_story(newsroom).published == START + HOUR
