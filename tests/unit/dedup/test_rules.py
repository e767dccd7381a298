"""Grouping: each rule on stories written for it. The desk starts with a day of other news, so that common words are common."""

from __future__ import annotations

import pytest

from aggregator.dedup.search import MAX_ITEMS
from aggregator.settings import Dedup
from tests.unit.dedup.newsroom import Desk

BRIDGE = "Harbour bridge opens to traffic after nine years of repairs"
BRIDGE_TEXT = (
    "The first cars crossed the harbour bridge at noon on Thursday, nine years after a freighter struck its eastern pier and "
    "closed the only road to the island of Lindholm. Mayor Greta Sund cut a ribbon of rope; ferry crews blew their horns."
)
FERRY_TEXT = (
    "Ferry crews sounded their horns as the harbour bridge to Lindholm was opened on Thursday. The crossing had been shut for "
    "nine years since a freighter hit a pier. Greta Sund, the mayor, said the island was whole again."
)


@pytest.fixture
def desk() -> Desk:
    return filled(Desk())


def filled(desk: Desk) -> Desk:
    """Sixty unrelated reports."""
    places = "Alder Brimley Corvo Dunmore Eskil Fenwick Garrow Hale Ixton Jorvik Kelda Lorne".split()
    things = "council school river orchard museum".split()
    for number, place in enumerate(places):
        for thing in things:
            title = f"{place} {thing} asks for more money before the winter"
            text = f"The {thing} of {place} said on Monday that it would need more money from the county, the paper reports."
            desk.put(f"{place} {thing}", title, text, hours=number - 40)
    return desk


def test_the_same_headline_needs_no_description(desk: Desk) -> None:
    desk.put("wire", BRIDGE, BRIDGE_TEXT)
    desk.put("bare", BRIDGE, "", hours=3)
    desk.put("suffixed", f"{BRIDGE} | Lindholm Post", "", hours=1)
    assert desk.together("wire", "bare", "suffixed")


def test_a_shortened_and_a_reworded_headline_over_the_same_news(desk: Desk) -> None:
    desk.put("wire", BRIDGE, BRIDGE_TEXT)
    desk.put("short", "Harbour bridge opens to traffic", BRIDGE_TEXT[:160], hours=1)
    desk.put("own", "Lindholm harbour bridge reopens nine years after freighter crash", FERRY_TEXT, hours=4)
    assert desk.together("wire", "short", "own")


def test_a_copy_under_another_headline(desk: Desk) -> None:
    desk.put("wire", BRIDGE, BRIDGE_TEXT)
    desk.put("own", "Island cheers as its long wait is over", f"LINDHOLM (Reuters) - {BRIDGE_TEXT}", hours=2)
    assert desk.together("wire", "own")


def test_a_follow_up_is_another_story(desk: Desk) -> None:
    desk.put("wire", BRIDGE, BRIDGE_TEXT)
    desk.put(
        "next", "Bridge toll at Lindholm to rise in spring, county says",
        "Drivers will pay two crowns more from March. The county says the repair fund is empty and the pumps must be replaced.",
        hours=20,
    )  # fmt: skip
    assert desk.apart("wire", "next")


def test_other_stories_of_one_place_stay_apart(desk: Desk) -> None:
    desk.put("wire", BRIDGE, BRIDGE_TEXT)
    desk.put(
        "other",
        "Harbour seals counted from the air off Lindholm",
        "Two hundred seals lay on the skerries, a survey shows.",
        hours=1,
    )
    assert desk.apart("wire", "other")


def test_the_day_decides_within_the_window() -> None:
    desk = filled(Desk())
    desk.put("monday", BRIDGE, BRIDGE_TEXT)
    desk.put("friday", BRIDGE, BRIDGE_TEXT, hours=96)
    assert desk.apart("monday", "friday")
    wide = filled(Desk(Dedup(within=120 * 3600.0)))
    wide.put("monday", BRIDGE, BRIDGE_TEXT)
    wide.put("friday", BRIDGE, BRIDGE_TEXT, hours=96)
    assert wide.together("monday", "friday")


