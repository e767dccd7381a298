"""Words that say nothing by themselves."""

from __future__ import annotations

import pytest

from aggregator.text.function_words import is_function_word


@pytest.mark.parametrize(
    ("word", "language", "is_one"),
    [
        ("the", "en", True),
        ("The", "en-GB", True),
        ("in", "en", True),
        ("It’s", "en", True),
        ("die", "de", True),
        ("die", "en", False),
        ("WHO", "en", False),
        ("US", "en", False),
        ("ferry", "en", False),
        ("the", "und", True),
        ("the", "ja", True),
    ],
)
def test_is_function_word(word: str, language: str, is_one: bool) -> None:
    assert is_function_word(word, language) is is_one
