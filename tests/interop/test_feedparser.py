"""feedparser, over the network, as a polite subscriber: conditional requests, and everything that an entry carries."""

from __future__ import annotations

import feedparser
import pytest

from tests.interop.conftest import Served


@pytest.mark.parametrize("format", ["atom", "rss"])
def test_everything_arrives_and_the_second_request_is_answered_304(served: Served, format: str) -> None:
    address = f"{served.url}/feeds/all.{format}"
    first = feedparser.parse(address)
    assert not first.bozo
    assert [entry.id for entry in first.entries] == [f"urn:uuid:{story}" for story in reversed(served.stories)]
    podcast = first.entries[3]
    assert podcast.title == "Listen: ‹talks› & “quotes”"
    assert podcast.enclosures[0].href == "https://cdn.example/a.ogg"
    assert podcast.media_thumbnail[0]["url"] == "https://cdn.example/i.jpg"
    assert podcast.author == "Ann Writer, Wire"
    assert {tag.term for tag in podcast.tags} == {"wire", "NATO", "Europe"}
    assert "Also reported by" in podcast.summary
    again = feedparser.parse(address, etag=first.etag, modified=first.modified)
    assert again.status == 304
