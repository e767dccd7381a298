"""Reads extension modules that RSS and Atom share: Media RSS, iTunes, Dublin Core, and Atom elements in RSS."""

from __future__ import annotations

from aggregator.parse import images
from aggregator.parse.elements import Element, Fields, attribute, base_of, fields_of, first_piece, first_text, text_in, texts
from aggregator.parse.raw import Candidate, Link, Media, Piece

_PICTURES = ("media:content", "media:group", "media:thumbnail", "itunes:image")
_MODULE_LANGUAGES = ("dc:language", "dcterms:language")
_REGISTRIES = tuple(
    f"{scheme}://www.iana.org/assignments/{registry}/"
    for scheme in ("http", "https")
    for registry in ("relation", "link-relations")
)
"""Prefixes with which a registered relation may be written as an address."""


def original_links(fields: Fields) -> tuple[Link, ...]:
    """The article addresses behind FeedBurner's redirects."""
    return tuple(Link(text, "original") for text in texts(fields, "feedburner:origlink"))


def relation_of(written: str | None) -> tuple[str, bool]:
    """(the link relation in lower case, whether it was written so); "alternate" if there is none (RFC 4287 4.2.7.2).

    Registered names are compared without case (RFC 8288 2.1.1), and their IANA addresses mean the same (RFC 4287 4.2.7.2). Any
    other address is a relation of its own, whatever it ends in.
    """
    relation = (written or "alternate").strip()
    lower = relation.lower()
    for prefix in _REGISTRIES:
        lower = lower.removeprefix(prefix)
    return lower or "alternate", relation.endswith(lower)


def atom_links(fields: Fields, with_base: bool) -> tuple[Link, ...]:
    """The `atom:link` elements."""
    links = []
    for element in fields.get("atom:link", ()):
        href = attribute(element, "href") or text_in(element)
        if href:
            relation, as_registered = relation_of(attribute(element, "rel"))
            base = base_of(element) if with_base else None
            links.append(Link(href, relation, attribute(element, "type"), base, as_registered))
    return tuple(links)


def atom_people(fields: Fields, *names: str) -> tuple[str, ...]:
    """The names of persons, or the mail addresses of those without a name."""
    people = []
    for name in names:
        for element in fields.get(name, ()):
            parts = fields_of(element)
            person = first_text(parts, "atom:name", "atom:email", "name", "email") if len(element) else text_in(element)
            if person:
                people.append(person)
    return tuple(people)


def enclosures(fields: Fields, field: str) -> list[Media]:
    """RSS `enclosure` elements, which some Atom feeds have, too."""
    return [
        Media(url, attribute(element, "type"), attribute(element, "length"))
        for element in fields.get(field, ())
        if (url := attribute(element, "url") or attribute(element, "href"))
    ]


def comment_page(fields: Fields) -> str | None:
    """The first `link rel="replies"` to a web page. Others lead to comment feeds (RFC 4685 4)."""
    replies = [link for link in atom_links(fields, False) if link.rel == "replies"]
    return next((link.href for link in replies if link.type in ("text/html", "application/xhtml+xml", None)), None)


def atom_media(fields: Fields) -> list[Media]:
    """The media of `link rel="enclosure"`."""
    return [
        Media(href, attribute(element, "type"), attribute(element, "length"), None, attribute(element, "title"))
        for element in fields.get("atom:link", ())
        if relation_of(attribute(element, "rel"))[0] == "enclosure" and (href := attribute(element, "href"))
    ]


def media_of(fields: Fields) -> list[Media]:
    """The media of `media:content`, except for images. A group gives its default rendition, or its first one."""
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
    if not url or _is_picture(element, url):
        return None
    return Media(url, attribute(element, "type"), attribute(element, "fileSize"), attribute(element, "duration"))


def _is_picture(element: Element, url: str) -> bool:
    return images.is_picture(url, lambda name: attribute(element, name))


def images_of(fields: Fields) -> tuple[Candidate, ...]:
    """Pictures, in the order in which equals are preferred: Media RSS content, thumbnails, iTunes."""
    if fields.keys().isdisjoint(_PICTURES):
        return ()
    groups = [fields_of(group) for group in fields.get("media:group", ())]
    outer = [fields, *groups]
    inner = [fields_of(content) for part in outer for content in part.get("media:content", ())]
    contents = [e for part in outer for e in part.get("media:content", ())]
    pictures = [_candidate(u, e) for e in contents if (u := attribute(e, "url")) and _is_picture(e, u)]
    thumbnails = [e for part in (*outer, *inner) for e in part.get("media:thumbnail", ())]
    previews = [_candidate(u, e, preview=True) for e in thumbnails if (u := attribute(e, "url") or text_in(e))]
    covers = [u for e in fields.get("itunes:image", ()) if (u := attribute(e, "href") or attribute(e, "url") or text_in(e))]
    return (*pictures, *previews, *(Candidate(cover, preview=True) for cover in covers))


def _candidate(url: str, element: Element, *, preview: bool = False) -> Candidate:
    return Candidate(url, attribute(element, "width"), attribute(element, "height"), preview)


def media_description(fields: Fields, with_base: bool) -> Piece | None:
    """The `media:description`, which is plain text unless its type says otherwise (Media RSS 1.5.1)."""
    if fields.keys().isdisjoint(("media:description", "media:group", "media:content")):
        return None
    for part in (fields, *(fields_of(group) for group in (*fields.get("media:group", ()), *fields.get("media:content", ())))):
        piece = first_piece(part, "text", with_base, "media:description")
        if piece:
            return piece
    return None


def with_duration(media: list[Media], duration: str | None) -> tuple[Media, ...]:
    """Gives the `itunes:duration` to the first enclosure if that has none."""
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
    """Dublin Core subjects as categories without a scheme."""
    return [(term, None, None) for term in texts(fields, "dc:subject", "dcterms:subject")]


def module_language(fields: Fields) -> str | None:
    return first_text(fields, *_MODULE_LANGUAGES)


def atom_origin(fields: Fields) -> tuple[str | None, str | None] | None:
    """Title and address of an `atom:source`. The address is its page's, else the feed's."""
    for element in fields.get("atom:source", ()):
        parts = fields_of(element)
        links = {link.rel: link.href for link in reversed(atom_links(parts, False))}
        url = links.get("alternate") or links.get("self") or first_text(parts, "atom:id")
        title = first_text(parts, "atom:title")
        if title or url:
            return title, url
    return None