def test_no_story_lives_longer_than_at_most(desk: Desk) -> None:
    for day in range(12):
        desk.put(f"day {day}", BRIDGE, BRIDGE_TEXT, source=f"outlet{day}", hours=24 * day)
    assert desk.together("day 0", "day 7")
    assert desk.apart("day 0", "day 8")


def test_a_late_feed_groups_as_it_would_have_in_time(desk: Desk) -> None:
    desk.put("wire", BRIDGE, BRIDGE_TEXT)
    for number in range(20):
        desk.put(f"later {number}", f"Regatta leg {number} won by crew from Garrow", "The wind held all day.", hours=60 + number)
    desk.put("late", BRIDGE, "", hours=2)
    assert desk.together("wire", "late")


MARKETS = [
    (
        "Stocks close up 1.2 percent",
        "The leading index rose 1.2 percent to 4,210.5 points on Tuesday, banks gained most, volume was thin.",
    ),
    (
        "Stocks close up 0.4 percent",
        "The leading index rose 0.4 percent to 4,227.3 points on Wednesday, banks gained most, volume was thin.",
    ),
    (
        "Stocks close down 0.8 percent",
        "The leading index fell 0.8 percent to 4,193.1 points on Thursday, banks lost most, volume was thin.",
    ),
]


@pytest.mark.parametrize("sources", [("bell", "bell", "bell"), ("bell", "tape", "floor")])
def test_market_wraps_are_stories_of_their_own(desk: Desk, sources: tuple[str, ...]) -> None:
    for day, ((title, text), source) in enumerate(zip(MARKETS, sources, strict=True)):
        desk.put(f"wrap {day}", title, text, source=source, hours=24 * day)
    assert desk.apart("wrap 0", "wrap 1", "wrap 2")


def test_results_of_one_form_stay_apart(desk: Desk) -> None:
    desk.put("one", "Garrow beat Kelda 2-1 in third round", "Goals by Holt and Mern put Garrow through.", source="score")
    desk.put(
        "two",
        "Garrow beat Lorne 3-0 in fourth round",
        "Goals by Holt, Mern and Pike put Garrow through.",
        source="score",
        hours=1,
    )
    desk.put("three", "Hale beat Ixton 2-1 in third round", "Goals by Voss and Rane put Hale through.", source="score", hours=1)
    assert desk.apart("one", "two", "three")


TWIN = "Teachers in {} walk out over class sizes"
TWIN_TEXT = (
    "Teachers in {} left their classrooms on Monday. The union asks for smaller classes, and the city says it has no money."
)


@pytest.mark.parametrize(("town", "least", "most"), [("Busan", -8.0, -3.0), ("Toledo", 0.0, 0.0)])
def test_names_that_differ_speak_against_one_story(desk: Desk, town: str, least: float, most: float) -> None:
    desk.put("herald", TWIN.format("Toledo"), TWIN_TEXT.format("Toledo"))
    desk.put("ledger", TWIN.format(town), TWIN_TEXT.format(town))
    assert least <= dict(desk.placements["ledger"].evidence.terms).get("names that differ", 0.0) <= most


def test_capitals_on_every_word_name_nobody(desk: Desk) -> None:
    desk.put("herald", "Teachers In Toledo Walk Out Over Class Sizes", TWIN_TEXT.format("Toledo"))
    desk.put("ledger", "Toledo Teachers Walk Out Over Class Sizes", TWIN_TEXT.format("Toledo"))
    assert desk.together("herald", "ledger")


def test_forecasts_of_other_days_stay_apart(desk: Desk) -> None:
    text = "Showers move in from the west; the wind is light and highs are near 17 degrees along the coast of the island."
    desk.put("first", "Weather on Tuesday: showers along the coast", text, source="sky")
    desk.put("second", "Weather on Wednesday: showers along the coast", text, source="other", hours=5)
    assert desk.apart("first", "second")


def test_a_daily_column_under_one_title_is_a_story_each_day(desk: Desk) -> None:
    for day in range(3):
        desk.put(
            f"day {day}",
            "What we cook tonight with what the garden gives",
            f"Recipe number {day + 11} of our series.",
            source="table",
            hours=24 * day,
        )
    assert desk.apart("day 0", "day 1", "day 2")


