"""Countries and organisations in texts."""

from __future__ import annotations

import random
import re
from calendar import timegm
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.errors import ConfigError
from aggregator.model import TagKind
from aggregator.settings import Settings, Tagging
from aggregator.tag.entities import DATA, Entities, built_in_tests, entity_called, known_entities
from aggregator.tag.namelist import NameTest, read
from aggregator.tag.places import find_places
from aggregator.tag.rules import failed_expectations, names_in
from aggregator.text.words import tokens

from .stories import item, story

ENTITIES = Entities()


@pytest.mark.parametrize("test", built_in_tests(), ids=lambda test: test.title)
def test_the_lists_keep_the_promises_they_carry(test: NameTest) -> None:
    assert ENTITIES.failures(test) == []


def test_a_test_of_a_list_can_fail() -> None:
    assert ENTITIES.failures(NameTest("Talks in Kyiv", "", "en", ("fr",), ("ua",))) == [
        '"Talks in Kyiv" should have fr and does not',
        '"Talks in Kyiv" should not have ua and does: Kyiv in the title',
    ]


def test_a_story_has_the_entities_of_its_items_with_their_reasons() -> None:
    told = story(item("Talks in Kyiv"), item("NATO meets", "Ukraine is on the agenda.", source="post", number=2))
    tags = ENTITIES.tags(told.items)
    assert [(tag.value, tag.reason) for tag in tags] == [
        ("ua", "Kyiv in the title of herald"),
        ("nato", "NATO in the title of post"),
    ]
    assert {tag.kind for tag in tags} == {TagKind.ENTITY}


def test_what_comes_late_in_a_text_is_not_what_it_is_about() -> None:
    assert ENTITIES.find("Ministers meet", "Words. " * 60 + "Ukraine", "en") == ()


def test_a_name_in_the_lead_supports_one_in_the_title() -> None:
    assert [found.entity for found in ENTITIES.find("Georgia votes", "Polls opened in Tbilisi.", "en")] == ["ge"]
    assert ENTITIES.find("Georgia votes", "Polls opened in Atlanta.", "en")[0].entity == "us"


def test_a_story_carries_no_flood_of_entities() -> None:
    text = "France, Germany, Italy, Spain, Sweden, Norway, Finland, Iceland, Ireland, Estonia, Latvia, Lithuania, Cuba, Peru."
    assert len(ENTITIES.tags([item("All of them", text)])) == 12


