"""The phrases that are added to stories, in each language."""

from __future__ import annotations

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
