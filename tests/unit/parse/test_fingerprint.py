"""What an entry's fingerprint notices."""

from __future__ import annotations

import pytest

from aggregator.parse.raw import Link, Media, Piece, RawEntry, RawTag, fingerprint, seed_of

SEED = seed_of("https://one.example/", None)
PLAIN = RawEntry(guid="1", title=Piece("Ship aground", "text"))
OTHERS = {
    "permalink": True,
    "links": (Link("https://one.example/1", "alternate", None),),
    "summary": Piece("On a sandbank", "text"),
    "content": Piece("On a sandbank off Hull", "text"),
    "categories": (("ships", None, None),),
    "media": (Media("https://one.example/1.jpg"),),
    "origin": ("Wire", "https://wire.example/feed"),
    "tags": (RawTag("itunes:episode", "3"),),
}


@pytest.mark.parametrize("name", [name for name in RawEntry._fields if name not in ("guid", "title")])
def test_every_field_of_an_entry_moves_its_fingerprint(name: str) -> None:
    other = OTHERS.get(name, "x" if name in ("language", "comments", "base") else ("x",))
    assert fingerprint(PLAIN._replace(**{name: other}), SEED) != fingerprint(PLAIN, SEED)


def test_an_entry_without_tags_has_the_fingerprint_that_earlier_releases_gave_it() -> None:
    assert fingerprint(PLAIN, 0).hex() == "c196adfe0f61e35e"
