"""Lists of feeds: what is read from real and broken ones, and what is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aggregator.config import opml
from aggregator.config.opml import Subscription, Subscriptions, Unreadable
from tests.unit.config.conftest import PATIENT, Loader


def body(outlines: str, head: str = "<title>My feeds</title>") -> bytes:
    return f'<?xml version="1.0"?><opml version="2.0"><head>{head}</head><body>{outlines}</body></opml>'.encode()


def read(raw: bytes) -> Subscriptions:
    content = opml.read(raw)
    assert isinstance(content, Subscriptions), content
    return content


def test_groups_are_the_nearest_outline() -> None:
    content = read(
        body(
            """
<outline text="Ungrouped" xmlUrl="http://a.example/"/>
<outline text="News"><outline text="Europe">
  <outline type="rss" text="B" title="The B" xmlUrl="https://b.example/rss" htmlUrl="https://b.example/"/></outline>
  <outline text="C" xmlUrl="http://c.example/"/></outline>
"""
        )
    )
    assert content.title == "My feeds"
    assert [(feed.url, feed.title, feed.group, feed.home) for feed in content.feeds] == [
        ("http://a.example/", "Ungrouped", None, None),
        ("https://b.example/rss", "The B", "Europe", "https://b.example/"),
        ("http://c.example/", "C", "News", None),
    ]


ODD: list[tuple[str, bytes, list[str]]] = [
    ("capitals", body('<OUTLINE TEXT="A" XMLURL="http://a.example/"/>'), ["http://a.example/"]),
    ("a bare ampersand", body('<outline xmlUrl="http://a.example/?a=1&b=2&copy=3"/>'), ["http://a.example/?a=1&b=2&copy=3"]),
    ("an escaped ampersand", body('<outline xmlUrl="http://a.example/?a=1&amp;b=2"/>'), ["http://a.example/?a=1&b=2"]),
    ("the same address twice", body('<outline xmlUrl="http://a.example/"/>' * 2), ["http://a.example/"]),
    ("an address in url", body('<outline type="rss" url="http://a.example/"/>'), ["http://a.example/"]),
    ("a link that is no feed", body('<outline type="link" url="http://a.example/"/>'), []),
    (
        "the feed scheme",
        body('<outline xmlUrl="feed://a.example/x"/><outline xmlUrl="feed:https://b.example/"/>'),
        ["http://a.example/x", "https://b.example/"],
    ),
    ("blanks around", body('<outline xmlUrl=" http://a.example/ "/>'), ["http://a.example/"]),
    ("a comment", body('<!--<outline xmlUrl="http://a.example/"/>-->'), []),
    (
        "a name space",
        b'<opml xmlns="http://x.example/"><body><outline xmlUrl="http://a.example/"/></body></opml>',
        ["http://a.example/"],
    ),
    ("never closed", b'<opml><body><outline text="G"><outline xmlUrl="http://a.example/"/>', ["http://a.example/"]),
    ("no opml around", b'<outline xmlUrl="http://a.example/"/>', ["http://a.example/"]),
    ("UTF-16", body('<outline xmlUrl="http://a.example/"/>').decode().encode("utf-16"), ["http://a.example/"]),
    ("a control character", body('<outline text="\x01" xmlUrl="http://a.example/"/>'), ["http://a.example/"]),
]


@pytest.mark.parametrize(("raw", "urls"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
def test_odd_documents(raw: bytes, urls: list[str]) -> None:
    assert [feed.url for feed in read(raw).feeds] == urls


ENCODED: list[tuple[str, str, str]] = [
    ("UTF-8 declared as Latin-1", "iso-8859-1", "utf-8"),
    ("Windows-1252 declared as Latin-1", "iso-8859-1", "cp1252"),
    ("UTF-16 without a mark", "utf-16", "utf-16-le"),
    ("UTF-32 without a mark", "utf-32", "utf-32-be"),
    ("UTF-7, which is no charset of the Web", "utf-7", "utf-8"),
]


@pytest.mark.parametrize(("declared", "encoded"), [row[1:] for row in ENCODED], ids=[row[0] for row in ENCODED])
def test_a_list_is_decoded_as_a_feed_is(declared: str, encoded: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?><opml><body><outline text="Caf\u00e9 +AOk-" xmlUrl="http://a.example/"/></body></opml>'
    assert read(text.encode(encoded)).feeds[0].title == "Caf\u00e9 +AOk-"


def test_titles_of_wrong_encodings_are_text() -> None:
    raw = body('<outline text="Caf\u00e9 &eacute; &amp;" xmlUrl="http://a.example/"/>').decode().encode("cp1252")
    assert read(raw).feeds[0].title == "Café é &"


def test_what_can_not_be_polled_is_told_and_the_rest_taken() -> None:
    content = read(
        body(
            '<outline text="A" xmlUrl="ftp://a.example/"/>\n<outline type="rss" text="B"/>\n<outline xmlUrl="http://c.example/"/>'
        )
    )
    assert [feed.url for feed in content.feeds] == ["http://c.example/"]
    assert len(content.refused) == 2
    assert "ftp://a.example/" in content.refused[0]
    assert content.refused[1] == "line 2: B has no xmlUrl"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"name: feeds", "not XML"),
        (b"<html><body><p>Not found</p></body></html>", "<html>"),
        (b'<!DOCTYPE o [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><opml><body><outline text="&c;"/></body></opml>', "entities"),
        (b"x" * (opml.MAX_BYTES + 1), "MB"),
    ],
)
def test_what_is_no_list_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    content = opml.read(raw)
    assert isinstance(content, Unreadable)
    assert reason in content.reason


def test_no_file_is_read_by_an_entity() -> None:
    raw = b'<!DOCTYPE opml SYSTEM "file:///etc/hostname"><opml><body><outline xmlUrl="http://a.example/"/></body></opml>'
    assert [feed.url for feed in read(raw).feeds] == ["http://a.example/"]


names = some.text(some.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp", "Cn", "Co")), max_size=30).map(
    str.strip
)


@PATIENT
@given(
    some.lists(
        some.builds(
            Subscription, some.sampled_from(["http://a.example/", "http://b.example/?a=1&b=2", "https://c.example/\u00e9"]), names
        )
    )
)
def test_what_is_written_is_read_again(feeds: list[Subscription]) -> None:
    content = read(opml.write("T", feeds))
    assert {feed.url.replace("%C3%A9", "\u00e9") for feed in content.feeds} == {feed.url for feed in feeds}


@PATIENT
@given(some.binary(max_size=300))
def test_nothing_raises(raw: bytes) -> None:
    opml.read(raw)
    opml.read(b"<opml><body>" + raw)


@pytest.mark.shared
def test_real_lists(shared: Path) -> None:
    read_or_refused = {file.name: opml.read(file.read_bytes()) for file in sorted((shared / "data/opml").glob("*.opml"))}
    assert len(read_or_refused) > 200
    refused = {name for name, content in read_or_refused.items() if isinstance(content, Unreadable)}
    assert len(refused) <= 2


def test_a_list_in_the_config(config: Loader, tmp_path: Path) -> None:
    outlines = """
