"""What a reading worker finds out about entries: it must be what the daemon would find out from the stored item."""

from __future__ import annotations

import pytest

from aggregator.dedup.signature import WordHashes, signature
from aggregator.model import Fetched
from aggregator.reading.answer import Describer, answer
from aggregator.reading.job import ReadOptions, job_of
from aggregator.tag.language import Guesser
from aggregator.tag.places import find_places
from aggregator.text.canonical import canonical
from tests.unit.parse.test_read import rss
from tests.unit.store.builders import item

LINK = "https://harbourpost.example/1"
FERRY = "Ferry to the islands is late again"


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        (f"{FERRY} - Harbour Post", FERRY),  # as its domain is called
        (f"{FERRY} | Harbour News", FERRY),  # as its feed is called
        (f"{FERRY} - Bay Herald", FERRY),  # as the outlet is called whose entry it passes on
        (f"{FERRY} - Islanders complain", None),
    ],
)
def test_a_signature_is_made_from_the_headline_without_its_outlets_name(title: str, headline: str | None) -> None:
    source = '<source url="https://bay.example/rss">Bay Herald</source>'
    entry = f"<item><guid>1</guid><link>{LINK}</link><title>{title}</title>{source}</item>"
    document = Fetched("https://harbourpost.example/feed", 200, (), rss(entry).encode())
    read = answer(job_of(document, ReadOptions(level="story")), document.body, Describer(Guesser()))
    assert read.feed is not None
    ((sent,), (found,)) = read.feed.entries, read.described
    assert found.headline == headline
    stored = item(entry=sent, headline=headline, canonical=canonical(LINK), language=found.language)
    assert found.signature == signature(stored, WordHashes(), "story", find_places)
