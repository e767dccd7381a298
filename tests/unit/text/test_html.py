"""Text out of HTML, and titles."""

from __future__ import annotations

import html
import re
import time

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


@pytest.mark.parametrize(
    "title",
    [
        *(f"Why <{name}> beats a list" for name in ("style", "script", "textarea", "title", "xmp", "noscript", "iframe")),
        *(f"About </{name}> and <{name}> alike" for name in ("svg", "select", "template", "noembed", "STYLE")),
        "How <!DOCTYPE html> came to be", "Never closed: <!-- of", "Never closed: <![CDATA[ of", "<?php is 30",
        "Is <plaintext> gone?", "Is 1 <b and b in 2?",
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "<b>Note:</b> ", "<p>", "&lt;p&gt; "])
def test_what_a_headline_says_of_tags_stays(title: str, before: str) -> None:
    whole = {"": "", "<p>": "", "<b>Note:</b> ": "Note: ", "&lt;p&gt; ": "<p> "}[before] + title
    assert (title_text(before + title, "html"), title_text(before + title)) == (whole, whole)
    assert title_text(title, "text") == title_text(html.escape(title, quote=False)) == title


FORGOTTEN = re.compile(r"<script\b[^<>]*>.*?</script[^<>]*>|<[a-z]\w*[\s/][^<>=]*=[^<>]*>", re.I | re.S)


@given(
    st.lists(
        st.sampled_from(["<script>", "</script>", "<scr", "ipt>", "<b ", "=1>", "<", ">", "x", "&lt;", "/", "<p>"]), max_size=25
    )
)
def test_titles_never_keep_a_whole_script_or_a_tag_with_attributes(parts: list[str]) -> None:
    for kind in ("text", "html", "maybe"):
        assert not FORGOTTEN.search(title_text("".join(parts), kind))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "part", ["<!--", "<![CDATA[", "<script>", "<b><style>", "<a ", "</script", "<?xml ", "<script></script>"]
)
def test_a_title_of_openings_takes_linear_time(part: str) -> None:
    begun = time.process_time()
    for _ in range(25):
        title_text(part * (4_000 // len(part)) + "-->]]></script", "html")
    assert time.process_time() - begun < 2


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
