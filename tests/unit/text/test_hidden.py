"""What a sender hides is in no text."""

from __future__ import annotations

import time

import pytest

from aggregator.text.clean import Links, clean

SHOWN = "<p>Good morning.</p>"


def cleaned(markup: str) -> str:
    return clean(markup, Links("https://letter.example/"))


@pytest.mark.parametrize(
    "attributes",
    [
        'style="display:none"',
        'style="color:#fff; DISPLAY : NONE !important; font-size:1px"',
        "hidden",
        'style="visibility:hidden"',
        'style="mso-hide:all"',
        'style="max-height:0px;overflow:hidden"',
        'style="height:0;width:0;overflow:hidden;opacity:0"',
        'style="font-size:1px;line-height:1px;color:#ffffff"',
        'style="font-size:0"',
    ],
)
@pytest.mark.parametrize("name", ["div", "span", "p", "td"])
def test_preheaders_are_taken_out_with_all_they_hold(name: str, attributes: str) -> None:
    hidden = f"<{name} {attributes}>In this <b>letter</b>: tides. &zwnj;&nbsp;&#847;</{name}>"
    markup = f"<table><tr>{hidden}<td>{SHOWN}</td></tr></table>" if name == "td" else hidden + SHOWN
    found = cleaned(markup)
    assert "tides" not in found and "letter" not in found
    assert SHOWN in found and "style" not in found and "hidden" not in found


@pytest.mark.parametrize(
    "markup",
    [
        '<table><tr><td style="font-size:0px;padding:9px"><div style="font-size:13px">Tides</div></td></tr></table>',
        '<div style="font-size:0"><img src="https://letter.example/p.jpg" alt="Tides"></div>',
        '<div style="mso-hide:all"><a href="https://letter.example/">Tides</a></div>',
        '<div style="max-height:0">Tides</div>',
        '<div style="height:10px;overflow:hidden">Tides</div>',
        '<div style="font-size:11px">Tides</div>',
        '<div style="display:block">Tides</div>',
        '<p style="width:100%">Tides</p>',
    ],
)
def test_what_is_seen_stays_without_its_style(markup: str) -> None:
    found = cleaned(markup + SHOWN)
    assert "Tides" in found and "style" not in found


def test_a_text_that_is_hidden_as_a_whole_is_shown() -> None:
    assert cleaned('<div style="display:none"><p style="color:red">Tides</p></div>') == "<div><p>Tides</p></div>"
    assert cleaned('<div style="display:none">Tides</div><p>&nbsp;</p>') == "<div>Tides</div><p>&nbsp;</p>"


def test_cleaning_again_changes_nothing() -> None:
    sent = f'<div style="display:none">a</div><a style="width:1px" href="/x">b</a><img style="width:5px" src="/i.png">{SHOWN}'
    once = cleaned(sent)
    assert cleaned(once) == once
    assert once.startswith(
        '<a href="https://letter.example/x" rel="noopener noreferrer">b</a><img src="https://letter.example/i.png">'
    )


@pytest.mark.parametrize(
    "piece", ['<div style="font-size:0">x', '<p style="display:none">x</p>', '<b style="mso-hide:all">x</b>']
)
def test_no_markup_takes_long(piece: str) -> None:
    markup = piece * 20_000
    began = time.process_time()
    cleaned(markup)
    assert time.process_time() - began < 3
