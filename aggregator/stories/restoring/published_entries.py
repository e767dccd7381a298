"""Reads from the published files which ids readers know: what is left to go by if the database before a restore is gone.

Each feed's JSON names a story's id and the address and title that each outlet gave it. If that file is damaged, its Atom or RSS
twin tells the same without the titles of other reports than the lead; with `publish.ids: per-feed` these name no story's own id.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Fetched, Instant, Slug, StoryId
from aggregator.parse.entries import feed_title
from aggregator.parse.read import Opened, open_document
from aggregator.ports import Remembered
from aggregator.publish.entry.addresses import FORMATS, TYPES, entry_id
from aggregator.publish.entry.feed_ids import STORY
from aggregator.publish.pages.story_pages import PATH
from aggregator.settings import Settings
from aggregator.stories.identity.entry_keys import title_hash
from aggregator.text.canonical import canonical

_PREFIX = entry_id(StoryId(""))


class PublishedEntries(Struct, frozen=True):
    """entries: one for each address of each story; digests: when each digest had its last issue."""

    entries: tuple[Remembered, ...]
    digests: Mapping[Slug, Instant]


def read_published(settings: Settings) -> PublishedEntries:
    """Reads all feeds and archive pages that lie in `publish.directory` and `publish.private`. Damaged files are left out."""
    digests = {output.slug for output in settings.outputs if output.digest is not None}
    hides = any(source.private for source in settings.sources)
    found: dict[tuple[StoryId, str | None], Remembered] = {}
    issued: dict[Slug, Instant] = {}
    public: set[StoryId] = set()
    twins = ("atom", "rss") if settings.publish.ids == "global" else ()
    for root in (settings.publish.directory, settings.publish.private):
        for slug, entry in _entries(Path(root), twins):
            if slug in digests:
                issued[slug] = max(issued.get(slug, 0.0), entry.published or 0.0)
                continue
            if root == settings.publish.directory:
                public.add(entry.story)
            hidden = hides and entry.story not in public
            found.setdefault((entry.story, entry.canonical), replace(entry, private=hidden))
    return PublishedEntries(tuple(found.values()), issued)


def _entries(root: Path, twins: Sequence[str]) -> Iterator[tuple[Slug, Remembered]]:
    """Yields what each document lists, with its feed: subscription documents, then their archive pages.

    twins: formats that are read where the JSON is damaged.
    """
    feeds = root / "feeds"
    stems = {file.with_suffix("") for format in FORMATS for place in ("", "*/") for file in feeds.glob(f"{place}*.{format}")}
    for stem in sorted(stems, key=lambda stem: (stem.parent != feeds, stem)):
        slug = Slug(stem.name if stem.parent == feeds else stem.parent.name)
        readings = (_from_json(stem), *(_from_xml(stem, format) for format in twins))
        entries = next((found for reading in readings if (found := list(reading))), [])
        yield from ((slug, entry) for entry in entries)


def _from_json(stem: Path) -> Iterator[Remembered]:
    try:
        items = json.loads(_read(stem, "json"))["items"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and str(item.get("id", "")).startswith(_PREFIX):
            published = _instant(item.get("date_published"))
            for url, title in _reports(item):
                yield _remembered(_own_id(item), url, title, published)


def _own_id(item: dict[str, Any]) -> str:
    """The story's own id, which stands beside that of its feed if these differ (`publish.ids: per-feed`)."""
    story = item.get(STORY)
    own = story.get("id") if isinstance(story, dict) else None
    return own if isinstance(own, str) and own.startswith(_PREFIX) else str(item["id"])


def _reports(item: dict[str, Any]) -> Iterator[tuple[object, object]]:
    """The address and title of the lead, then of each outlet's report."""
    yield item.get("url"), item.get("title")
    more = item.get("_aggregator")
    outlets = more.get("outlets") if isinstance(more, dict) else None
    for one in outlets if isinstance(outlets, list) else []:
        if isinstance(one, dict):
            yield one.get("url"), one.get("title")


def _from_xml(stem: Path, format: str) -> Iterator[Remembered]:
    body = _read(stem, format)
    opened = open_document(Fetched("", 200, (("content-type", TYPES[format]),), body)) if body else None
    for entry in opened.raw.entries if isinstance(opened, Opened) else ():
        if entry.guid is not None and entry.guid.startswith(_PREFIX):
            published = _instant(next(iter(entry.published), None))
            for link in entry.links:
                if link.rel == "related" and PATH.search(link.href):
                    continue  # the page of an earlier story of its thread
                if link.rel in ("alternate", "related"):  # the title of a related link is its outlet's name
                    title = feed_title(entry.title) if link.rel == "alternate" else None
                    yield _remembered(entry.guid, link.href, title, published)


def _remembered(id: str, url: object, title: object, published: Instant | None) -> Remembered:
    """A title that is known and has no words is no sign of an article: such an entry has no address."""
    words = title_hash(title) if isinstance(title, str) else b""
    address = canonical(url) if isinstance(url, str) and (words or title is None) else None
    return Remembered(StoryId(id.removeprefix(_PREFIX)), canonical=address, title_hash=words, published=published)


def _read(stem: Path, format: str) -> bytes:
    """The document's bytes; none if it can't be read."""
    try:
        return stem.with_name(f"{stem.name}.{format}").read_bytes()
    except OSError:
        return b""


def _instant(text: object) -> Instant | None:
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
