"""Maps lxml elements of RSS 0.90 to 2.0 and RSS 1.0 to raw values.

Follows the RSS 2.0 specification, the RSS Advisory Board's profile, and RSS 1.0 with its modules. `dc:date` counts as both
publication and update date, since feeds use it for either.
"""

from __future__ import annotations

from functools import partial

from aggregator.parse import modules, podcasts
from aggregator.parse.elements import (
    Element,
    Fields,
    attribute,
    base_of,
    digest_below,
    fields_of,
    first_piece,
    first_text,
    language_of,
    text_in,
    texts,
)
from aggregator.parse.raw import Candidate, Link, Piece, RawEntry, RawFeed
from aggregator.parse.vocabulary import RDF, RSS_10

_UPDATED = ("atom:updated", "atom:modified", "dcterms:modified", "dc:date", "updated", "modified", "date")
_PUBLISHED = (
    "pubdate",
    "atom:published",
    "atom:issued",
    "dcterms:issued",
    "dcterms:created",
    "atom:created",
    "published",
)


def read(root: Element, home: str, with_base: bool) -> RawFeed:
    """Reads a document with root `rss`, `rdf:RDF`, or `channel`. home: the root's namespace; with_base: it uses `xml:base`."""
    outside = fields_of(root, home)
    channel = next(iter(outside.get("channel", ())), root)
    fields = fields_of(channel, home)
    items = [*fields.get("item", ()), *(outside.get("item", ()) if channel is not root else ())]
    image = [*fields.get("image", ()), *outside.get("image", ())]
    return RawFeed(
        format=_format(root, channel),
        parts=items,
        make=partial(_entry, home=home, with_base=with_base),
        digest=digest_below(channel, with_base, home),
        title=first_piece(fields, "maybe", with_base, "title", "atom:title", "dc:title"),
        links=_links(fields, with_base),
        language=first_text(fields, "language", "dc:language") or language_of(channel) or language_of(root),
        images=(*(url for one in image if (url := _image(one, home))), *(one.url for one in modules.images_of(fields))),
        ttl=first_text(fields, "ttl"),
        period=first_text(fields, "sy:updateperiod"),
        frequency=first_text(fields, "sy:updatefrequency"),
        skip_hours=tuple(hour for skip in fields.get("skiphours", ()) for hour in texts(fields_of(skip, home), "hour")),
        skip_days=tuple(day for skip in fields.get("skipdays", ()) for day in texts(fields_of(skip, home), "day")),
        moved_to=first_text(fields, "itunes:new-feed-url"),
        base=base_of(channel) if with_base else None,
    )


def _format(root: Element, channel: Element) -> str:
    if root.tag.rpartition("}")[2].lower() == "rdf":
        return "rss 1.0" if channel.tag.startswith("{" + RSS_10) else "rss 0.90"
    version = (root.get("version") or "").strip()
    return f"rss {version}" if 0 < len(version) <= 5 and version.replace(".", "").isdigit() else "rss"


def _links(fields: Fields, with_base: bool) -> tuple[Link, ...]:
    """RSS links, then Atom links."""
    own = [
        Link(href, "alternate", None, base_of(element) if with_base else None)
        for element in fields.get("link", ())
        if (href := text_in(element) or attribute(element, "href"))
    ]
    return (*own, *modules.atom_links(fields, with_base))


def _image(element: Element, home: str) -> str | None:
    if len(element):
        return first_text(fields_of(element, home), "url")
    return attribute(element, "url") or attribute(element, "href") or text_in(element) or None


def _entry(item: Element, home: str, with_base: bool) -> RawEntry:
    fields = fields_of(item, home)
    guid = next((element for element in fields.get("guid", ()) if text_in(element)), None)
    media = modules.enclosures(fields, "enclosure") + modules.atom_media(fields) + modules.media_of(fields)
    updated = texts(fields, *_UPDATED)
    return RawEntry(
        guid=_guid(item, fields, guid),
        permalink=guid is not None and (attribute(guid, "isPermaLink") or "true").lower() != "false",
        links=(*modules.original_links(fields), *_links(fields, with_base)),
        title=first_piece(fields, "maybe", with_base, "title", "atom:title", "dc:title", "media:title", "itunes:title"),
        summary=_summary(fields, with_base),
        content=first_piece(
            fields,
            "html",
            with_base,
            "content:encoded",
            "xhtml:body",
            "xhtml:div",
            "atom:content",
            "fulltext",
            "yandex:full-text",
        ),
        published=(*texts(fields, *_PUBLISHED), *updated),
        updated=updated,
        authors=_authors(fields),
        categories=_categories(fields),
        media=modules.with_duration(media, first_text(fields, "itunes:duration")),
        images=(*modules.images_of(fields), *(Candidate(u) for one in fields.get("image", ()) if (u := _image(one, home)))),
        language=language_of(item) or modules.module_language(fields),
        comments=first_text(fields, "comments"),
        origin=_origin(fields),
        base=base_of(item) if with_base else None,
        tags=podcasts.tags_of(fields),
    )


def _guid(item: Element, fields: Fields, guid: Element | None) -> str | None:
    if guid is not None:
        return text_in(guid)
    about = attribute(item, f"{{{RDF}}}about")
    return about or first_text(fields, "atom:id", "dc:identifier", "id")


def _summary(fields: Fields, with_base: bool) -> Piece | None:
    return first_piece(
        fields, "html", with_base, "description", "atom:summary", "dc:description", "itunes:summary", "itunes:subtitle"
    ) or modules.media_description(fields, with_base)


def _authors(fields: Fields) -> tuple[str, ...]:
    """The authors of the first kind that an item has. Several kinds would name the same person in different ways."""
    return (
        texts(fields, "dc:creator", "dc:author", "dcterms:creator")
        or modules.atom_people(fields, "atom:author")
        or texts(fields, "author")
        or texts(fields, "itunes:author")
    )


def _categories(fields: Fields) -> tuple[tuple[str, str | None, str | None], ...]:
    own = [
        (term, attribute(element, "domain"), None)
        for element in fields.get("category", ())
        if (term := text_in(element) or attribute(element, "text"))
    ]
    return (*own, *modules.atom_categories(fields), *modules.subjects(fields))


def _origin(fields: Fields) -> tuple[str | None, str | None] | None:
    for element in fields.get("source", ()):
        title, url = text_in(element) or None, attribute(element, "url")
        if title or url:
            return title, url
    return modules.atom_origin(fields)
