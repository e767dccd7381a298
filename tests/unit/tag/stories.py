"""Small stories for tests of queries and rules."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.model import Category, Entry, Item, ItemId, Slug, SourceId, Story, StoryId, Tag, TagKind

NOON = 1_686_830_400.0
"""15 June 2023, 12:00 UTC."""
DAY = 86_400.0


def item(
    title: str,
    text: str = "",
    source: str = "herald",
    *,
    number: int = 1,
    url: str | None = "https://www.herald.example/world/1",
    author: str | None = None,
    group: str | None = None,
    language: str = "en",
    outlet: str | None = None,
    origin: str | None = None,
    categories: Iterable[str] = (),
    tags: tuple[str, ...] = (),
    published: float = NOON,
) -> Item:
    """An item of a source; its outlet is named like the source unless said otherwise."""
    entry = Entry(
        guid=f"{source}-{number}",
        url=url,
        title=title,
        summary=text,
        text=text,
        published=published,
        authors=(author,) if author else (),
        categories=tuple(Category(term) for term in categories),
    )
    outlet = outlet or source
    return Item(
        ItemId(number), SourceId(source), f"{source}-{number}", entry, url, outlet, outlet, published, published, b"",
        language=language, group=group, tags=tags, origin=origin,
    )  # fmt: skip


def story(*items: Item, tags: Iterable[str] = (), topics: Iterable[str] = (), published: float = NOON) -> Story:
    """A story of these items. Tags as `tag:wire` or `entity:nato`."""
    made = []
    for text in tags:
        kind, value = text.split(":")
        made.append(Tag(TagKind(kind), value))
    return Story(
        StoryId("s1"),
        items,
        items[0].id,
        published,
        published,
        published,
        tags=tuple(made),
        topics=tuple(Slug(topic) for topic in topics),
    )
