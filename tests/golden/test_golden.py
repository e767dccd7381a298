"""Golden pairs: `NAME.xml` or `NAME.json` beside `NAME.expected.json`. A new case is two files and no code.

The expectation names what matters and nothing else: `feed` the document's own fields (`warnings`: how many at least), `entries`
one mapping an entry; or `fault`, the kind, and `says`, a part of its words. Times are RFC 3339, an enclosure is
[url, type, length, duration], a category [term, scheme, label], an origin [title, url], an image [url, width, height], a
podcast's tag [name, text, attributes].
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.model import Entry, Fault, Feed, Fetched
from aggregator.parse.read import read_document
from aggregator.text.times import rfc3339

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*.expected.json"))


def document(case: Path) -> Fetched:
    name = case.name.removesuffix(".expected.json")
    found = next(path for path in (HERE / f"{name}.xml", HERE / f"{name}.json") if path.exists())
    return Fetched("https://harbour.example/feeds/all.xml", 200, (), found.read_bytes())


def shown(entry: Entry) -> dict[str, Any]:
    """An entry in the words of the expectations."""
    origin = entry.origin
    plain = {
        name: getattr(entry, name) for name in ("guid", "url", "title", "summary", "content", "text", "language", "comments")
    }
    return plain | {
        "published": rfc3339(entry.published),
        "updated": rfc3339(entry.updated),
        "authors": list(entry.authors),
        "categories": [[one.term, one.scheme, one.label] for one in entry.categories],
        "enclosures": [[one.url, one.type, one.length, one.duration] for one in entry.enclosures],
        "image": [entry.image.url, entry.image.width, entry.image.height] if entry.image else None,
        "origin": [origin.title, origin.url] if origin else None,
        "tags": [[one.name, one.text, dict(one.attributes)] for one in entry.tags],
    }


def feed_field(feed: Feed, name: str) -> Any:
    if name in ("ttl", "update_period", "skip_hours", "skip_days"):
        value = getattr(feed.hints, name)
        return list(value) if isinstance(value, tuple) else value
    return min(len(feed.warnings), 1) if name == "warnings" else getattr(feed, name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.removesuffix(".expected.json"))
def test_golden(case: Path) -> None:
    expected = json.loads(case.read_text("utf-8"))
    found = read_document(document(case))
    if "fault" in expected:
        assert isinstance(found, Fault)
        assert (found.kind, expected["says"] in found.detail) == (expected["fault"], True), found
        return
    assert isinstance(found, Feed), found
    assert {name: feed_field(found, name) for name in expected["feed"]} == expected["feed"]
    assert len(found.entries) == len(expected["entries"]), [entry.title for entry in found.entries]
    for entry, wanted in zip(found.entries, expected["entries"], strict=True):
        assert {name: shown(entry)[name] for name in wanted} == wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.removesuffix(".expected.json"))
def test_a_second_reading_says_the_same_and_knows_its_entries(case: Path) -> None:
    first = read_document(document(case))
    assert read_document(document(case)) == first
    if isinstance(first, Feed):
        marks = frozenset(entry.fingerprint for entry in first.entries)
        again = read_document(document(case), marks)
        assert isinstance(again, Feed)
        assert again.entries == ()
        assert set(again.unchanged) == marks
