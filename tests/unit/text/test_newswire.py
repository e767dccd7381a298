"""Desks' dressing: what is taken off a report before two copies are compared, and what names its agency."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.newswire import bare_title, find_agency, is_generic, without_dateline
from aggregator.text.words import tokens


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("WASHINGTON, Feb 26 - The bridge opened.", "The bridge opened."),
        ("Scarborough, Ontario, Feb 26 - The bridge opened.", "The bridge opened."),
        ("LONDON (Reuters) - The bridge opened.", "The bridge opened."),
        ("OSLO, June 15 (Reuters) -- The bridge opened.", "The bridge opened."),
        ("(AP) — The bridge opened.", "The bridge opened."),
        ("Berlin (dpa/lno) - Die Brücke ist offen.", "Die Brücke ist offen."),
        ("NEW YORK -- The bridge opened.", "The bridge opened."),
        ("The bridge - a long one - opened.", "The bridge - a long one - opened."),
        ("It opened in June.", "It opened in June."),
    ],
)
def test_datelines_go(text: str, bare: str) -> None:
    assert without_dateline(text) == bare


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("UPDATE 2-Harbour bridge opens to traffic - Daily News", "Harbour bridge opens to traffic"),
        ("Harbour bridge opens | The Daily", "Harbour bridge opens"),
        ("(dpa) Brücke am Hafen ist offen", "Brücke am Hafen ist offen"),
        ("BREAKING: Harbour bridge opens", "Harbour bridge opens"),
        ("Meier - Schulz", "Meier - Schulz"),
        ("Harbour bridge opens - a long day for all who waited", "Harbour bridge opens - a long day for all who waited"),
    ],
)
def test_prefixes_and_suffixes_of_headlines_go(title: str, bare: str) -> None:
    assert bare_title(title) == bare


@pytest.mark.parametrize(
    ("title", "generic"),
    [
        ("Morning briefing", True),
        ("Photos of the day", True),
        ("The week in pictures", True),
        ("Weather forecast for June 15", True),
        ("Monday's crossword", True),
        ("", True),
        ("News of the bridge that closes", False),
        ("Markets fall after bridge closes", False),
        ("Pogoda na dziś", True),
    ],
)
def test_columns_are_generic(title: str, generic: bool) -> None:
    assert is_generic(title, tokens(title)) is generic


@given(st.text(max_size=200))
def test_nothing_raises_and_nothing_is_lost_whole(text: str) -> None:
    assert without_dateline(text) or not text
    assert bare_title(text) or not text
    assert find_agency(text, (text,)) is None or text
    is_generic(text, tokens(text))
