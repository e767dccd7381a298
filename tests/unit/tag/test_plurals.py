"""`plurals:en`: words in singular and plural."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Slug, Source, SourceId
from aggregator.settings import Settings, Topic
from aggregator.tag.plurals import forms
from aggregator.tag.query import Query
from aggregator.tag.rules import compile_rules

from .stories import NOON, item, story

PAIRS = [
    ("tariff", "tariffs"), ("country", "countries"), ("day", "days"), ("tax", "taxes"), ("crash", "crashes"),
    ("church", "churches"),
    ("class", "classes"), ("virus", "viruses"), ("house", "houses"), ("case", "cases"), ("veto", "vetoes"), ("photo", "photos"),
    ("movie", "movies"), ("employee", "employees"), ("refugee", "refugees"), ("monarch", "monarchs"), ("gas", "gases"),
    ("cache", "caches"), ("shoe", "shoes"), ("quiz", "quizes"), ("monkey", "monkeys"), ("air-strike", "air strikes"),
]  # fmt: skip
APART = [
    ("man", "men"), ("crisis", "crises"), ("knife", "knives"), ("stat", "status"), ("clas", "class"), ("party", "partying"),
    ("art", "artist"), ("hi", "his"), ("кот", "коты"), ("un", "uns"), ("mp3", "mp3s"), ("day", "daies"),
]  # fmt: skip


def has(query: str, title: str) -> bool:
    return Query(query).matches(story(item(title)), NOON)


@pytest.mark.parametrize(("singular", "plural"), PAIRS)
def test_a_word_finds_its_other_form(singular: str, plural: str) -> None:
    hyphened = plural.replace(" ", "-")
    assert has(f"plurals:en {singular}", f"The {plural} here")
    assert has(f"{hyphened} plurals:en", f"A {singular} here")
    assert not has(singular, f"The {plural} here"), "only if asked for"


@pytest.mark.parametrize(("one", "other"), APART)
def test_what_the_rule_does_not_join(one: str, other: str) -> None:
    assert not has(f"plurals:en {one}", f"The {other} here")
    assert not has(f"plurals:en {other}", f"The {one} here")


@pytest.mark.parametrize(
    ("query", "title", "matches"),
    [
        ("plurals:en news", "A new day", True),  # the rule knows endings, not words
        ('plurals:en "news"', "A new day", False),
        ('plurals:en "new day"', "New days", False),
        ("plurals:en tarif*", "Tariffs", True),
        ("plurals:en tariffs*", "A tariff", False),
        ("plurals:en .NET", "The nets", False),
        ("plurals:en U.S.", "U.S. talks", True),
        ("plurals:en -tariff", "Tariffs rise", False),
        ("plurals:en -(tariff steel)", "Tariffs on steels", False),
        ("plurals:en title:tariff", "Tariffs rise", True),
        ("plurals:en body:tariff", "Tariffs rise", False),
        ("plurals:en tariff NEAR/1 bank", "Banks and tariffs", True),
        ("plurals:en lead:tariff", "Tariffs rise", True),
        ("plurals:en outlets(tariff)>=1", "Tariffs rise", True),
        ("steel OR tariff plurals:en", "Tariffs rise", True),
        ("tariff plurals:en OR steel", "Steels rise", True),
        ("PLURALS:EN Tariff", "TARIFFS", True),
        ("plurals:en russia's", "Two Russias", True),
    ],
)
def test_what_has_forms(query: str, title: str, matches: bool) -> None:
    assert has(query, title) is matches


def test_names_of_authors_have_no_plural() -> None:
    told = story(item("Storm", author="Ada Bergs"))
    assert not Query("plurals:en author:berg").matches(told, NOON)
    assert Query("plurals:en author:bergs").matches(told, NOON)


def test_the_explanation_names_the_form_that_was_found() -> None:
    explanation = Query("plurals:en tariff").explain(story(item("Tariffs rise")), NOON)
    assert explanation.branch == "tariffs in the title"
    assert Query("plurals:en tariff").explain(story(item("Rise")), NOON).branch == "none of tariff, tariffs"


def test_topics_and_filters_have_plurals() -> None:
    source = Source(SourceId("herald"), "https://herald.example/feed", drop="plurals:en horoscope")
    rules = compile_rules(Settings(Path("x"), (source,), topics=(Topic(Slug("t"), "T", "plurals:en tariff bank"),)))
    assert rules.apply(story(item("Banks fear tariffs")), NOON).topics == ("t",)
    assert rules.rejected(source, item("Horoscopes for June")) == "drop plurals:en horoscope"


@given(word=st.text("aeirsxyhouc", min_size=1, max_size=7))
def test_each_form_finds_back(word: str) -> None:
    assert forms(word)[0] == word
    assert all(word in forms(form) for form in forms(word))
    assert len(set(forms(word))) == len(forms(word)) <= 5
