"""Extension modules that RSS and Atom share: Media RSS, iTunes, Dublin Core, Atom in RSS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.parse.elements import attribute, base_of, fields_of, first_piece, first_text, text_in, texts
from aggregator.parse.raw import Link, Media, Piece

if TYPE_CHECKING:
    from aggregator.parse.elements import Element, Fields

_PICTURES = ("media:content", "media:group", "media:thumbnail", "itunes:image")
_MODULE_LANGUAGES = ("dc:language", "dcterms:language")


def original_links(fields: Fields) -> tuple[Link, ...]:
    """FeedBurner's original comes before its detour."""
    return tuple(Link(text, "original") for text in texts(fields, "feedburner:origlink"))


def atom_links(fields: Fields, with_base: bool) -> tuple[Link, ...]:
    """`atom:link` elements. A relation's registered name stands for its IANA address too (RFC 4287 4.2.7.2)."""
    links = []
    for element in fields.get("atom:link", ()):
        href = attribute(element, "href") or text_in(element)
        if href:
            relation = (attribute(element, "rel") or "alternate").lower().rpartition("/")[2]
            links.append(Link(href, relation, attribute(element, "type"), base_of(element) if with_base else None))
    return tuple(links)


def atom_people(fields: Fields, *names: str) -> tuple[str, ...]:
    """Names of persons, or their mail addresses where they have no name."""
    people = []
    for name in names:
        for element in fields.get(name, ()):
            parts = fields_of(element)
            person = first_text(parts, "atom:name", "atom:email", "name", "email") if len(element) else text_in(element)
            if person:
                people.append(person)
    return tuple(people)


def enclosures(fields: Fields, field: str) -> list[Media]:
    """RSS's `enclosure`, which stands in Atom too."""
    return [
        Media(url, attribute(element, "type"), attribute(element, "length"))
        for element in fields.get(field, ())
        if (url := attribute(element, "url") or attribute(element, "href"))
    ]


def comment_page(fields: Fields) -> str | None:
    """`link rel="replies"` of a page: the others are feeds of the comments (RFC 4685)."""
    replies = [link for link in atom_links(fields, False) if link.rel == "replies"]
    return next((link.href for link in replies if link.type in ("text/html", "application/xhtml+xml", None)), None)


def atom_media(fields: Fields) -> list[Media]:
    """`link rel="enclosure"`."""
    return [
        Media(href, attribute(element, "type"), attribute(element, "length"), None, attribute(element, "title"))
        for element in fields.get("atom:link", ())
        if (attribute(element, "rel") or "").lower().rpartition("/")[2] == "enclosure" and (href := attribute(element, "href"))
    ]


def media_of(fields: Fields) -> list[Media]:
    """`media:content`, alone and in groups; of a group's renditions the default one, or the first. Pictures are no media."""
    if "media:content" not in fields and "media:group" not in fields:
        return []
    found = [media for element in fields.get("media:content", ()) if (media := _media(element))]
    for group in fields.get("media:group", ()):
        renditions = [e for e in fields_of(group).get("media:content", ()) if _media(e)]
        chosen = next((e for e in renditions if attribute(e, "isDefault") == "true"), renditions[0] if renditions else None)
        if chosen is not None and (media := _media(chosen)):
            found.append(media)
    return found


def _media(element: Element) -> Media | None:
    url = attribute(element, "url")
    if not url or _is_picture(element):
        return None
    return Media(url, attribute(element, "type"), attribute(element, "fileSize"), attribute(element, "duration"))


def _is_picture(element: Element) -> bool:
    kind = attribute(element, "type") or ""
    return attribute(element, "medium") == "image" or kind.startswith("image/")


def images_of(fields: Fields) -> tuple[str, ...]:
    """Addresses of pictures, the best first: Media RSS content, thumbnails, iTunes."""
    if fields.keys().isdisjoint(_PICTURES):
        return ()
    found = [fields, *(fields_of(group) for group in (*fields.get("media:group", ()), *fields.get("media:content", ())))]
    pictures = [u for part in found for e in part.get("media:content", ()) if _is_picture(e) and (u := attribute(e, "url"))]
    thumbnails = [u for part in found for e in part.get("media:thumbnail", ()) if (u := attribute(e, "url") or text_in(e))]
    covers = [u for e in fields.get("itunes:image", ()) if (u := attribute(e, "href") or attribute(e, "url") or text_in(e))]
    return tuple(pictures + thumbnails + covers)


def media_description(fields: Fields, with_base: bool) -> Piece | None:
    """`media:description`: plain text unless it says otherwise (Media RSS 1.5.1)."""
    if fields.keys().isdisjoint(("media:description", "media:group", "media:content")):
        return None
    for part in (fields, *(fields_of(group) for group in (*fields.get("media:group", ()), *fields.get("media:content", ())))):
        piece = first_piece(part, "text", with_base, "media:description")
        if piece:
            return piece
    return None


def with_duration(media: list[Media], duration: str | None) -> tuple[Media, ...]:
    """`itunes:duration` is the first enclosure's."""
    if media and duration and media[0].duration is None:
        media = [media[0]._replace(duration=duration), *media[1:]]
    return tuple(media)


def atom_categories(fields: Fields) -> list[tuple[str, str | None, str | None]]:
    return [
        (term, attribute(element, "scheme"), attribute(element, "label"))
        for element in fields.get("atom:category", ())
        if (term := attribute(element, "term") or attribute(element, "label") or text_in(element))
    ]


def subjects(fields: Fields) -> list[tuple[str, str | None, str | None]]:
    """Dublin Core subjects are categories without a scheme."""
    return [(term, None, None) for term in texts(fields, "dc:subject", "dcterms:subject")]


def module_language(fields: Fields) -> str | None:
    return first_text(fields, *_MODULE_LANGUAGES)


def atom_origin(fields: Fields) -> tuple[str | None, str | None] | None:
    """`atom:source`: its title, and the address of its page, else of the feed."""
    for element in fields.get("atom:source", ()):
        parts = fields_of(element)
        links = {link.rel: link.href for link in reversed(atom_links(parts, False))}
        url = links.get("alternate") or links.get("self") or first_text(parts, "atom:id")
        title = first_text(parts, "atom:title")
        if title or url:
            return title, url
    return None
