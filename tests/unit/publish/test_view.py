"""Views of stories, whatever the outlet sent."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some
from lxml import etree
from msgspec.structs import replace

from aggregator.model import Category, Entry, Item, ItemId, Origin, PodcastTag, Source, SourceId, Story, StoryId, Tag, TagKind
from aggregator.publish.entry import characters, excerpt
from aggregator.publish.entry.pictures import Pictures
from aggregator.publish.entry.view import Origin as Shown
from aggregator.publish.entry.view import View, view
from aggregator.publish.rendering import public_origins, render
from aggregator.settings import Settings, Site
from tests.unit.publish.samples import DAILY, NOON, WIRE, item

NAMES = b'<x xmlns:media="m" xmlns:atom="a" xmlns:dc="d" xmlns:content="c">'
ITUNES, PODCAST = "{http://www.itunes.com/dtds/podcast-1.0.dtd}", "{https://podcastindex.org/namespace/1.0}"
SITE = Site(title="Test news", url="https://news.example.org")
ID = StoryId("8c1f2f7e-0c5d-5c4e-9a52-0a9f0c0b1a2d")


def story(*items: Item, tags: tuple[Tag, ...] = ()) -> Story:
    numbered = tuple(replace(one, id=ItemId(place)) for place, one in enumerate(items, start=1))
    return Story(ID, numbered, ItemId(1), published=NOON, first_seen=NOON, updated=NOON, tags=tags)


def shown(*items: Item, content: str = "summary", sources: Mapping[SourceId, Shown] | None = None) -> View:
    return view(story(*items), content, SITE, sources or {})


SAME = item(1).title


def test_each_other_outlet_is_named_once_with_its_first_report() -> None:
    again = item(3, DAILY, url="https://daily.example/again")
    nameless = item(4, outlet="Fourth", outlet_key="fourth.example", url=None)
    found = shown(item(1), item(2, DAILY, title=SAME.upper()), again, nameless)
    assert [(one.outlet, one.url) for one in found.also] == [
        ("The Daily", "https://daily.example/articles/2?lang=en&page=1"),
    ]
    assert found.body.endswith(
        '<p>Also reported by <a href="https://daily.example/articles/2?lang=en&amp;page=1">The Daily</a></p>'
    )


def other(number: int, title: str) -> Item:
    source = Source(SourceId(f"o{number}"), f"https://o{number}.example/feed")
    return item(number, source, title=title, outlet=f"O{number}", url=f"https://o{number}.example/")


def test_another_headline_is_told_once_with_all_its_outlets() -> None:
    named = replace(other(2, "Pact with Kyiv nears | O2"), headline="Pact with Kyiv nears")
    found = shown(item(1), named, other(3, SAME), other(4, "<Pact> with Kyiv nears"), other(5, "Ministers & others"))
    assert found.body.endswith(
        '<p>Also reported by <a href="https://o3.example/">O3</a></p><ul>'
        '<li><a href="https://o2.example/">O2: Pact with Kyiv nears</a>, <a href="https://o4.example/">O4</a></li>'
        '<li><a href="https://o5.example/">O5: Ministers &amp; others</a></li></ul>'
    )


def test_the_line_is_whole_if_every_other_headline_differs() -> None:
    assert "<p>Also reported by:</p><ul><li><a" in shown(item(1), other(2, "Another headline")).body
    bare = shown(item(1, summary="", content="", text=""), other(2, "Another headline"), content="title").body
    assert bare.startswith('<p>Reported by <a href="https://wire.example/articles/1?lang=en&amp;page=1">Wire</a></p><ul><li>')


def test_the_words_are_those_of_the_storys_language() -> None:
    assert "<p>Auch berichtet von <a" in shown(item(1, language="de"), item(2, DAILY, title=SAME)).body


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        ((), ("Wire",)),
        (("Ines Harrow",), ("Ines Harrow", "Wire")),
        (("Ines Harrow", "Tom Vale"), ("Ines Harrow", "Tom Vale", "Wire")),
        (("Staff of the WIRE",), ("Staff of the WIRE",)),
        (("Ann Wireman",), ("Ann Wireman", "Wire")),
    ],
)
def test_who_says_it(authors: tuple[str, ...], expected: tuple[str, ...]) -> None:
    found = shown(item(1, authors=authors))
    assert (found.names, found.byline) == (expected, ", ".join(expected))
    made = render(found)
    assert f"<author><name>{found.byline}</name></author>".encode() in made.atom
    assert f"<dc:creator>{found.byline}</dc:creator>".encode() in made.rss
    assert json.loads(made.json)["authors"] == [{"name": name} for name in expected]


def test_feeds_lead_to_the_storys_page_and_private_ones_do_not() -> None:
    link = f'<p><a href="https://news.example.org/stories/{ID}.html">Story page</a></p>'
    for content in ("summary", "full", "title"):
        made = render(shown(item(1), content=content))
        assert json.loads(made.json)["content_html"].endswith(link)
        assert html.escape(link, quote=False).encode() in made.atom.replace(b"&#x26;", b"&amp;")
        assert link.encode() in html.unescape(made.rss.decode()).encode()
    private = view(story(item(1)), "summary", SITE, {}, public=False)
    assert b"/stories/" not in render(private).json
    assert link not in shown(item(1)).body, "the page does not lead to itself"


def test_discussions_are_named_by_their_place() -> None:
    hub = Source(SourceId("hub"), "https://hub.example/")
    posted = item(2, hub, url=item(1).entry.url, comments="https://news.ycombinator.com/item?id=1", unattributed=True)
    thread = item(3, hub, url="https://lobste.rs/s/abc/x", comments="https://lobste.rs/s/abc/x", unattributed=True)
    found = shown(item(1, comments="https://wire.example/c#1"), posted, thread)
    assert found.also == ()
    assert found.body.endswith(
        '<p>Discussion: <a href="https://news.ycombinator.com/item?id=1">Hacker News</a>, '
        '<a href="https://lobste.rs/s/abc/x">Lobsters</a></p>'
    )
    made = render(found)
    assert b"<comments>https://wire.example/c#1</comments>" in made.rss
    replies = etree.fromstring(made.atom).findall("link[@rel='replies']")
    assert [link.get("title") for link in replies] == [None, "Hacker News", "Lobsters"]
    assert b"<comments>https://news.ycombinator.com/item?id=1</comments>" in render(shown(item(1), posted)).rss


def test_a_report_puts_no_site_of_its_choice_below_anothers_story() -> None:
    elsewhere = {"comments": "https://forum.b.example/t/1"}
    assert "Discussion" not in shown(item(1), item(2, DAILY, **elsewhere)).body
    assert 'Discussion: <a href="https://forum.b.example/t/1">b.example</a>' in shown(item(1, **elsewhere)).body


def test_a_thread_that_leads_is_no_discussion_of_itself() -> None:
    assert "Discussion" not in shown(item(1, url="https://lobste.rs/s/abc/x")).body


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("summary", "<p>Ministers talked about <em>step</em> 1.</p>"),
        ("full", "<p>Ministers talked about <em>step</em> 1.</p><p>They meet again.</p>"),
        ("title", '<p>Reported by <a href="https://wire.example/articles/1?lang=en&amp;page=1">Wire</a></p>'),
    ],
)
def test_content_modes(content: str, expected: str) -> None:
    assert shown(item(1), content=content).body == expected


def test_a_long_summary_is_cut_at_a_sentence() -> None:
    text = "This is a sentence of some length, for a test. " * 40
    body = shown(item(1, summary=f"<p>{text}</p>", text=text)).body
    assert body.startswith("<p>This is a sentence")
    assert body.endswith("for a test.</p>")
    assert len(body) <= excerpt.EXCERPT + 7


def test_a_short_content_without_a_summary_keeps_its_links() -> None:
    content = '<p>Short. <a href="https://x.example/">More</a></p> <a href="mailto:desk@x.example">Mail</a>'
    assert shown(item(1, summary="", content=content)).body == content


def test_a_picture_alone_is_something_to_see() -> None:
    comic = '<img src="https://x.example/comic.png" alt="A comic">'
    assert shown(item(1, summary=comic, content="", text="")).body == comic


def test_a_long_content_is_cut_after_a_paragraph() -> None:
    first = '<p>One <a href="https://x.example/">link</a>, and more.</p>'
    rest = "<p>" + "Then it goes on and on. " * 100 + "</p>"
    assert shown(item(1, summary="", content=first + rest)).body == first
    assert shown(item(1, summary="", content=rest, text="Then it goes on and on. " * 100)).body.endswith("on and on.</p>")


def test_debris_is_in_no_summary_and_the_whole_text_is_the_outlets_own() -> None:
    more = '<p><a href="https://wire.example/articles/1?lang=en&amp;page=1">Weiterlesen</a></p>'
    summary = replace(item(1).entry, summary=f"<p>Ministers met.</p>{more}", content=f"<p>Ministers met.</p>{more}")
    found = shown(replace(item(1), entry=summary))
    assert (found.body, found.summary) == ("<p>Ministers met.</p>", "Ministers met.")
    assert more in shown(replace(item(1), entry=summary), content="full").body
    posted = '<p>Comments URL: <a href="https://news.ycombinator.com/item?id=1">x</a></p>\n<p>Points: 1</p>'
    alone = shown(item(1, summary=posted, content="", text="Comments URL: x Points: 1"))
    assert alone.body.startswith("<p>Reported by") and alone.summary == ""


def test_an_entry_without_any_text_still_says_who_reports_it() -> None:
    bare = item(1, summary="", content="", text="")
    assert shown(bare, item(2, DAILY)).body.startswith('<p>Reported by <a href="https://wire.example')
    assert "The Daily" in shown(bare, item(2, DAILY)).body


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("AT&amp;T", "AT&T"),
        ("S&P500 up", "S&P500 up"),
        ("How <b> works", "How ‹b› works"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("a\u202eb\x00c\n d", "abc d"),
        ("caf\ufffd", "caf?"),
    ],
)
def test_titles_are_text(sent: str, expected: str) -> None:
    assert shown(item(1, title=sent)).title == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x y", "https://a.example/x%20y"),
        ("https://a.example/[x]|{y}", "https://a.example/%5Bx%5D%7C%7By%7D"),
        ("javascript:alert(1)", None),
        ("https://user:pass@a.example/", None),
        ("//a.example/", None),
        (None, None),
    ],
)
def test_addresses_are_addresses(url: str | None, expected: str | None) -> None:
    assert characters.address(url) == expected


def test_a_story_without_any_address_leads_to_its_page() -> None:
    assert shown(item(1, url=None)).link == f"https://news.example.org/stories/{ID}.html"


def test_secrets_in_a_sources_address_are_not_published() -> None:
    filled = replace(WIRE, id=SourceId("filled"), url="https://x.example/abc123", shown="https://x.example/${TOKEN}")
    path = replace(WIRE, id=SourceId("path"), url="https://x.example/feed/3f9c8e7d6b5a4c3d.atom")
    query = replace(WIRE, id=SourceId("query"), url="https://x.example/feed?session=S")
    origins = public_origins(Settings(file=__file__, sources=(WIRE, DAILY, filled, path, query)))  # type: ignore[arg-type]
    assert set(origins) == {WIRE.id}
    assert shown(item(2, DAILY), sources=origins).origin == Shown("The Daily", "https://daily.example/", "https://daily.example/")


def test_what_an_aggregator_names_is_the_source() -> None:
    plain = item(1, aggregator=True, outlet="Harbour Post")
    named = replace(plain, entry=replace(plain.entry, origin=Origin("Harbour Post", "https://harbour.example/feed")))
    assert shown(named).origin == Shown("Harbour Post", "https://harbour.example/feed", "https://harbour.example/")


EPISODE = (
    PodcastTag("itunes:episode", "7"),
    PodcastTag("itunes:image", "", (("href", "https://cdn.example/7.jpg"),)),
    PodcastTag("podcast:transcript", "", (("url", "https://cdn.example/7.vtt?a=1&b=2"), ("type", "text/vtt"))),
    PodcastTag("podcast:person", "Ines & <b>Tom</b>", (("role", '"guest"'),)),
)


def test_tags_of_an_episode_are_passed_on_in_rss_alone() -> None:
    unknown = (PodcastTag("itunes:owner", "x"), PodcastTag("podcast:chapters", "", (("url", "javascript:x"), ("type", "a/b"))))
    lead = replace(item(1), entry=replace(item(1).entry, tags=(*EPISODE, *unknown)))
    made = render(shown(lead))
    root = etree.fromstring(made.rss.replace(b"<item>", NAMES + b"<item>") + b"</x>")
    found = [(element.prefix, etree.QName(element), element.text, dict(element.attrib)) for element in root[0] if element.prefix]
    assert [one for one in found if one[0] in ("itunes", "podcast")] == [
        ("itunes", ITUNES + "episode", "7", {}),
        ("itunes", ITUNES + "image", None, {"href": "https://cdn.example/7.jpg"}),
        ("podcast", PODCAST + "transcript", None, {"url": "https://cdn.example/7.vtt?a=1&b=2", "type": "text/vtt"}),
        ("podcast", PODCAST + "person", "Ines & ‹b›Tom‹/b›", {"role": '"guest"'}),
    ]
    hidden = render(view(story(lead), "summary", SITE, {}, pictures=Pictures(link=False)))
    assert b"7.jpg" not in hidden.rss and b"itunes:episode" in hidden.rss
    assert b"itunes" not in made.atom and b"itunes" not in made.json
    assert b"podcast" not in render(shown(item(1))).rss


def test_kinds_of_tags_have_schemes_of_their_own() -> None:
    tags = (Tag(TagKind.TAG, "wire"), Tag(TagKind.ENTITY, "NATO"), Tag(TagKind.CATEGORY, "Europe"), Tag(TagKind.CATEGORY, " "))
    found = view(story(item(1), tags=tags), "summary", SITE, {})
    assert {(one.term, one.scheme) for one in found.terms} == {
        ("wire", "https://news.example.org/#tag"),
        ("NATO", "https://news.example.org/#entity"),
        ("Europe", None),
    }


@given(
    title=some.text(max_size=40),
    summary=some.text(max_size=80),
    author=some.text(max_size=20),
    url=some.one_of(some.none(), some.text(max_size=40).map("https://a.example/".__add__)),
    category=some.text(max_size=20),
)
def test_nothing_that_the_store_holds_can_break_a_document(
    title: str, summary: str, author: str, url: str | None, category: str
) -> None:
    entry = Entry("g", url, title, summary=summary, text=summary, authors=(author,), categories=(Category(category),))
    one = replace(item(1), entry=entry, outlet=author)
    found = render(view(story(one, item(2, DAILY), tags=(Tag(TagKind.CATEGORY, category),)), "full", SITE, {}), SITE)
    for fragment in (found.atom, found.rss):
        root = etree.fromstring(NAMES + fragment + b"</x>", etree.XMLParser(resolve_entities=False))
        assert len(root) == 1
