"""Characters: what never leaves a feed, and what must stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.chars import one_line, scrub, shorten


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a\x00\x07\x1b[2Jb\x7f", "a[2Jb"),
        ("don\x92t \x9b31m", "don’t ›31m"),  # Windows-1252 taken for Latin-1
        ("\u202egpj.exe\u202c \u2067x", "gpj.exe x"),
        ("a\ud800b\udfffc\ufdd0\ufffe\uffff", "abc"),
        ("line\r\n\ttab", "line\r\n\ttab"),
        (
            "\u0627\u0644\u0639\u0631 \U0001f468\u200d\U0001f469 \u0915\u094d\u200d\u0937",
            "\u0627\u0644\u0639\u0631 \U0001f468\u200d\U0001f469 \u0915\u094d\u200d\u0937",
        ),
    ],
)
def test_scrub(sent: str, kept: str) -> None:
    assert scrub(sent) == kept


@given(st.text(alphabet=st.characters(codec=None)))
def test_scrubbed_text_can_be_written_as_xml_and_scrubbing_again_changes_nothing(text: str) -> None:
    clean = scrub(text)
    clean.encode("utf-8")
    assert not any(ord(sign) < 32 and sign not in "\t\n\r" for sign in clean)
    assert scrub(clean) == clean


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        ("  a \n\t b\u00a0\u2003 c ", "a b c"),
        ("\ufeff\u200b\u00ad\u2060 word\u200bword", "word word"),
        ("so\u00adft \u200d", "so\u00adft \u200d"),
        ("a\u2028b\x85c", "a b c"),
    ],
)
def test_one_line(sent: str, line: str) -> None:
    assert one_line(sent) == line


def test_shortening_ends_at_a_word_and_says_so() -> None:
    assert shorten("one two three", 50) == "one two three"
    assert shorten("one two three", 10) == "one two…"
    assert shorten("x" * 100, 10) == "x" * 9 + "…"
    assert len(one_line("word " * 1000, 500)) <= 500
