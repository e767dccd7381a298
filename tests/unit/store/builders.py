"""Small values to fill a store with."""

from __future__ import annotations

from typing import Any

from aggregator.model import Entry, Evidence, Item, ItemId, Source, SourceId

NEW = Evidence("new")
JOINED = Evidence("title", 0.9, (("title", 0.6), ("lead", 0.3)), ItemId(1), None, None)


def source(id: str = "alpha", **changes: Any) -> Source:
    return Source(SourceId(id), changes.pop("url", f"https://{id}.example/feed"), **changes)


def entry(guid: str | None = "g1", **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "url": f"https://alpha.example/{guid}",
        "title": f"Storm {guid} reaches the coast",
        "summary": "<p>Ferries stay in port.</p>",
        "text": "Ferries stay in port.",
        "fingerprint": str(guid).encode().ljust(8, b"-")[:8],
    }
    return Entry(guid, **(values | changes))


def item(guid: str = "g1", *, at: float = 1000.0, source: str = "alpha", **changes: Any) -> Item:
    """An item first seen at `at`. Fields of the entry may be given as `entry=`."""
    values: dict[str, Any] = {
        "entry": entry(guid),
        "canonical": f"alpha.example/{guid}",
        "outlet": source.title(),
        "outlet_key": f"{source}.example",
        "published": at - 10,
        "first_seen": at,
        "hash": b"h" + guid.encode().ljust(7, b"-")[:7],
    }
    return Item(ItemId(0), SourceId(source), guid, **(values | changes))
