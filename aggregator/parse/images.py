"""Chooses an entry's picture among those that its feed names (decision 056)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aggregator.model import Picture
from aggregator.parse.raw import Candidate, Media
from aggregator.text import pictures
from aggregator.text.clean import Links

ENOUGH = 600
"""Pixels of width that fill a phone's screen and a reader's column. Of wider pictures the narrowest is taken: they cost more."""
_TIMED = ("duration", "bitrate", "framerate", "samplingrate", "channels")


def is_picture(url: str, attribute: Callable[[str], str | None]) -> bool:
    """Whether a `media:content` is a picture. attribute: returns one of its attributes.

    Type and medium are optional (Media RSS 1.5.1). Without them, its name decides, and then whether it has a size but no length.
    """
    medium, kind = (attribute("medium") or "").lower(), attribute("type")
    if medium == "image" or pictures.is_image(kind, "" if medium else url):
        return True
    if medium or (kind and "/" in kind) or pictures.is_other_media(url):
        return False
    return any(map(attribute, ("width", "height"))) and not any(map(attribute, _TIMED))


def choose(candidates: Iterable[Candidate], media: Iterable[Media], links: Links) -> Picture | None:
    """The best of the named pictures and of the enclosures that are pictures; of equals, the first."""
    attached = (Candidate(one.url) for one in media if pictures.is_image(one.type, one.url))
    found = [picture for one in (*candidates, *attached) if (picture := _picture(one, links)) is not None]
    return min(found, key=_order)[1] if found else None


def _picture(candidate: Candidate, links: Links) -> tuple[Candidate, Picture] | None:
    url = links.tidy(candidate.url)
    width, height = pictures.pixels(candidate.width) or None, pictures.pixels(candidate.height) or None
    if url is None or pictures.is_tiny(width, height) or pictures.is_decoration(url):
        return None
    return candidate, Picture(url, width, height)


def _order(found: tuple[Candidate, Picture]) -> tuple[int, int]:
    """Wide enough, the narrowest first; of unknown width, but no preview; too narrow, the widest first; the other previews."""
    candidate, picture = found
    width = picture.width or pictures.width_in_name(picture.url)
    if width is None:
        return (3, 0) if candidate.preview else (1, 0)
    return (0, width) if width >= ENOUGH else (2, -width)
