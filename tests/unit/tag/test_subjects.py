"""What English texts are about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aggregator.model import Slug, TagKind
from aggregator.settings import Settings, Tagging, Topic
from aggregator.tag.fields import SUBJECTS
from aggregator.tag.rules import compile_rules, warnings
from aggregator.tag.subjects import SURE, Subjects, read_seeds, stem, terms, words_of

from .stories import NOON, item, story

FOUND = Subjects()


@pytest.mark.parametrize(
    ("title", "text", "subject"),
    [
        ("Striker scores twice as league leaders win again", "", "sport"),
        ("Central bank raises interest rates to curb inflation", "", "economy"),
        (
            "Parliament votes on the coalition's reform bill",
            "The minister said the opposition would call an election.",
            "politics",
        ),
        (
            "Troops shell the town as missiles hit the front line",
            "The army said soldiers were killed in the offensive.",
            "conflict",
        ),
        ("Telescope finds water on a distant planet", "Astronomers say the galaxy survey needs a new satellite.", "sci-tech"),
        ("Hospital trials a vaccine against malaria", "Doctors said patients had no symptoms.", "health"),
        ("Jury finds the accused guilty of murder", "The judge will sentence him in court.", "crime"),
    ],
)
def test_clear_texts(title: str, text: str, subject: str) -> None:
    found, chance = FOUND.best(title, text)
    assert found == subject
    assert chance >= SURE


@pytest.mark.parametrize("title", ["", "12:30", "Zzyzx", "Not a bed to be had", "Прем'єр"])
def test_what_is_not_clear_has_no_subject(title: str) -> None:
    assert FOUND.best(title, "")[1] < SURE


def test_chances_add_up() -> None:
    chances = FOUND.probabilities("Striker scores twice", "in the final of the cup")
    assert set(chances) == set(SUBJECTS) == set(read_seeds())
    assert sum(chances.values()) == pytest.approx(1, abs=1e-4)


def test_a_story_has_at_most_two_subjects_of_its_english_items() -> None:
    sport = item("Striker scores twice as league leaders win again")
    money = item("Central bank raises interest rates to curb inflation", number=2, source="post")
    law = item("Jury finds the accused guilty of murder in court", number=3, source="blog")
    tags = FOUND.tags([sport, sport, money, money, law])
    assert [tag.value for tag in tags] == ["sport", "economy"]
    assert tags[0].reason.endswith("by the words of herald")
    assert FOUND.tags([item("Striker scores twice as league leaders win again", language="de")]) == []


def test_words_are_cut_and_stemmed() -> None:
    assert words_of("Prime-minister's £5 VOTES!") == ["prime", "minister", "s", "votes"]
    assert [stem(word) for word in ("parties", "matches", "taxes", "votes", "crisis", "virus", "press", "gas")] == [
        "party", "match", "tax", "vote", "crisis", "virus", "press", "gas",
    ]  # fmt: skip
    assert terms(["the", "prime", "ministers", "of"]) == ["prime", "minister", "prime minister"]


def configured(subjects: bool) -> Settings:
    topic = Topic(Slug("games"), "Games", "subject:sport")
    return Settings(Path("x"), (), topics=(topic,), tagging=Tagging(subjects=subjects))


def test_subjects_are_found_only_where_they_are_asked_for() -> None:
    told = story(item("Striker scores twice as league leaders win again"))
    on, off = compile_rules(configured(True)).apply(told, NOON), compile_rules(configured(False)).apply(told, NOON)
    assert (on.topics, off.topics) == (("games",), ())
    assert [tag.value for tag in on.tags if tag.kind is TagKind.SUBJECT] == ["sport"]


def test_a_rule_that_waits_for_subjects_is_warned_of() -> None:
    assert warnings(configured(True)) == []
    assert warnings(configured(False)) == ["topic games asks for subject:sport, which needs `subjects: true`"]


DESKS = {
    "ag": {"economy": "Business", "labour": "Business", "sport": "Sports", "sci-tech": "Sci/Tech", "environment": "Sci/Tech"},
    "bbc": {
        "economy": "business", "labour": "business", "sport": "sport", "sci-tech": "tech", "arts": "entertainment",
        "lifestyle": "entertainment", "human-interest": "entertainment",
    },
}  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "other", "precision", "coverage"), [("ag", "World", 0.89, 0.60), ("bbc", "politics", 0.94, 0.75)]
)
def test_subjects_agree_with_the_desks(shared: Path, name: str, other: str, precision: float, coverage: float) -> None:
    rows = [json.loads(line) for line in (shared / f"data/stories/topic_{name}.jsonl").read_text("utf-8").splitlines()]
    found = [(FOUND.best(row["title"], row["summary"]), row["label"]) for row in rows]
    sure = [DESKS[name].get(subject, other) == label for (subject, chance), label in found if chance >= SURE]
    assert sum(sure) / len(sure) >= precision
    assert len(sure) / len(rows) >= coverage
