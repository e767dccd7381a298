"""Hashes what a subscriber sees of a story: `updated` moves only when readers are to show the entry anew for it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from aggregator.model import Entry, Item, Story
from aggregator.model.pictures import pictures_of
from aggregator.model.stories import first_of_outlets
from aggregator.text.canonical import without_tracking
from aggregator.text.html import text_of
from aggregator.text.pictures import is_image, sources_in, without_images
from aggregator.text.words import tokens

TOLD = 8
"""Bytes of a hash over what makes an edit. The rest is over pictures and the article, which are shown, but are no edit (decisions
056, 069)."""


def visible_hash(story: Story, *, full: bool) -> bytes:
    """8 bytes over all but pictures: the headline, the lead's link, text, authors and media, the outlets' links, other headlines
    than the lead's, where the story is discussed, and what hooks told. 4 bytes over its pictures, and over its article.

    full: True if any feed carries the whole content; if not, content counts only for entries without a summary.
    """
    lead = story.lead_item
    texts = _texts(lead.entry, full)
    media = [f"{one.url} {one.type} {one.length}" for one in lead.entry.enclosures if not is_image(one.type, one.url)]
    told = [*_parts(story, lead, [without_images(text) for text in texts], media), *_also(story, lead), *_hooks(story)]
    return _digest(told, TOLD) + _digest((*_pictures(story, texts), *_article(lead, full)), 4)


def is_edit(story: Story, before: bytes, after: bytes, *, full: bool) -> bool:
    """Whether what is told of the story has changed. before: its stored hash; after: its hash now.

    Earlier releases stored 8 bytes over pictures and all. Such a hash is compared with one of its kind: if they are equal,
    nothing has changed but the release.
    """
    if len(before) == TOLD:
        return before != first_visible_hash(story, full=full)
    return before[:TOLD] != after[:TOLD]


def first_visible_hash(story: Story, *, full: bool) -> bytes:
    """The hash of earlier releases: over the headline, the lead's link, text, authors and all media, and the outlets' links."""
    lead, entry = story.lead_item, story.lead_item.entry
    media = [f"{one.url} {one.type} {one.length}" for one in entry.enclosures]
    return _digest(_parts(story, lead, _texts(entry, full), [entry.image.url if entry.image else "", *media]), TOLD)


def _parts(story: Story, lead: Item, texts: list[str], media: list[str]) -> Iterator[str]:
    link = without_tracking(lead.entry.url or "")
    yield from (story.title, link, *texts, lead.outlet, *lead.entry.authors, *media)
    for item in first_of_outlets(story.reports):
        yield from (item.outlet, link if item is lead else without_tracking(item.entry.url or ""))


def _also(story: Story, lead: Item) -> Iterator[str]:
    told = (lead, *story.reports) if len(story.items) > 1 else ()
    others = [item.title for item in first_of_outlets(told) if item.id != lead.id]
    said = tokens(story.title) if others else []
    yield "also"
    yield from (title for title in others if (own := tokens(title)) and own != said)
    yield from (without_tracking(url) for _, url in story.discussions)


def _hooks(story: Story) -> Iterator[str]:
    for one in story.enriched:
        title = one.title if one.of == story.title else ""
        if title or one.summary:
            yield from ("hook", one.hook, title, one.summary)


def _texts(entry: Entry, full: bool) -> list[str]:
    return [entry.summary, entry.content if full or not _has_summary(entry) else ""]


def _pictures(story: Story, texts: Iterable[str]) -> Iterator[str]:
    chosen = next(pictures_of(story), None)
    if chosen is not None:
        yield f"{chosen.picture.url} {chosen.picture.width} {chosen.picture.height}"
    for text in texts:
        yield from sources_in(text)


def _article(lead: Item, full: bool) -> Iterator[str]:
    """The lead's article where it is shown. It is fetched after the entry: its coming is shown, but is no edit (decision 069)."""
    if full and lead.article and lead.body == lead.article:
        yield lead.article


def _digest(parts: Iterable[str], size: int) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=size).digest()


def _has_summary(entry: Entry) -> bool:
    """True if content and summary both have text: then excerpts are made of the summary alone (publish/entry/excerpt.py)."""
    return bool(entry.content and entry.summary and text_of(entry.summary))
