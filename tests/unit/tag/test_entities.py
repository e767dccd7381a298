"""Countries and organisations in texts."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from aggregator.errors import ConfigError
from aggregator.model import TagKind
from aggregator.settings import Settings, Tagging
from aggregator.tag.entities import Entities, built_in_tests, entity_called, known_entities
from aggregator.tag.namelist import NameTest
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
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
    (shown,) = re.findall(r"```yaml\n# names.yaml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "names.yaml"
    path.write_text(shown, "utf-8")
    own = Entities(path)
    assert own.own.entities == {"zelensky", "lee", "acme"}
    assert own.failed_tests() == []
