"""Small documents of all formats, as a subscriber would see them."""

from __future__ import annotations

from aggregator.model import Fault, FaultKind, Feed, Fetched
from aggregator.parse.read import read_document

URL = "https://news.example.org/feeds/all.xml"


def read(text: str | bytes, content_type: str | None = None, known: frozenset[bytes] = frozenset()) -> Feed | Fault:
    body = text.encode() if isinstance(text, str) else text
    headers = (("content-type", content_type),) if content_type else ()
    return read_document(Fetched(URL, 200, headers, body), known)


def feed(text: str | bytes, content_type: str | None = None) -> Feed:
    result = read(text, content_type)
    assert isinstance(result, Feed), result
    return result


def fault(text: str | bytes) -> Fault:
    result = read(text)
    assert isinstance(result, Fault), result
    return result


def rss(items: str, channel: str = "") -> str:
    return f'<rss version="2.0"><channel><title>Harbour News</title><link>https://news.example.org/</link>{channel}{items}</channel></rss>'


def test_known_entries_come_back_as_fingerprints() -> None:
    text = rss("<item><guid>1</guid><title>One</title></item><item><guid>2</guid><title>Two</title></item>")
    first = feed(text)
    again = read(text, known=frozenset([first.entries[0].fingerprint]))
    assert isinstance(again, Feed)
    assert [entry.title for entry in again.entries] == ["Two"]
    assert again.unchanged == (first.entries[0].fingerprint,)


def test_fingerprint_moves_with_what_the_entry_says_and_with_nothing_else() -> None:
    known = frozenset([feed(rss("<item><guid>1</guid><title>One</title></item>")).entries[0].fingerprint])
    counted = read(
        rss(
            '<item><guid>1</guid><title>One</title><slash:comments xmlns:slash="http://purl.org/rss/1.0/modules/slash/">9</slash:comments></item>'
        ),
        known=known,
    )
    edited = read(rss("<item><guid>1</guid><title>One, corrected</title></item>"), known=known)
    assert isinstance(counted, Feed) and counted.unchanged == tuple(known) and not counted.entries
    assert isinstance(edited, Feed) and not edited.unchanged and edited.entries[0].title == "One, corrected"


def test_declared_entities_are_refused_and_say_so() -> None:
    found = fault('<!DOCTYPE rss [<!ENTITY a "ha">]>' + rss("<item><title>&a;</title></item>"))
    assert found.kind == FaultKind.PARSE
    assert "entities" in found.detail


def test_a_plain_doctype_is_harmless() -> None:
    assert (
        len(
            feed(
                '<?xml version="1.0"?><!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">' + rss("<item><title>a</title></item>")
            ).entries
        )
        == 1
    )


def test_html_names_are_mended() -> None:
    found = feed(rss("<item><title>Caf&eacute;&nbsp;&mdash; open & warm</title></item>"))
    assert found.entries[0].title == "Café — open & warm"
    assert found.warnings[0].startswith("not well-formed")


def test_a_page_is_told_from_a_feed() -> None:
    assert fault("<!-- x --><!doctype html><html><head><title>x</title></head></html>").kind == FaultKind.HTML
