"""What feeds add to a text is no part of an excerpt; what belongs to it stays."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aggregator.text.clean import Links, clean
from aggregator.text.debris import without_debris

URL = "https://blog.example/2023/06/nato-pact"
SELF = f'<a href="{URL}" rel="noopener noreferrer">'
HOME = '<a href="https://blog.example/" rel="noopener noreferrer">'
TITLE = "NATO nears a pact"
TEXT = "<p>Allies met.</p>"


def tidied(sent: str) -> str:
    return without_debris(clean(sent, Links(URL)), TITLE, (URL, "https://news.ycombinator.com/item?id=1"))


@pytest.mark.parametrize(
    "debris",
    [
        f'<p><a href="{URL}">Read more</a></p>',
        f'<p><a href="{URL}#more-12">Weiterlesen »</a></p>',
        f'<p><a href="{URL}/?utm_source=rss">続きを読む</a></p>',
        f'<p class="m"><strong><a href="{URL}">Читать далее</a> &gt;</strong></p>',
        f'<p>[<a href="{URL}">Lire la suite</a>]</p>',
        f'<div><span><a href="{URL}">Seguir leyendo</a></span></div>',
        f'<p><a href="{URL}">Continue reading <span>“NATO nears a pact” and all else that was said there</span></a></p>',
        f"<br><br><a href='{URL}'>Lees meer</a>",
        '<p><a href="https://feeds.example/~r/x/1">Continue reading…</a></p>',
        f'<p>The post <a href="{URL}">{TITLE}</a> appeared first on <a href="https://blog.example">Blog</a>.</p>',
        f'<p><em>Der Beitrag <a href="{URL}">{TITLE}</a> erschien zuerst auf <a href="https://blog.example/">Blog</a>.</em></p>',
        f'<p>{TITLE} เป็นของ <a href="{URL}">{TITLE}</a> <a href="https://www.blog.example/">Blog</a></p>',
        f"<p>The post {TITLE} appeared first on Blog.</p>",
        f"<p>O post {TITLE} apareceu primeiro em Blog.</p>",
        f'<p><a href="{URL}">Leia mais</a></p><p>The post <a href="{URL}">x</a> appeared first on <a href="https://blog.example/">B</a>.</p>',
        f'<p><a href="{URL}?utm_source=rss1.0moreanon">Read more of this story</a> at Slashdot.</p>',
        f"<p>This article originally appeared on Blog at {URL}?src=rss</p>",
        "<p>Read more</p>",
        "<p>Continue reading…</p>",
        '<p><a href="https://lobste.rs/s/abc123">Comments</a></p>',
        f'<p>Article URL: <a href="{URL}">{URL}</a></p>\n<p>Comments URL: <a href="https://news.ycombinator.com/item?id=1">'
        "https://news.ycombinator.com/item?id=1</a></p>\n<p>Points: 120</p>\n<p># Comments: 44</p>",
        '&#32; submitted by &#32; <a href="https://www.reddit.com/user/ines"> /u/ines </a> &#32; to &#32; '
        f'<a href="https://www.reddit.com/r/europe/"> r/europe </a> <br/> <span><a href="{URL}">[link]</a></span> &#32; '
        '<span><a href="https://www.reddit.com/r/europe/comments/14/x/">[comments]</a></span>',
        "<p>&nbsp;</p><hr>",
    ],
)
def test_debris_is_taken_out(debris: str) -> None:
    assert tidied(TEXT + debris) == TEXT
    assert tidied(f"<div>{TEXT}{debris}</div>") == f"<div>{TEXT}</div>"


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        (f'<p>Allies met […] <a href="{URL}">Czytaj dalej</a></p>', "<p>Allies met […]</p>"),
        (f'<p>Allies met. (<a href="{URL}">Mehr</a>)</p>', "<p>Allies met.</p>"),
        ("Allies met… Read more »", "Allies met…"),
        (f"Allies met. The post {TITLE} appeared first on Blog.", "Allies met."),
        (f'<a href="{URL}">Comments</a>', ""),
        ('<p><a href="https://news.ycombinator.com/item?id=1">Comments</a></p>', ""),
    ],
)
def test_debris_within_a_paragraph(sent: str, left: str) -> None:
    assert tidied(sent) == left


@pytest.mark.parametrize(
    "text",
    [
        f'<p>Allies met at <a href="{URL}" rel="noopener noreferrer">the summit</a></p>',
        f"<p>{SELF}Allies met in Vilnius and spoke of many things that they had not spoken of before, it is said.</a></p>",
        f'<p>{SELF}<img src="https://blog.example/p.jpg" alt=""></a></p>',
        '<p>Allies met.</p><p>See <a href="https://other.example/" rel="noopener noreferrer">another report</a></p>',
        '<p>Allies met.</p><p><a href="https://other.example/x" rel="noopener noreferrer">Another report</a></p>',
        f"<p>{SELF}The first</a> and {HOME}the last</a> of many words that are no credit, but tell what "
        "it is about and go on for a while.</p>",
        "<p>He told them to read more</p>",
        f"<p>{SELF}The summit</a> has ended.</p>",
        f"<p>{SELF}The summit</a> ended as it had begun, with a quarrel over who may sit at which table.</p>",
        "<p>The post office appeared first on the list of what is to be closed.</p><p>Allies met.</p>",
        "<p>Points: 5 to 3 for the home team</p>",
    ],
)
def test_what_tells_something_stays(text: str) -> None:
    assert tidied(text) == text


MARKUP = some.lists(
    some.sampled_from(
        [
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<em>",
            "</em>",
            "<br>",
            "&nbsp;",
            SELF,
            HOME,
            "</a>",
            "x.",
            "…",
            "Read more",
            "<li>",
            "[",
            " ",
        ]
    ),
    max_size=24,
).map("".join)


@given(MARKUP)
def test_what_is_left_is_clean_html(sent: str) -> None:
    left = tidied(sent)
    assert clean(left, Links(URL)) == left
    assert bare(clean(sent, Links(URL))).startswith(bare(left)), "only an end is taken away"


def bare(markup: str) -> str:
    return "".join(re.sub(r"<[^<>]*>|&nbsp;", " ", markup).split())


@pytest.mark.parametrize(
    "piece",
    [
        " ",
        "&nbsp;",
        "<br>",
        "<p>",
        "<p> </p>",
        SELF + "x</a>",
        SELF,
        ".",
        "'",
        "The post ",
        "<em>",
        "]",
        "submitted by ",
        "<p>Points: 1 ",
    ],
)
def test_no_markup_takes_long(piece: str) -> None:
    markup = clean("x" + piece * 20_000, Links(URL))
    began = time.process_time()
    without_debris(markup, TITLE, (URL,))
    assert time.process_time() - began < 0.5
