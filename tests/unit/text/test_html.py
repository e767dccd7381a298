"""Text out of HTML, and titles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.html import from_text, has_markup, text_of
from aggregator.text.titles import title_text


@pytest.mark.parametrize(
    ("value", "text", "html", "maybe"),
    [
        ("Plain words", "Plain words", "Plain words", "Plain words"),
        ("AT&amp;T &#8217;s", "AT&T ’s", "AT&T ’s", "AT&T ’s"),
        ("R&D and ?a=1&copy=2", "R&D and ?a=1&copy=2", "R&D and ?a=1©=2", "R&D and ?a=1&copy=2"),
        ("Use of <b> here", "Use of <b> here", "Use of here", "Use of here"),
        ("vector<int> x < y > z", "vector<int> x < y > z", "vector<int> x < y > z", "vector<int> x < y > z"),
        ("a <b>bold</b> word", "a <b>bold</b> word", "a bold word", "a bold word"),
        ("&lt;i&gt; once", "<i> once", "<i> once", "<i> once"),
        ("&amp;lt;i&amp;gt; twice", "&lt;i&gt; twice", "&lt;i&gt; twice", "&lt;i&gt; twice"),
        ("<script>alert(1)</script> end", "end", "end", "end"),
        ('x <img src=a onerror="b()"> end', "x end", "x end", "x end"),
        ("&lt;img src=x onerror=alert(1)&gt; end", "end", "end", "end"),
        ("one<br>two<p>three", "one<br>two<p>three", "one two three", "one two three"),
        ("", "", "", ""),
    ],
)
def test_titles_are_decoded_once_as_their_kind_says(value: str, text: str, html: str, maybe: str) -> None:
    assert (title_text(value, "text"), title_text(value, "html"), title_text(value, "maybe")) == (text, html, maybe)


@given(st.text(alphabet="<>&;/ab pr=\"'!-#x1", max_size=60))
def test_titles_never_keep_a_tag_with_attributes(value: str) -> None:
    for kind in ("text", "html", "maybe"):
        assert "<script" not in title_text(value, kind)  # type: ignore[arg-type]


def test_words_of_blocks_stay_apart_and_those_of_inline_elements_together() -> None:
    cleaned = "<p><span>T</span>he end</p><ul><li>one</li><li>two &amp; &lt;3</li></ul>a<br>b<table><tr><td>c<td>d</table>"
    assert text_of(cleaned) == "The end one two & <3 a b c d"


def test_an_escaped_reference_in_text_is_undone_once() -> None:
    assert text_of("<p>&amp;lt; &amp;amp;</p>") == "&lt; &amp;"


def test_plain_text_becomes_paragraphs() -> None:
    assert from_text("one <two>") == "one &lt;two&gt;"
    assert from_text("one\ntwo\r\n\r\nthree") == "<p>one<br>two</p><p>three</p>"


def test_markup_is_what_a_common_element_is_in() -> None:
    assert has_markup("a</p>")
    assert has_markup("<IMG src=x>")
    assert not has_markup("1 < 2 > 0, vector<int>, <3")
