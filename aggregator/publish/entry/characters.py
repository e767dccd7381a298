"""Validates what goes into published documents: addresses, media types, language tags, and text.

The parser already cleans its input. This second check ensures that nothing in the store can break a document.
"""

from __future__ import annotations

import html
import mimetypes
import re
from functools import lru_cache
from urllib.parse import urlsplit

from aggregator.text import chars, urls
from aggregator.text.chars import one_line

__all__ = ["address", "language", "media_type", "plain", "scrub"]

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}")
_LANGUAGE = re.compile(r"(?i)[a-z]{2,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*")
_UNDETERMINED = frozenset({"und", "mul", "zxx", "mis"})
_TAG_LIKE = re.compile(r"<([/!?]?[A-Za-z!?\[-][^<>]*)>")
_OPENING_LIKE = re.compile(r"<(?=[/!?A-Za-z])")
_ENTITY_LIKE = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_REFERENCE_LIKE = re.compile(r"&(?=#?\w+;)")
_UNSAFE = re.compile(r"[\s<>\"{}|\\^`\x00-\x1f\x7f\[\]]")


def scrub(text: str) -> str:
    """The text without characters that no published document may contain. U+FFFD becomes a question mark."""
    return chars.scrub(text).replace("\ufffd", "?")


def plain(text: str) -> str:
    """A title, name, or summary on one line that every reader shows the same way.

    Some readers treat these texts as HTML. So text that looks like a tag or comment gets other brackets, and text that looks like
    a character reference becomes that character; an unknown reference gets a space after its ampersand.
    """
    line = one_line(text).replace("\ufffd", "?")
    if "&" in line:
        line = one_line(_ENTITY_LIKE.sub(lambda found: html.unescape(found.group()), line))
        line = _REFERENCE_LIKE.sub("& ", line)
    return _OPENING_LIKE.sub("‹", _TAG_LIKE.sub(r"‹\1›", line)) if "<" in line else line


@lru_cache(maxsize=8_192)
def address(url: str | None) -> str | None:
    """The URL as it may be published (absolute http or https, RFC 3986 characters alone), or None."""
    resolved = urls.resolve(None, url)
    if resolved is None:
        return None
    scheme, _, rest = resolved.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}{slash}" + _UNSAFE.sub(lambda found: f"%{ord(found.group()):02X}", path)


def media_type(given: str | None, url: str) -> str:
    """The given type if it is valid, else the type guessed from the address, else `application/octet-stream`."""
    bare = (given or "").split(";")[0].strip().lower()
    if _MEDIA_TYPE.fullmatch(bare):
        return bare
    return mimetypes.guess_type(urlsplit(url).path, strict=False)[0] or "application/octet-stream"


def language(tag: str | None) -> str | None:
    """A well-formed language tag (RFC 5646 2.1, without private use), or None if missing, malformed, or undetermined."""
    bare = (tag or "").strip().replace("_", "-")
    if not _LANGUAGE.fullmatch(bare) or bare.lower() in _UNDETERMINED:
        return None
    return bare
