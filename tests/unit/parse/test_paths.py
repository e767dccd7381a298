"""The fast and the tolerant path read the same from documents that both can read.

Known differences, all due to feedparser: it takes `media:description` and `itunes:summary` for HTML, finds an entry's image
only in some elements, repairs doubly encoded text field by field, and turns `<br/>` in XHTML into two.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from aggregator.model import Entry, Fault, Feed, Fetched
from aggregator.parse import detect, feedparser, xml_feed
from aggregator.parse.raw import RawFeed
from aggregator.parse.read import Opened, feed_of, read_document
from aggregator.text import charset
from aggregator.text.prolog import without_doctype

URL = "https://harbour.example/feeds/all.xml"

WORDS = st.text(alphabet="abc éłЖ日&<>'\"-", min_size=1, max_size=12).map(lambda t: " ".join(t.split())).filter(bool)
PARTS = ["<p>one</p>", "<b>two</b> ", "three &amp; ", '<a href="/x?a=1&amp;b=2">l</a>', '<img src="i.png">', "é "]
HTML = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("".join)
PATHS = st.sampled_from(["https://harbour.example/a", "https://harbour.example/b?x=1&y=ł", "/c", "https://other.example/d"])
DATES = st.sampled_from(["Tue, 03 Feb 2026 10:00:00 GMT", "2026-02-03T10:00:00Z", "3 Feb 2026 12:00 CEST", "never"])


@st.composite
def rss_items(draw: st.DrawFn) -> str:
    parts = [f"<title>{escape(draw(WORDS))}</title>"]
    optional = [
        f"<link>{escape(draw(PATHS))}</link>",
        f'<guid isPermaLink="false">{escape(draw(WORDS))}</guid>',
        f"<pubDate>{draw(DATES)}</pubDate>",
        f"<description>{escape(draw(HTML))}</description>",
        f"<content:encoded><![CDATA[{draw(HTML)}]]></content:encoded>",
        f"<category>{escape(draw(WORDS))}</category>",
        f"<dc:creator>{escape(draw(WORDS))}</dc:creator>",
        '<enclosure url="https://cdn.example/a.mp3" type="audio/mpeg" length="12"/>',
        "<comments>https://harbour.example/talk</comments>",
        '<media:thumbnail url="https://cdn.example/t.jpg"/>',
    ]
    parts += draw(st.lists(st.sampled_from(optional), unique=True))
    return f"<item>{''.join(parts)}</item>"


@st.composite
def atom_entries(draw: st.DrawFn) -> str:
    parts = [
        f"<id>{escape(draw(WORDS))}</id><title type='html'>{escape(draw(WORDS))}</title><updated>2026-02-03T10:00:00Z</updated>"
    ]
    optional = [
        f"<link href={quoteattr(draw(PATHS))}/>",
        "<published>2026-02-02T10:00:00Z</published>",
        f"<summary type='html'>{escape(draw(HTML))}</summary>",
        f"<content type='html'>{escape(draw(HTML))}</content>",
        f"<author><name>{escape(draw(WORDS))}</name></author>",
        f"<category term={quoteattr(draw(WORDS))}/>",
        '<link rel="enclosure" href="https://cdn.example/a.mp3" type="audio/mpeg" length="12"/>',
        '<link rel="replies" type="text/html" href="https://harbour.example/talk"/>',
    ]
    parts += draw(st.lists(st.sampled_from(optional), unique=True))
    return f"<entry>{''.join(parts)}</entry>"


def rss_document(items: list[str]) -> bytes:
    spaces = " ".join(
        f'xmlns:{prefix}="{address}"'
        for prefix, address in (
            ("content", "http://purl.org/rss/1.0/modules/content/"),
            ("dc", "http://purl.org/dc/elements/1.1/"),
            ("media", "http://search.yahoo.com/mrss/"),
        )
    )
    head = "<title>Harbour</title><link>https://harbour.example/</link><language>en</language><ttl>60</ttl>"
    return f'<rss version="2.0" {spaces}><channel>{head}{"".join(items)}</channel></rss>'.encode()


def atom_document(entries: list[str]) -> bytes:
    head = '<title>Harbour</title><link href="https://harbour.example/"/><link rel="self" href="https://harbour.example/feed"/>'
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{"".join(entries)}</feed>'.encode()


def both(body: bytes) -> tuple[Feed, Feed] | None:
    """The readings of the fast and of the tolerant path; None where the fast one can't read."""
    document = Fetched(URL, 200, (), body)
    decoded = charset.decode(body, None)
    found = detect.kind_of(decoded.utf8)
    if isinstance(found, Fault) or found.json or found.prolog.entities:
        return None
    data = without_doctype(decoded.utf8, found.prolog)
    try:
        fast: RawFeed | None = xml_feed.raw_feed(xml_feed.parse(data), b"xml:base" in data)
    except xml_feed.NotWellFormed:
        return None
    tolerant = feedparser.read(data)
    if fast is None or tolerant is None:
        return None
    return feed_of(Opened(fast, decoded), document), feed_of(Opened(tolerant, decoded), document)


def differences(one: Entry, other: Entry) -> set[str]:
    names = [part.name for part in structs.fields(Entry) if part.name != "fingerprint"]
    return {name for name in names if getattr(one, name) != getattr(other, name)}


@given(st.one_of(st.lists(rss_items(), max_size=3).map(rss_document), st.lists(atom_entries(), max_size=3).map(atom_document)))
@settings(max_examples=150, deadline=None)
def test_both_paths_read_the_same(body: bytes) -> None:
    readings = both(body)
    assert readings is not None
    fast, tolerant = readings
    assert len(fast.entries) == len(tolerant.entries)
    for one, other in zip(fast.entries, tolerant.entries, strict=True):
        assert differences(one, other) == set(), (one, other)
    assert (fast.title, fast.url, fast.language, fast.hints, fast.self_url) == (
        tolerant.title,
        tolerant.url,
        tolerant.language,
        tolerant.hints,
        tolerant.self_url,
    )


@pytest.mark.shared
def test_both_paths_agree_on_real_documents(shared: Path) -> None:
    """Shares of equal fields over all well-formed captured feeds; what differs is judged in docs/parsing.md."""
    equal: dict[str, int] = {}
    total = 0
    for line in (shared / "data/feeds/index.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        readings = (
            both((shared / "data/feeds" / row["name"]).read_bytes()) if row["kind"] == "real" and row["bytes"] < 100_000 else None
        )
        if readings is None or len(readings[0].entries) != len(readings[1].entries):
            continue
        for one, other in zip(readings[0].entries, readings[1].entries, strict=True):
            total += 1
            differing = differences(one, other)
            for name in ("guid", "url", "title", "published", "authors", "text", "enclosures", "content"):
                equal[name] = equal.get(name, 0) + (name not in differing)
    assert total > 4000
    assert {name for name, count in equal.items() if count < 0.95 * total} == set()


@pytest.mark.shared
def test_every_captured_document_is_read_or_says_why_not(shared: Path) -> None:
    rows = [json.loads(line) for line in (shared / "data/feeds/index.jsonl").read_text("utf-8").splitlines()]
    for row in rows:
        found = read_document(Fetched(URL, 200, (), (shared / "data/feeds" / row["name"]).read_bytes()))
        if row["kind"] == "real" and row.get("reference_entries") is not None:
            assert isinstance(found, Feed), (row["name"], found)
            assert len(found.entries) == min(row["reference_entries"], 2000), row["name"]
        elif isinstance(found, Fault):
            assert found.detail.isprintable() and found.detail