def test_a_list_of_the_users(tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    path.write_text(
        """
entities:
  lee: {names: "Ada Lee, Lee?", near: "minister, cabinet"}
  acme: [Acme Corp, "Acme?"]
none: Lee Street
expect:
  - {title: Minister Lee resigns, has: [lee]}
  - {title: Shops on Lee Street, not: [lee]}
  - {title: Acme opens, has: [acme]}
""",
        "utf-8",
    )
    settings = Settings(Path("feeds.yaml"), (), tagging=Tagging(entities_file=path))
    assert [message for _, message in failed_expectations(settings)] == [f'{path}: "Acme opens" should have acme and does not']
    assert names_in(settings).entities == {"lee", "acme"}
    own = Entities(path)
    assert own.failed_tests() == ['"Acme opens" should have acme and does not']
    assert [found.entity for found in own.find("Ada Lee visits Oslo", "", "en")] == ["lee", "no"]
    assert [found.entity for found in own.find("Ada Lee besucht Norwegen", "", "de")] == ["lee", "no"]


DAY = 86_400.0
JUNE_2023, JUNE_2025, JUNE_2027 = (timegm((year, 6, 14, 12, 0, 0)) for year in (2023, 2025, 2027))


def values(title: str, at: float | None, entities: Entities = ENTITIES, text: str = "") -> list[str]:
    return [found.entity for found in entities.find(title, text, "en", at)]


def test_a_head_of_state_stands_for_a_country_in_office_alone() -> None:
    assert values("Biden signs the budget", JUNE_2023) == ["us"]
    assert values("Biden signs the budget", JUNE_2025) == []
    assert values("Trump speaks", JUNE_2023) == []
    assert values("Trump speaks", JUNE_2025) == ["us"]
    assert values("Trump speaks", None) == []
    assert values("Biden on US budget", JUNE_2025) == ["us"], "the country's own name still counts"


def test_a_story_is_tagged_with_who_was_in_office_when_its_reports_came() -> None:
    report = item("Joe Biden speaks", published=JUNE_2023)
    assert [(tag.value, tag.reason) for tag in ENTITIES.tags([report])] == [("us", "Joe Biden in the title of herald")]
    assert ENTITIES.tags([item("Joe Biden speaks", published=JUNE_2027)]) == []
    assert ENTITIES.tags([replace(report, undated=True)]) == [], "nobody knows when an undated report is from"


def test_a_list_of_people_of_the_users_replaces_the_one_that_comes_along(tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    path.write_text("people:\n  se: {names: Ada Lee, from: 2026-09-13, until: 2027-06-14}\n", "utf-8")
    own = Entities(path)
    assert values("Ada Lee speaks", JUNE_2027, own) == ["se"]
    assert values("Ada Lee speaks", JUNE_2027 + DAY, own) == []
    assert values("Biden signs the budget", JUNE_2023, own) == []
    path.write_text("entities: {acme: Acme}\npeople:\n", "utf-8")
    assert values("Biden signs the budget", JUNE_2023, Entities(path)) == []
    path.write_text("entities: {acme: Acme}\n", "utf-8")
    assert values("Biden signs the budget", JUNE_2023, Entities(path)) == ["us"]


def test_everybody_in_the_list_that_comes_along_leaves_office() -> None:
    people = read(DATA / "people.yaml").people
    assert people
    assert all(name.term is not None and name.term.last < date(2031, 1, 1) for name in people)


FIRMS = frozenset(("fed", "intel", "meta", "amazon", "apple", "sony", "shell", "target", "oracle", "visa", "nike"))


def headlines() -> list[tuple[str, str, str]]:
    """(firm or "-", headline, language), half of them about something else of that name."""
    rows = (Path(__file__).with_name("headlines.tsv")).read_text("utf-8").splitlines()
    return [(firm, title, language or "en") for firm, title, language in ((*row.split("\t"), "")[:3] for row in rows)]


def test_firms_that_are_called_like_common_words_are_told_from_them() -> None:
    right = wrong = missed = 0
    for firm, title, language in headlines():
        found = {one.entity for one in ENTITIES.find(title, "", language)} & FIRMS
        right += firm in found
        missed += firm != "-" and firm not in found
        wrong += firm == "-" and bool(found)
    assert right / (right + wrong) >= 0.97
    assert right / (right + missed) >= 0.9


@pytest.mark.parametrize(
    ("title", "text", "entities"),
    [
        ("Apple sues supplier", "", ["apple"]),
        ("Apple growers sue supplier", "", []),
        ("Fiona Apple sues label", "", []),
        ("An Apple to sue for", "", []),
        ("Is Apple planning a ring?", "", ["apple"]),
        ("Lawyers quit Apple", "", ["apple"]),
        ("Prices at Apple, Google and Meta", "", ["apple", "google", "meta"]),
        ("Apple in the news", "The maker of the iPhone is sued.", ["apple"]),
        ("Apple in the news", "The growers meet.", []),
        ("Amazon wins land back", "The forest grows again.", []),
        ("Amazon wins case", "The retailer was sued.", ["amazon"]),
    ],
)
def test_what_tells_a_firm_from_a_common_word(title: str, text: str, entities: list[str]) -> None:
    assert [found.entity for found in ENTITIES.find(title, text, "en")] == entities


def test_a_name_that_is_no_word_in_a_language_always_counts_there() -> None:
    assert [found.entity for found in ENTITIES.find("Apple im Herbst", "", "de")] == ["apple"]
    assert ENTITIES.find("Meta en el horizonte", "", "es") == ()


def test_a_firm_of_the_users_own_list_needs_to_act(tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    path.write_text('entities:\n  harbour: {names: "Harbour!", near: cargo, unless: lights, common: en}\n', "utf-8")
    own = Entities(path)
    assert values("Harbour sues rival", None, own) == ["harbour"]
    assert values("Harbour sues rival over lights", None, own) == []
    assert values("Harbour at night", None, own) == []
    assert values("Harbour at night", None, own, "The cargo line expands.") == ["harbour"]
    assert [found.entity for found in own.find("Harbour am Abend", "", "de")] == ["harbour"]


def test_people_are_weaker_evidence_than_countries_when_reports_are_compared() -> None:
    """They say that a report tells of a country, never that its title names another one than the next report's."""
    found = find_places("Biden and Putin speak of Peru", "", "en")
    assert {place.code: place.in_title for place in found} == {"us": False, "ru": False, "pe": True}
    assert [place.in_title for place in find_places("Putin speaks in Russia", "", "en")] == [True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("people: {us: Joe Biden}", "each row has names, from and until"),
        ("people: {us: {names: Joe Biden, from: 2021-01-20}}", "each row has names, from and until"),
        ("people: {us: {names: Joe Biden, from: 2021, until: 2025-01-20}}", "us: from is no date"),
        ("people: {us: {names: Joe Biden, from: 2025-01-20, until: 2021-01-20}}", "until is before from"),
        ("people: [us]", "people: a mapping"),
        ("people: {on: {names: x, from: 2025-01-20, until: 2026-01-20}}", "put it in quotes"),
        ("none: x", "mapping `entities:`"),
        ("entities: {a: {names: x, nere: y}}", "a: unknown key nere"),
        ("entities: {a: x}\nexpect: [{title: x, date: soon}]", "expect: date is no date"),
        ("[]", "mapping `entities:`"),
        ("entities: {a: 5}", "a: names are texts"),
        ("entities: {a: [x, 7]}", "a: names are texts"),
        ("entities: {on: x}", "put it in quotes"),
        ("entities: {a: x}\nexpct: []", "unknown key expct"),
        ("entities: {a: x}\nexpect: [{titel: x}]", "expect: a list"),
        ("entities: {a: [x}", "not YAML"),
    ],
)
def test_a_bad_list_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "names.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=re.escape(words)):
        Entities(path)


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        Entities(tmp_path / "none.yaml")


def test_names_are_known_by_what_they_are_called() -> None:
    assert {"ua", "no", "nato", "eu"} <= known_entities()
    assert (entity_called("ukraine"), entity_called("NATO"), entity_called("south-korea"), entity_called("xyz")) == (
        "ua",
        "nato",
        "kr",
        None,
    )


def test_any_text_can_be_read() -> None:
    chance = random.Random(1)
    letters = "Ukraine US U.K. Georgia's Polish , . — ’ 東京 Украйна ÜÄ \n\t"
    for _ in range(300):
        text = "".join(chance.choices(letters, k=40))
        for language in ("en", "pl", "ja", "und"):
            for found in ENTITIES.find(text, text[::-1], language):
                assert found.entity in known_entities()
                assert tokens(found.written)


def test_the_list_that_the_documentation_shows_holds(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "tags.md").read_text("utf-8")
    path = tmp_path / "names.yaml"
    shown = re.findall(r"```yaml\n# names.yaml\n(.*?)```", page, re.DOTALL)
    for text, entities in zip(shown, ({"zelensky", "lee", "acme", "harbour"}, {"us", "se"}), strict=True):
        path.write_text(text, "utf-8")
        own = Entities(path)
        assert own.own.entities == entities
        assert own.failed_tests() == []