@pytest.mark.parametrize("title", ["Morning briefing", "Photos of the day", "Weather forecast for Friday", "Live updates"])
def test_headlines_that_say_nothing_never_join(desk: Desk, title: str) -> None:
    desk.put("one", title, "What you need to know about the vote and the storm this morning.")
    desk.put("two", title, "Our pictures from the regatta and a sleeping seal.", hours=1)
    desk.put("bare", title, "", hours=1)
    assert desk.apart("one", "two", "bare")


def test_one_outlets_boilerplate_joins_nothing(desk: Desk) -> None:
    text = "Read the full article on our website, where subscribers also find maps, games and the weekly letter from the editor."
    desk.put("one", "Council votes for the new tram line to Fenwick", text, source="gate")
    desk.put("two", "Baker from Corvo wins the county prize for rye", text, source="gate", hours=1)
    assert desk.apart("one", "two")


def test_a_resend_and_a_correction_are_one_story(desk: Desk) -> None:
    desk.put(
        "first",
        "Lindholm ferry line posts loss of 4.1 million crowns",
        f"The line lost 4.1 million crowns. {BRIDGE_TEXT}",
        source="wire",
    )
    desk.put(
        "again",
        "Lindholm ferry line posts loss of 4.1 million crowns",
        f"The line lost 4.1 million crowns. {BRIDGE_TEXT}",
        source="wire",
        hours=2,
    )
    desk.put(
        "mended", "CORRECTED - Lindholm ferry line posts loss of 4.3 million crowns",
        f"The line lost 4.3 million crowns. {BRIDGE_TEXT}", source="wire", hours=14,
    )  # fmt: skip
    assert desk.together("first", "again", "mended")


def test_a_live_page_is_one_story_and_a_page_of_many_entries_is_not(desk: Desk) -> None:
    live = "https://daily.example/live/bridge"
    desk.put("live 1", "Bridge live: crowds gather at the eastern pier", source="daily", url=live)
    desk.put("live 2", "Bridge live: mayor cuts the rope", source="daily", url=f"{live}#update-2", hours=1)
    assert desk.together("live 1", "live 2")
    for number, title in enumerate(
        ["Faster search in the archive", "Dark colours at night", "Printing mended", "Fonts enlarged"]
    ):
        desk.put(f"note {number}", title, source="app", url=f"https://app.example/changes#{number}", hours=number)
    assert len({desk.stories[f"note {number}"] for number in range(4)}) >= 3


def test_chains_do_not_drift(desk: Desk) -> None:
    """Each report is like the one before it; the last has nothing of the first."""
    words = [f"{name}{number}" for number in range(5) for name in ("arvo", "belt", "cind", "dorm", "eska", "fjor")]
    for step in range(12):
        title = " ".join(words[step * 2 : step * 2 + 6])
        desk.put(f"step {step}", title, f"Report on {title} as seen by those who were there.", hours=step / 4)
    assert desk.stories["step 0"] != desk.stories["step 11"]
    assert desk.stories["step 0"] != desk.stories["step 6"]


def test_a_story_is_never_larger_than_its_bound(desk: Desk) -> None:
    for number in range(MAX_ITEMS + 5):
        desk.put(f"copy {number}", BRIDGE, BRIDGE_TEXT, hours=number / 60)
    sizes = [list(desk.stories.values()).count(story) for story in set(desk.stories.values())]
    assert max(sizes) == MAX_ITEMS


def test_fragments_that_prove_one_story_are_merged(desk: Desk) -> None:
    desk.put(
        "a", "Freighter hits pier of harbour bridge at Lindholm", "A freighter struck the eastern pier of the harbour bridge."
    )
    desk.put(
        "b",
        "Island cut off: Lindholm's only road closed since freighter hit bridge",
        "Lindholm has no road. Mayor Greta Sund asked for ferries and said that the school would close.",
        hours=1,
    )
    assert desk.apart("a", "b")
    text = (
        "A freighter struck the eastern pier of the harbour bridge and Lindholm is cut off: its only road is closed. "
        "Mayor Greta Sund asked for ferries."
    )
    for name, title in (
        ("c", "Freighter hits harbour bridge pier, Lindholm cut off"),
        ("d", "Lindholm cut off: freighter hits pier, only road closed"),
    ):
        desk.put(name, title, text, hours=2)
    assert desk.together("a", "b", "c", "d")
    assert any(placement.merges for placement in desk.placements.values())


