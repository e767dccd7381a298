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


@pytest.mark.parametrize(("town", "joined"), [("Busan", False), ("Toledo", True)])
def test_names_that_differ_speak_against_one_story(desk: Desk, town: str, joined: bool) -> None:
    desk.put("herald", TWIN.format("Toledo"), TWIN_TEXT.format("Toledo"))
    desk.put("ledger", TWIN.format(town), TWIN_TEXT.format(town))
    assert desk.together("herald", "ledger") is joined


ONE_FORM = [
    ("en", "Man arrested after knife attack in Lyon", "Man arrested after knife attack in Ghent",
     "A man has been arrested after a knife attack near the station in {} on Tuesday, prosecutors said.", "Lyon", "Ghent"),
    ("en", "Nvidia shares jump 8% after earnings beat", "Oracle shares jump 8% after earnings beat",
     "Shares in {} rose 8% in late trading after its quarterly earnings beat estimates.", "Nvidia", "Oracle"),
    ("en", "Two killed in shooting in Columbus", "Two killed in shooting in Omaha",
     "Two people were killed and four wounded in a shooting in {} late on Monday, police said.", "Columbus", "Omaha"),
    ("de", "Feuer in Hochhaus in Essen: Drei Verletzte", "Feuer in Hochhaus in Kassel: Drei Verletzte",
     "Bei einem Brand in einem Hochhaus in {} sind drei Menschen verletzt worden, teilte die Feuerwehr mit.", "Essen", "Kassel"),
    ("ru", "В Казани загорелся торговый центр", "В Омске загорелся торговый центр",
     "В {} загорелся торговый центр, площадь пожара составила 500 квадратных метров, сообщили в МЧС.", "Казани", "Омске"),
    ("ja", "札幌市で住宅火災 2人死亡", "福岡市で住宅火災 2人死亡",
     "{}で14日未明、住宅が全焼する火事があり、2人が死亡しました。", "札幌市", "福岡市"),
    ("ja", "トヨタ、北米で11万台をリコール エアバッグに不具合", "ホンダ、北米で11万台をリコール エアバッグに不具合",
     "{}は14日、エアバッグの不具合で北米の11万台をリコールすると発表した。", "トヨタ自動車", "ホンダ"),
    ("ru", "Нидерланды передадут Украине танки", "Дания передаст Украине танки",
     "{} Украине 14 танков, сообщило министерство обороны.", "Нидерланды передадут", "Дания передаст"),
    ("es", "El Congreso aprueba la ley de vivienda", "El Congreso aprueba la ley de familias",
     "El Congreso ha aprobado este jueves la ley de {} por amplia mayoría.", "vivienda", "familias"),
    ("he", "שלושה פצועים בתאונת דרכים בחיפה", "שלושה פצועים בתאונת דרכים באשדוד",
     "שלושה בני אדם נפצעו בתאונת דרכים {}, מסר דובר המשטרה.", "בחיפה", "באשדוד"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "one", "other", "text", "here", "there"), ONE_FORM, ids=[row[1] for row in ONE_FORM])
def test_one_form_filled_in_with_other_words_is_two_stories(
    desk: Desk, language: str, one: str, other: str, text: str, here: str, there: str
) -> None:
    desk.put("herald", one, text.format(here), language=language)
    desk.put("ledger", other, text.format(there), hours=3, language=language)
    desk.put("copy", one, text.format(here), hours=4, language=language)
    assert desk.apart("herald", "ledger")
    assert desk.together("herald", "copy")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Swedish court clears man over burning of book", "Sweden: man acquitted over burning of book"),
        ("UK outlaws imports of hunting trophies", "Britain bans imports of hunting trophies"),
        ("Fed raises interest rates by a quarter point", "Fed hikes interest rates by a quarter point"),
        ("Twelve sailors rescued off Iceland", "12 sailors rescued off Iceland"),
    ],
)
def test_other_words_for_the_same_are_no_difference(desk: Desk, one: str, other: str) -> None:
    desk.put("herald", one, "")
    desk.put("ledger", other, "", hours=1)
    assert desk.together("herald", "ledger")


def test_an_event_in_another_country_is_another_story(desk: Desk) -> None:
    desk.put("here", "Magnitude 6.4 earthquake strikes northern Chile", "The quake of 6.4 struck northern Chile on Tuesday.")
    desk.put("there", "Quake of magnitude 6.4 hits Vanuatu, no damage", "The quake of 6.4 struck Vanuatu on Tuesday.", hours=1)
    assert desk.apart("here", "there")


@pytest.mark.parametrize(
    ("title", "one", "other"),
    [
        ("v1.2.3", "What changed: better icons, and thanks to all.", "What changed: better icons, and thanks to all."),
        ("Issue #201", "This week: five essays, two tools and a map.", "Our reads of the week, and a question about soup."),
        ("What is your backup strategy?", "I have two disks and a cloud bucket; how do you test restores?",
         "I shoot weddings and keep everything on two cards until the album is there."),
        ("Question for teachers", "How do you deal with phones in the class room this year?",
         "What novels do you read with twelve-year-olds?"),
        ("Quiz of the week: what do you remember?", "Who won, who lost and who fell off a stage?",
         "Which minister resigned and which film won?"),
    ],
)  # fmt: skip
def test_a_headline_that_says_nothing_joins_nobody(desk: Desk, title: str, one: str, other: str) -> None:
    desk.put("herald", title, one)
    desk.put("ledger", title, other, hours=1)
    assert desk.apart("herald", "ledger")


def test_entries_of_one_moment_with_one_boilerplate_text_are_stories_of_their_own(desk: Desk) -> None:
    text = "Readers support our reporting. Sign up for the letter that we send each Friday, and tell your friends about it."
    desk.put("untitled", text[:60], text, source="paper")
    desk.put("ferry", "Ferry sails again", text, source="paper")
    desk.put("library", "Library reopens", text, source="paper")
    assert desk.apart("untitled", "ferry", "library")


def test_the_same_headline_with_other_numbers_a_day_later_is_another_day(desk: Desk) -> None:
    desk.put("tuesday", "Oil rises 1% on supply concerns", "Brent rose 73 cents, or 1%, to $76.22 a barrel on Tuesday.")
    desk.put("wednesday", "Oil rises 1% on supply concerns", "Brent rose 80 cents, or 1.1%, to $77.12 on Wednesday.", hours=25)
    assert desk.apart("tuesday", "wednesday")


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
            "own", "Nine years on, islanders drive home again",
            "The mayor stood at the pier of Lindholm as they drove over the bridge, closed since the freighter.",
            hours=5,
        )  # fmt: skip
    assert together.together("wire", "own")
    assert apart.apart("wire", "own")


@pytest.mark.parametrize(("language", "one", "other", "text", "here", "there"), ONE_FORM, ids=[row[1] for row in ONE_FORM])
def test_one_form_is_two_stories_at_the_event_level_too(
    language: str, one: str, other: str, text: str, here: str, there: str
) -> None:
    desk = filled(Desk(Dedup(level="event")))
    desk.put("herald", one, text.format(here), language=language)
    desk.put("ledger", other, text.format(there), hours=3, language=language)
    desk.put("copy", one, text.format(here), hours=4, language=language)
    assert desk.apart("herald", "ledger")
    assert desk.together("herald", "copy")