<outline text="Wires"><outline text="B" xmlUrl="http://b.example/feed"/></outline>
<outline text="A again" xmlUrl="http://a.example/"/>
<outline text="no" xmlUrl="gopher://c.example/"/>"""
    (tmp_path / "others.opml").write_bytes(body(outlines))
    settings = config(
        "sources: ['http://a.example/', {opml: others.opml, tags: [listed], every: 1h}]\ngroups: {Wires: {rank: 1}}\n"
    )
    assert [(source.id, source.group, source.rank, source.tags) for source in settings.sources] == [
        ("a.example", None, 2, ()),
        ("b.example", "Wires", 1, ("listed",)),
    ]
    assert settings.includes == (tmp_path / "others.opml",)
    assert "gopher" in settings.notes[0]


def test_a_list_at_an_address_comes_from_what_was_fetched_last(config: Loader, tmp_path: Path) -> None:
    text = "sources: ['http://a.example/', {opml: 'https://lists.example/x.opml', group: lists}]\n"
    before = config(text)
    assert [source.id for source in before.sources] == ["a.example"]
    assert "not been fetched yet" in before.notes[0]
    assert before.lists == ("https://lists.example/x.opml",)
    (kept,) = before.includes
    assert kept == opml.cached_path(tmp_path / "data", "https://lists.example/x.opml")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(body('<outline text="B" xmlUrl="http://b.example/feed"/>'))
    assert [(source.id, source.group) for source in config(text).sources] == [("a.example", None), ("b.example", "lists")]
    kept.write_bytes(b"<html>Sorry</html>")
    assert len(config(text).sources) == 1


def test_what_can_not_be_polled_is_told_with_what_to_do() -> None:
    content = read(
        body(
            """
<outline text="Scraped" type="HTML+XPath" xmlUrl="https://a.example/page"/>
<outline text="Mine" type="rss" xmlUrl="https://me:hunter2@b.example/private.xml"/>
<outline text="Old" type="rss" xmlUrl="ftp://me:hunter2@c.example/feed"/>
<outline text="Json" type="JSONFeed" xmlUrl="https://d.example/feed.json"/>"""
        )
    )
    assert [feed.url for feed in content.feeds] == ["https://d.example/feed.json"]
    scraped, private, old = content.refused
    assert scraped.endswith("Scraped: a page that FreshRSS scrapes (HTML+XPath), no feed")
    assert 'url: "https://${FEED_USER}:${FEED_PASSWORD}@b.example/private.xml"' in private
    assert "is no plain http or https address" in old
    assert "hunter2" not in "".join(content.refused)