def test_scripts_without_spaces_are_compared_by_pairs_of_characters(desk: Desk) -> None:
    text = "九年間閉鎖されていた港の橋が木曜日の正午に開通し、最初の車が島へ渡った。市長は島が再び一つになったと述べた。"
    desk.put("one", "港の橋、九年ぶりに開通", text)
    desk.put("two", "九年ぶりに港の橋が開通 島民が祝う", text[:40], hours=2)
    desk.put("other", "島の学校、冬を前に予算を要求", "郡に対し、冬までに追加の予算が必要だと学校は述べた。", hours=1)
    assert desk.together("one", "two")
    assert desk.apart("one", "other")


def test_two_languages_stay_apart(desk: Desk) -> None:
    desk.put(
        "english",
        "NATO ministers meet in Lindholm on ammunition",
        "NATO ministers met in Lindholm. Greta Sund welcomed them to the island.",
        language="en",
    )
    desk.put(
        "german",
        "NATO-Minister beraten in Lindholm über Munition",
        "Die Minister der NATO trafen sich in Lindholm. Greta Sund begrüßte sie.",
        hours=1,
        language="de",
    )
    assert desk.apart("english", "german")
    desk.put("copy", "NATO ministers meet in Lindholm on ammunition", "", hours=2, language="nl")
    assert desk.together("english", "copy"), "a guess of the language alone must not part copies"


def test_every_join_can_be_explained(desk: Desk) -> None:
    desk.put("wire", BRIDGE, BRIDGE_TEXT)
    desk.put("own", "Lindholm harbour bridge reopens nine years after freighter crash", FERRY_TEXT, hours=4)
    evidence = desk.placements["own"].evidence
    assert evidence.partner is not None
    assert evidence.rule
    assert {name for name, _ in evidence.terms} >= {"words of the title", "words of the text", "needed"}
    assert sum(value for _, value in evidence.terms) == pytest.approx(evidence.score, abs=0.1)
    lonely = desk.put(
        "seals", "Harbour seals counted from the air off Lindholm", "Two hundred seals lay on the skerries.", hours=5
    )
    told = desk.placements["seals"].evidence
    assert told.rule == "new"
    assert told.nearest != lonely


def test_sources_that_never_join_leave_no_trace(desk: Desk) -> None:
    desk.put("blog", BRIDGE, BRIDGE_TEXT, joins=False)
    desk.put("wire", BRIDGE, BRIDGE_TEXT, hours=1)
    assert desk.apart("blog", "wire")


def test_what_a_person_split_off_stays_alone(desk: Desk) -> None:
    desk.put("wire", BRIDGE, BRIDGE_TEXT)
    desk.put("copy", BRIDGE, BRIDGE_TEXT, hours=1)
    desk.split("copy")
    desk.put("third", BRIDGE, BRIDGE_TEXT, hours=2)
    assert desk.together("wire", "third")
    assert desk.apart("wire", "copy")


def test_an_edited_item_is_compared_by_what_it_says_now(desk: Desk) -> None:
    desk.put("early", "Bridge: more soon", "", source="daily")
    desk.revise("early", BRIDGE, BRIDGE_TEXT)
    desk.put("wire", f"Bridge: {BRIDGE}", BRIDGE_TEXT, hours=1)
    assert desk.together("early", "wire")


def test_the_event_level_takes_in_own_texts_on_one_event() -> None:
    apart, together = filled(Desk()), filled(Desk(Dedup(level="event")))
    for desk in (apart, together):
        desk.put("wire", BRIDGE, BRIDGE_TEXT)
        desk.put(
            "own", "Nine years on, Lindholm islanders drive home again",
            "Greta Sund, mayor of Lindholm, stood at the pier as they drove over the harbour bridge, closed since the freighter.",
            hours=5,
        )  # fmt: skip
    assert together.together("wire", "own")
    assert apart.apart("wire", "own")
