"""The phrases that are added to stories, in each language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import asdict

from aggregator.publish.entry.wording import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_phrase_has_places_for_what_the_english_one_takes(language: str) -> None:
    english = asdict(LANGUAGES["en"])
    phrases = asdict(LANGUAGES[language])
    assert {name: phrase.count("{}") for name, phrase in phrases.items()} == {
        name: phrase.count("{}") for name, phrase in english.items()
    }
    assert all(phrases.values())


def test_the_reference_names_all_languages() -> None:
    reference = (Path(__file__).parents[3] / "docs" / "config.md").read_text("utf-8")
    [listed] = re.findall(r"There are phrases in (.*?);", reference)
    assert set(re.findall("`([a-z]+)`", listed)) == LANGUAGES.keys()
