"""Cleaning: what may leave, what may not, and that once is enough."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from aggregator.text.clean import MAX_DEPTH, Links, clean, flatten
from aggregator.text.html import RAW_TEXT, text_of

HOME = "https://harbour.example/"
BASE = HOME + "sub/page"
SAFE = 'rel="noopener noreferrer"'
SHARED_ATTRIBUTES = {
    "dir",
    "lang",
    "title",
    "alt",
    "src",
    "href",
    "rel",
    "width",
    "height",
    "colspan",
    "rowspan",
    "scope",
    "span",
    "start",
    "type",
    "value",
    "reversed",
    "datetime",
    "controls",
    "poster",
}


def cleaned(markup: str) -> str:
    return clean(markup, Links(BASE))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("plain", "plain"),
        ("1 > 0 & x", "1 &gt; 0 &amp; x"),
        ('<p class="a" style="x" id="y" onclick="z()">t</p>', "<p>t</p>"),
        ("<script>alert(1)</script><style>a{}</style><iframe src=//e.example></iframe>x", "x"),
        ("<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>", f'<img src="{HOME}sub/x">\'&gt;'),
        ("<!-- c --><![CDATA[x]]>y", "y"),
        ('<a href="/up?utm_source=x&id=1" target="_blank">u</a>', f'<a href="{HOME}up?id=1" {SAFE}>u</a>'),
        ('<a href="javascript&colon;alert(1)">x</a>', f'<a {SAFE}>x</a>'),
        ('<a href="java&Tab;script:alert(1)">x</a>', f'<a {SAFE}>x</a>'),
        ('<a href="mailto:a@b.example?subject=x">m</a>', f'<a href="mailto:a@b.example?subject=x" {SAFE}>m</a>'),
        ('<a href="https://u:p@b.example/">c</a>', f'<a {SAFE}>c</a>'),
        ('<img src="a.png" width=20 alt="A &lt; B">', f'<img src="{HOME}sub/a.png" alt="A &lt; B" width="20">'),
        ('<img src="https://t.example/p.gif" width="1" height="1">', ""),
        ('<img src="https://t.example/p.gif" style="display : none">', ""),
        ('<img src="https://pixel.wp.com/b.gif?x">', ""),
        ('<img alt="no address">', ""),
        ('<img src="data:image/png;base64,AAAA" data-src="/real.jpg">', f'<img src="{HOME}real.jpg">'),
        ('<img srcset="/s.jpg 1x, /l.jpg 2x">', f'<img src="{HOME}s.jpg">'),
        ('<video src="/v" poster="p" onplay=x()></video>', f'<video src="{HOME}v" poster="{HOME}sub/p"></video>'),
        ('<picture><source srcset="/w.webp" type="image/webp"><img src="/w.jpg"></picture>', f'<img src="{HOME}w.jpg">'),
        ("<b>unclosed <i>both", "<b>unclosed <i>both</i></b>"),
        ('<p dir="rtl" lang="ar">x</p>', '<p dir="rtl" lang="ar">x</p>'),
        ("a\x00\x1b\u202eb", "ab"),
    ],
)  # fmt: skip
def test_clean(sent: str, kept: str) -> None:
    assert cleaned(sent) == kept


ADDRESSES = st.text(st.sampled_from("aB7/._~%4&?=#-é @:"), max_size=12)


@given(st.builds("https://{}/{}".format, st.sampled_from(["cdn.example", "a.co.uk", "1.2.3.4", "-a.example"]), ADDRESSES))
def test_a_link_is_the_same_whether_it_is_seen_to_be_settled_or_taken_apart(url: str) -> None:
    """A title beside the address makes a tag that must be taken apart."""
    seen, apart = cleaned(f'<a href="{url}">x</a>'), cleaned(f'<a href="{url}" title="t">x</a>')
    assert seen == apart.replace(' title="t"', "")


@pytest.mark.parametrize(("length", "kept"), [(1000, True), (3000, True), (5000, False)])
def test_an_address_that_is_too_long_is_no_link(length: int, kept: bool) -> None:
    assert ("href" in cleaned(f'<a href="https://cdn.example/{"a" * length}">x</a>')) is kept


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_the_shortest_text_that_is_too_deep_is_flattened(depth: int) -> None:
    assert flatten("<b>" * depth + "</b>" * depth).count("<b>") == MAX_DEPTH


PIECES = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<b>",
            "</b>",
            "<div>",
            "</div>",
            "<a href='x'>",
            '<a href="https://ok.example/?utm_id=1&q=2#f">',
            "</a>",
            "<br>",
        ),
        *(
            "<img src=y>",
            '<img src="//h.example/i.png" width=1>',
            "<img src=x onerror=alert(1)>",
            "<table><td>",
            "</table>",
            "<pre>\n",
        ),
        *(
            "<svg>",
            "</svg>",
            "<math><mtext>",
            "<style>",
            "</style>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<script>",
            "</script>",
            "<title>",
        ),
        *(
            "<noscript>",
            "<template>",
            "<select>",
            "<textarea>",
            "</textarea>",
            "<form>",
            "<plaintext>",
            "<xmp>",
            '<p title="',
            "'",
            '"',
            ">",
        ),
        *(
            "<",
            "&",
            "&lt;",
            "&amp;lt;",
            "&#x3c;",
            "&nbsp;",
            "javascript:",
            "<a href=' javascript:x'>",
            "<video poster=z>",
            "<ul><li>",
            "\u00a0",
        ),
        *("text ", "\n", "é", "\u202e", "\x00", "<a href='mailto:a@b.c'>", "<source src=q>", "<details open>", "<ruby>a<rt>b"),
    ]
)
MARKUP = st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=25).map("".join)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<pre>\n\r", "\n"),
        ("<pre>\n\n  x", "\n  x"),
        ("<pre dir=rtl>&#10;&#10;x", "\nx"),
        ("<pre><script></script>\nx", "\nx"),
        ("<pre><img src=http://a.example/i width=1 height=1>\nx", "\nx"),
        ("<pre>\nx", "x"),
        ("<pre><b>\n\nx", "\n\nx"),
    ],
)
def test_preformatted_text_keeps_the_line_breaks_that_a_browser_shows(markup: str, text: str) -> None:
    once = cleaned(markup)
    assert LexborHTMLParser(once).css_first("pre").text() == text
    assert cleaned(once) == once


@given(MARKUP)
@example("<pre>\n\r")
@settings(max_examples=300)
def test_cleaning_again_changes_nothing(markup: str) -> None:
    once = cleaned(markup)
    assert cleaned(once) == once


@given(MARKUP)
@settings(max_examples=300)
def test_a_browser_finds_nothing_but_what_is_allowed(markup: str) -> None:
    tree = LexborHTMLParser(f"<!doctype html><body>{cleaned(markup)}</body>")
    for node in tree.css("body *"):
        assert node.tag not in RAW_TEXT - {"audio", "video"}
        assert set(node.attributes) <= SHARED_ATTRIBUTES, node.html
        for name in ("href", "src", "poster"):
            assert re.match(r"https?://[^@\s]+$|mailto:", node.attributes.get(name) or "https://x"), node.html


@given(MARKUP)
@settings(max_examples=200)
def test_the_text_is_that_of_the_tree(markup: str) -> None:
    once = cleaned(markup)
    body = LexborHTMLParser(f"<!doctype html><body>{once}</body>").body
    seen = body.text() if body is not None else ""
    assert "".join(text_of(once).split()) == "".join(seen.replace("\u200b", " ").replace("\ufeff", " ").split()).strip(
        "\u00ad\u2060"
    )


def test_what_is_too_deep_keeps_its_text() -> None:
    flat = flatten(cleaned("<div>" * 1000 + "deep" + "</div>" * 1000 + "<p>after</p>"))
    assert flat.count("<div>") == flat.count("</div>") == MAX_DEPTH
    assert text_of(flat) == "deep after"
    assert cleaned(flat) == flat


def test_a_limit_never_cuts_a_tag_open() -> None:
    cut = clean("<p>" + "word " * 100 + '<a href="https://harbour.example/a">link</a></p>', Links(BASE), limit=515)
    assert len(cut) <= 515 + 100
    assert cleaned(cut) == cut


@pytest.mark.parametrize(
    "part",
    [
        "<",
        "<!--",
        "&",
        "&#x",
        "&amp;",
        '<a href="',
        "<p a=1 ",
        "<b>",
        "<table><td>",
        "</p>",
        "<img ",
        "<a><div>",
        "<div>",
        "</b><p>",
    ],
)
def test_long_rubbish_is_read_in_time(part: str) -> None:
    started = time.process_time()
    cleaned(part * (100_000 // len(part)))
    assert time.process_time() - started < 0.5
