"""Entries that are known: what a document gives never depends on how they were recognised."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model import Fault, Feed, Fetched
from aggregator.parse.raw import FINGERPRINT_BYTES, RawEntry
from aggregator.parse.read import feed_of, open_document, read_document

GOLDEN = Path(__file__).parents[2] / "golden"
DOCUMENTS = [path.read_bytes() for path in sorted(GOLDEN.glob("*.xml"))]
ENTRY = re.compile(rb"<(item|entry)[\s>].*?</\1\s*>", re.S | re.I)
NAMESPACES = b' xmlns:dc="http://other.example/" xmlns:media="http://search.yahoo.com/mrss/"'
BASES = (b"https://a.example/", b"https://b.example/")
EDITS = {
    "a byte of an entry": lambda body: re.sub(rb"(<title[^>]*>)(.)", rb"\1\2!", body),
    "entries turned round": lambda body: _with_entries(body, lambda entries: entries[::-1]),
    "an entry twice": lambda body: _with_entries(body, lambda entries: [*entries, entries[0]]),
    "an entry less": lambda body: _with_entries(body, lambda entries: entries[1:]),
    "an entry in CDATA": lambda body: _with_entries(
        body, lambda entries: [b"<x><![CDATA[" + entries[0] + b"]]></x>", *entries[1:]]
    ),
    "an entry in a comment": lambda body: _with_entries(body, lambda entries: [b"<!--" + entries[0] + b"-->", *entries[1:]]),
    "a comment and an instruction in it": lambda body: re.sub(rb"(</title>)", rb"<!-- more -->\1<?php echo 1 ?>", body),
    "entries below another element": lambda body: _with_entries(
        body, lambda entries: [b"<x:x xmlns:x='u'>", *entries, b"</x:x>"]
    ),
    "text as CDATA": lambda body: re.sub(rb"(<title>)([^<&]*)(</title>)", rb"\1<![CDATA[\2]]>\3", body),
    "namespaces of the root": lambda body: re.sub(rb"(<(?:rss|feed|rdf:RDF)\b)", rb"\1" + NAMESPACES, body, count=1),
    "the base of the root": lambda body: re.sub(
        rb"(<(?:rss|feed|rdf:RDF)\b)", rb'\1 xml:base="https://base.example/"', body, count=1
    ),
    "the language of the root": lambda body: re.sub(rb"(<(?:rss|feed|rdf:RDF)\b)", rb'\1 xml:lang="pl"', body, count=1),
    "the feed's link and author": lambda body: re.sub(
        rb"(</channel>|</feed>)", rb'<link href="https://new.example/">https://new.example/</link><author>A</author>\1', body
    ),
    "broken behind the entries": lambda body: re.sub(rb"(</channel>|</feed>)", rb"<b>&nbsp; & \1", body),
    "cut short": lambda body: body[: len(body) * 3 // 4],
    "another charset": lambda body: body.decode("utf-8", "replace").encode("utf-16"),
    "entities": lambda body: b'<!DOCTYPE x [<!ENTITY a "b">]>' + body,
    "line ends": lambda body: body.replace(b"\n", b"\r\n"),
}


def _with_entries(body: bytes, edit) -> bytes:  # type: ignore[no-untyped-def]
    entries = [found[0] for found in ENTRY.finditer(body)]
    if not entries:
        return body
    place = body.index(entries[0])
    for one in entries:
        body = body.replace(one, b"", 1)
    return body[:place] + b"".join(edit(entries)) + body[place:]


def read(body: bytes, known: frozenset[bytes] = frozenset()) -> Feed | Fault:
    return read_document(Fetched("https://harbour.example/feeds/all.xml", 200, (), body), known)


def by_values(feed: Feed) -> Feed:
    """The feed with fingerprints over values alone. Of `unchanged` nobody asks the order, or how often."""
    entries = tuple(replace(entry, fingerprint=entry.fingerprint[:FINGERPRINT_BYTES]) for entry in feed.entries)
    return replace(feed, entries=entries, unchanged=tuple(sorted({mark[:FINGERPRINT_BYTES] for mark in feed.unchanged})))


def agree(before: bytes, after: bytes) -> None:
    """Asserts that what is known of a document changes nothing in what a later one gives, save for entries that are known."""
    first = read(before)
    if isinstance(first, Fault):
        return
    known = frozenset(entry.fingerprint for entry in first.entries)
    found = read(after, known)
    plain = read(after, frozenset(mark[:FINGERPRINT_BYTES] for mark in known))
    if isinstance(found, Feed) and isinstance(plain, Feed):
        assert by_values(found) == by_values(plain)
    else:
        assert found == plain


@pytest.mark.parametrize("edit", EDITS)
def test_no_edit_hides_behind_a_known_entry(edit: str) -> None:
    for body in DOCUMENTS:
        agree(body, EDITS[edit](body))
        agree(EDITS[edit](body), body)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_damage_hides_behind_a_known_entry(data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(DOCUMENTS))
    edited = EDITS[data.draw(st.sampled_from(sorted(EDITS)))](body)
    at, lost = data.draw(st.integers(0, len(edited))), data.draw(st.integers(0, 12))
    thrown = data.draw(st.sampled_from([b"", b"x", b" ", b"<b/>", b"&amp;", b"\xc3\xa9", b"<![CDATA[<]]>", b'xmlns:a="b"']))
    agree(body, edited[:at] + thrown + edited[at + lost :])


def test_a_known_entry_is_not_read_again() -> None:
    def refuse(part: object) -> RawEntry:
        raise AssertionError("read again")

    document = Fetched("https://harbour.example/feed", 200, (), (GOLDEN / "rss-2.0.xml").read_bytes())
    first, opened = read_document(document), open_document(document)
    assert isinstance(first, Feed) and not isinstance(opened, Fault)
    opened.raw.make = refuse
    known = [entry.fingerprint for entry in first.entries]
    assert feed_of(opened, document, known).unchanged == tuple(known)


def test_elements_of_another_namespace_make_another_entry() -> None:
    """Elements in the root's namespace count as RSS, whatever that is."""
    root = b'rss xmlns:a="https://a.example/" xmlns:b="https://b.example/"'
    item = b"<item><guid>1</guid><a:title>One</a:title><b:title>Two</b:title></item>"
    agree(b"<a:" + root + b">" + item + b"</a:rss>", b"<b:" + root + b">" + item + b"</b:rss>")


def test_another_base_around_an_entry_makes_another_entry() -> None:
    body = (GOLDEN / "rdf-rss-1.0.xml").read_bytes().replace(b"<channel", b'<channel xml:base="https://c.example/"')
    item = b"<item><title>One</title><link>1</link></item></rdf:RDF>"
    at = {base: body.replace(b"<rdf:RDF", b"<rdf:RDF xml:base='%s'" % base).replace(b"</rdf:RDF>", item) for base in BASES}
    agree(*at.values())


def test_many_namespaces_are_not_written_with_each_entry() -> None:
    names = " ".join(f'xmlns:p{number}="u:{number}"' for number in range(1000))
    items = "".join(f"<item><title>{number}</title></item>" for number in range(2000))
    begun = time.process_time()
    assert isinstance(read(f'<rss version="2.0" {names}><channel>{items}</channel></rss>'.encode()), Feed)
    assert time.process_time() - begun < 2
