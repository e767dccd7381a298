"""Maps lxml elements of Atom 1.0 (RFC 4287) and 0.3 to raw values."""

from __future__ import annotations

from functools import partial

from aggregator.parse import modules
from aggregator.parse.elements import (
    Element,
    Fields,
    base_of,
    digest_below,
    fields_of,
    first_piece,
    first_text,
    language_of,
    texts,
)
from aggregator.parse.raw import RawEntry, RawFeed
from aggregator.parse.vocabulary import ATOM_03

_PUBLISHED = ("atom:published", "atom:issued", "atom:created", "dcterms:issued", "dcterms:created", "pubdate")
_UPDATED = ("atom:updated", "atom:modified", "dcterms:modified", "dc:date")


def read(root: Element, with_base: bool) -> RawFeed:
    """Reads a `feed` document, or one whose root is an `entry`. with_base: whether the document uses `xml:base`."""
    alone = root.tag.rpartition("}")[2].lower() == "entry"
    fields = {} if alone else fields_of(root)
    elements = [root] if alone else fields.get("atom:entry", [])
    return RawFeed(
        format="atom 0.3" if ATOM_03 in root.tag or root.get("version") == "0.3" else "atom 1.0",
        parts=elements,
        make=partial(_entry, with_base=with_base),
        digest=digest_below(root, with_base),
        title=first_piece(fields, "maybe", with_base, "atom:title"),
        links=modules.atom_links(fields, with_base),
        language=language_of(root) or first_text(fields, "dc:language"),
        authors=modules.atom_people(fields, "atom:author"),
        images=(*texts(fields, "atom:logo", "atom:icon"), *(image.url for image in modules.images_of(fields))),
        period=first_text(fields, "sy:updateperiod"),
        frequency=first_text(fields, "sy:updatefrequency"),
        moved_to=first_text(fields, "itunes:new-feed-url"),
        base=base_of(root) if with_base else None,
    )


def _entry(element: Element, with_base: bool) -> RawEntry:
    fields = fields_of(element)
    updated = texts(fields, *_UPDATED)
    media = modules.atom_media(fields) + modules.enclosures(fields, "atom:enclosure") + modules.media_of(fields)
    return RawEntry(
        guid=first_text(fields, "atom:id"),
        links=(*modules.original_links(fields), *modules.atom_links(fields, with_base)),
        title=first_piece(fields, "maybe", with_base, "atom:title", "dc:title", "media:title"),
        summary=first_piece(fields, "maybe", with_base, "atom:summary", "dc:description")
        or modules.media_description(fields, with_base),
        content=first_piece(fields, "maybe", with_base, "atom:content", "content:encoded"),
        published=(*texts(fields, *_PUBLISHED), *updated),
        updated=updated,
        authors=modules.atom_people(fields, "atom:author") or texts(fields, "dc:creator") or _source_authors(fields),
        categories=(*modules.atom_categories(fields), *modules.subjects(fields)),
        media=modules.with_duration(media, first_text(fields, "itunes:duration")),
        images=modules.images_of(fields),
        language=language_of(element) or modules.module_language(fields),
        comments=modules.comment_page(fields) or first_text(fields, "comments"),
        origin=modules.atom_origin(fields),
        base=base_of(element) if with_base else None,
    )


def _source_authors(fields: Fields) -> tuple[str, ...]:
    """The authors of an entry's source, which apply if the entry has none (RFC 4287 4.2.1)."""
    sources = fields.get("atom:source", ())
    return tuple(person for source in sources for person in modules.atom_people(fields_of(source), "atom:author"))
