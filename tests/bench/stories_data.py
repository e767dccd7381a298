"""The measuring sets of story grouping as items, read the way a poll reads them. Their make: the README beside them."""

from __future__ import annotations

import gzip
import json
import random
from calendar import timegm
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import strptime
from typing import Any

from msgspec.structs import replace

from aggregator.model import Entry, Item, ItemId, SourceId
from aggregator.text.canonical import canonical
from aggregator.text.clean import Links, clean
from aggregator.text.html import text_of
from aggregator.text.titles import title_text
from aggregator.text.urls import registrable_domain

Named = tuple[str, Item]
"""An item and the name by which the truth knows it."""


def replay(folder: Path) -> list[Named]:
    """A day of sixty feeds; an outlet is the registrable domain of its feed."""
    sources = json.loads((folder / "sources.json").read_text("utf-8"))
    outlets = {source["id"]: registrable_domain(source["url"]) for source in sources}
    with gzip.open(folder / "items.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return _in_order((row["url"], _item(row, row["url"], outlets.get(row["source"], row["source"]))) for row in rows)


def documents(folder: Path, name: str) -> list[Named]:
    """A set of documents that have no address; each source is an outlet."""
    with (folder / name).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return _in_order((row["id"], _item(row, None, row["source"])) for row in rows)


def shuffled(items: list[Named], hours: float, seed: int) -> list[Named]:
    """The same items, each up to so many hours late: what polling does to the order of arrival."""
    chance = random.Random(seed)
    late = [(one[1].published + chance.uniform(0.0, hours * 3600.0), one) for one in items]
    return _numbered(one for _, one in sorted(late, key=lambda pair: pair[0]))


def polled_hourly(items: list[Named], seed: int) -> list[Named]:
    """The same items as hourly polls bring them: the sources of each in random order, each one's items by date."""
    chance = random.Random(seed)
    start = min(item.published for _, item in items)
    polls: dict[int, dict[SourceId, list[Named]]] = {}
    for name, item in items:
        polls.setdefault(int((item.published - start) // 3600), {}).setdefault(item.source, []).append((name, item))
    arrived: list[Named] = []
    for hour in sorted(polls):
        sources = sorted(polls[hour])
        chance.shuffle(sources)
        arrived += [one for source in sources for one in sorted(polls[hour][source], key=lambda one: one[1].published)]
    return _numbered(arrived)


def _in_order(items: Iterator[Named]) -> list[Named]:
    return _numbered(sorted(items, key=lambda one: one[1].published))


def _numbered(items: Iterator[Named] | list[Named]) -> list[Named]:
    return [(name, replace(item, id=ItemId(number))) for number, (name, item) in enumerate(items, 1)]


def _item(row: Mapping[str, Any], url: str | None, outlet: str) -> Item:
    at = float(timegm(strptime(row["published"][:19], "%Y-%m-%dT%H:%M:%S")))
    body = row.get("summary") if url else row["body"]
    text = text_of(clean(body or "", Links("https://feeds.example/")))
    entry = Entry(None, url, title_text(row["title"]), text=text, published=at)
    key = canonical(url) if url else None
    return Item(ItemId(0), SourceId(row["source"]), "", entry, key, outlet, outlet, at, at, b"", row.get("language") or "und")
