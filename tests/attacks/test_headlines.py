"""Headlines about tags are whole, and only text, wherever they are shown: also in readers that take titles for HTML."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from lxml import etree

from aggregator.model import Fetched
from aggregator.parse.read import read_document
from aggregator.run.service import Service
from tests.attacks.site import Site

HEADLINES = (
    "Why <style> beats <div>", "Use <script> well", "</title> and <script>alert(1) in one", "How <!DOCTYPE html> came to be",
    "Never closed: <!-- of", "Never closed: <![CDATA[ of", "The <textarea> of <plaintext>, <xmp> and <noscript>",
    "An <iframe> in an <svg>", "Cut <script", 'AT&T & Co <3 "fish"',
)  # fmt: skip
ATOM = "{http://www.w3.org/2005/Atom}"
CONFIG = """
site: {url: "https://news.example"}
sources: [{id: harbour, url: "https://harbour.example/feed.json"}]
"""


class Shown(HTMLParser):
    """What a browser shows of a page, and the elements that it is made of."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_decl(self, decl: str) -> None:
        self.elements.append(f"!{decl}")

    def handle_comment(self, data: str) -> None:
        self.elements.append("!--")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.newsroom.serves("https://harbour.example/feed.json", *(entry_of(title) for title in HEADLINES))
    made.live_with(CONFIG)
    return made


def entry_of(title: str) -> dict[str, str]:
    number = HEADLINES.index(title)
    text = f"Report {number} of the harbour says more about number {number}."
    return {
        "id": str(number),
        "url": f"https://harbour.example/{number}",
        "title": title,
        "content_text": text,
        "date_published": f"2023-06-15T0{number}:00:00Z",
    }


def published(site: Site, name: str) -> bytes:
    return (site.newsroom.settings.publish.directory / "feeds" / name).read_bytes()


def in_brackets(title: str) -> str:
    """The title as it is published: with brackets that nobody takes for a tag's."""
    return re.sub(r"<(?=[/!?A-Za-z])", "‹", re.sub(r"<([/!?A-Za-z][^<>]*)>", r"‹\1›", title))


WHOLE = sorted(map(in_brackets, HEADLINES))


def test_every_format_has_the_whole_headlines(site: Site) -> None:
    in_json = [row["title"] for row in json.loads(published(site, "all.json"))["items"]]
    in_atom = [entry.findtext(f"{ATOM}title") for entry in etree.fromstring(published(site, "all.atom")).iter(f"{ATOM}entry")]
    in_rss = [item.findtext("title") for item in etree.fromstring(published(site, "all.rss")).iter("item")]
    assert sorted(in_json) == WHOLE
    assert in_atom == in_rss == in_json
    for title in in_json:
        assert (Shown(title).text, Shown(title).elements) == (title, []), "a reader that takes titles for HTML"


def test_our_own_reader_reads_them_back(site: Site) -> None:
    for name in ("all.rss", "all.atom", "all.json"):
        feed = read_document(Fetched("https://news.example/feeds/" + name, 200, (), published(site, name)))
        assert sorted(entry.title for entry in feed.entries) == WHOLE  # type: ignore[union-attr]


def test_pages_show_them_as_text(site: Site) -> None:
    pages = {}

    async def ask(site: Site, service: Service) -> None:
        for story in site.newsroom.stories():
            answer = await site.ask("GET", f"/stories/{story.id}")
            pages[in_brackets(story.lead_item.entry.title)] = answer.partition(b"\r\n\r\n")[2].decode()
        pages["/"] = (await site.ask("GET", "/topics/all")).partition(b"\r\n\r\n")[2].decode()

    site.serve(ask)
    for title in WHOLE:
        assert title in Shown(pages[title]).text
        assert title in Shown(pages["/"]).text
    one_of_a_kind = {tuple(Shown(pages[title]).elements) for title in WHOLE}
    assert len(one_of_a_kind) == 1, "a headline adds no element to a page"
