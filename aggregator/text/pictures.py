"""Tells pictures from other media, and pictures that show something from those that only decorate or count readers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from aggregator.text.html import unescape

SMALLEST = 50
"""Pixels of the shorter side. What is known to be smaller is an icon, a button, a line or a counter."""
LARGEST = 20_000
"""Pixels of the longest side that is believed."""

LONGEST_READ = 20_000
"""Characters of a text that are looked through for a picture. It is shown above the text, so it stands at its beginning."""

_IMAGE_NAMES = "apng avif bmp gif heic heif jfif jp2 jpe jpeg jpg jxl png svg tif tiff webp"
_IMAGES = frozenset(_IMAGE_NAMES.split())
_OTHER_MEDIA_NAMES = """
    3gp aac aiff avi flac flv m3u8 m4a m4b m4v mkv mov mp3 mp4 mpeg mpg oga ogg ogv opus pdf wav webm wma wmv
"""
_OTHER_MEDIA = frozenset(_OTHER_MEDIA_NAMES.split())
_GENERIC = frozenset(("application/octet-stream", "binary/octet-stream", "application/x-download", "application/force-download"))
"""Types of servers that don't know the type."""

_PHOTOS = frozenset(("avif", "heic", "jpeg", "jpg", "webp"))
"""Formats of photographs, in which nobody sends counters and few send icons."""

_SIZE = re.compile(r"\s*([0-9]{1,6})(?:\.[0-9]+)?\s*(?:px)?\s*", re.I)
_COUNTING_NAMES = """
    ad ads adserver analytics beacon counter metrics pixel pixels stat stats track tracker tracking
"""
_COUNTING = frozenset(_COUNTING_NAMES.split())
"""Names of hosts, below their domain, that count readers or sell them."""
_GRAVATAR = re.compile(r"https?://(?:[^/?#]*\.)?gravatar\.com/")
_FACE_NAMES = "avatars emoji emojis emoticon emoticons smileys smilies twemoji userpic userpics"
_FACES = frozenset(_FACE_NAMES.split())
_BLANK_NAMES = """
    1px 1x1 beacon blank clear clearpixel count counter dot grey lazyload loader loading pixel placeholder px shim spacer stat
    track trans transparent
"""
_BLANK = frozenset(_BLANK_NAMES.split())
"""Words of which alone the names of files are made that show nothing: `1x1.trans.gif`, `loading-2.svg`."""
_BETWEEN_WORDS = re.compile(r"[-_.]")
_BADGES = re.compile(r"https?://(?:[^/?#]*\.)?(?:shields\.io|badgen\.net|badge\.fury\.io|feedburner\.com|addtoany\.com)/")
_SIGN_NAMES = """
    avatar badge badges button buttons favicon favicons filetype filetypes icon pixel pixels spacer sprites tracking
"""
_SIGNS = frozenset(_SIGN_NAMES.split())
_WORDS = "avatar|badge|btn|button|emoji|favicon|icon|smiley|spacer|sprite"
_NAMES_SIGN = re.compile(rf"(?:^|[-_.])(?:{_WORDS})s?(?![a-z])")
_ENDS_AS_SIGN = re.compile(rf"(?:^|[-_.])(?:{_WORDS})s?$")
_BEGINS_AS_SIGN = re.compile(r"(?:badge|btn|button|emoji|icon|share|smiley)[-_.][a-z]+$")
"""`icon-mail`, `share_facebook`; not `icon-of-the-seas`, which is a ship. Photographs have no further word of the kind."""
_SIZE_IN_NAME = re.compile(r"(?<![0-9a-zA-Z])([0-9]{2,4})x[0-9]{2,4}(?![0-9a-zA-Z])")
_SIZES = "0123456789xp@-_."
"""Characters of a size at the end of a name: `-32x32`, `_16px`, `@2x`."""
_SHORTCODE = re.compile(r":[a-z0-9_+-]{1,40}:", re.I)
_LONGEST_EMOJI = 12
"""Characters of one emoji with its joiners and modifiers."""
_SHARES = re.compile(
    r"mailto:|https?://(?:[^/?#]*\.)?(?:facebook\.com/(?:sharer|share|dialog)|(?:twitter|x)\.com/(?:intent|share|home\?status)"
    r"|linkedin\.com/share|pinterest\.[a-z.]{2,6}/pin/create|reddit\.com/submit|tumblr\.com/(?:share|widgets)|vk\.com/share"
    r"|bsky\.app/intent|threads\.net/intent|news\.ycombinator\.com/submitlink|getpocket\.com/(?:save|edit)|buffer(?:app)?\.com/add"
    r"|add(?:toany|this)\.com/|t\.me/share|wa\.me/|api\.whatsapp\.com/send|flipboard\.com/)",
    re.I,
)
"""Addresses that pass a page on: an image that links there is a button."""
_TAG = re.compile(r"<(a|/a|img)(?: ([^<>]*))?>")
_ATTRIBUTE = re.compile(r'(?:^| )(src|href|alt|width|height)="([^"]*)"')
_IMG = re.compile(r"<img(?: [^<>]*)?>")
_SOURCE = re.compile(r'<img src="([^"]*)"')
_EMPTY_LINK = re.compile(r"<a(?: [^<>]*)?>\s*</a>")


class Image(NamedTuple):
    """An image in a text. width, height: in pixels, None if unknown."""

    url: str
    width: int | None
    height: int | None


def pixels(text: str | None) -> int | None:
    """A side as an attribute gives it: `600`, `600px`. None for `100%`, `auto` and nonsense."""
    found = _SIZE.fullmatch(text) if text else None
    return int(found[1]) if found and int(found[1]) <= LARGEST else None


def is_image(type: str | None, url: str) -> bool:
    """True if a file is a picture: by its type, or if that says nothing, by its name."""
    kind = (type or "").partition(";")[0].strip().lower()
    if kind.startswith("image"):
        return True
    return ("/" not in kind or kind in _GENERIC) and suffix_of(url) in _IMAGES


def is_other_media(url: str) -> bool:
    """True if the name of a file says that it is sound, film or a document."""
    return suffix_of(url) in _OTHER_MEDIA


def is_photo(url: str) -> bool:
    """True if a file's name says that it is of a format for photographs."""
    return suffix_of(url) in _PHOTOS


def suffix_of(url: str) -> str:
    """What follows the last dot of the last part of an address's path, in lower case; "" if there is none."""
    name = _path(url).rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def width_in_name(url: str) -> int | None:
    """The width that an address names, as in `/644x322/` and `storm-150x150.jpg`: good enough to choose by."""
    found = _SIZE_IN_NAME.search(_path(url))
    return int(found[1]) if found else None


def is_tiny(width: int | None, height: int | None) -> bool:
    """True if a side is known to be smaller than `SMALLEST`."""
    return (width is not None and width < SMALLEST) or (height is not None and height < SMALLEST)


def is_decoration(url: str) -> bool:
    """True for an avatar, an emoji or a counter, whoever calls it a picture: WordPress.com sends avatars as `media:content`."""
    if _GRAVATAR.match(url):
        return True
    host, _, path = _address(url).lower().partition("/")
    *folders, name = path.split("/")
    if not (_COUNTING.isdisjoint(host.split(".")[:-2]) and _FACES.isdisjoint(folders)):
        return True
    stem, _, suffix = name.rpartition(".")
    words = {word for word in _BETWEEN_WORDS.split(stem or name) if not word.isdigit()}
    return bool(words) and words <= _BLANK and suffix not in _PHOTOS


def is_sign(url: str, alt: str) -> bool:
    """True for what decorates a text: an icon, a badge, a button, an emoji in place of its character."""
    *folders, name = _path(url).lower().split("/")
    stem, _, suffix = name.rpartition(".")
    stem = (stem or name).rstrip(_SIZES)
    return (
        _BADGES.match(url) is not None
        or any(folder in _SIGNS or folder.endswith("icons") for folder in folders)
        or (_ENDS_AS_SIGN if suffix in _PHOTOS else _NAMES_SIGN).search(stem) is not None
        or _BEGINS_AS_SIGN.match(stem) is not None
        or _SHORTCODE.fullmatch(alt) is not None
        or (0 < len(alt) <= _LONGEST_EMOJI and not any(character.isalnum() for character in alt))
    )


def images_in(cleaned: str) -> Iterator[Image]:
    """The images at the beginning of cleaned HTML that show something, in its order."""
    if "<img " not in cleaned:
        return
    shares = False
    for found in _TAG.finditer(cleaned[:LONGEST_READ]):
        given = {name: unescape(value) if "&" in value else value for name, value in _ATTRIBUTE.findall(found[2] or "")}
        if found[1] != "img":
            shares = found[1] == "a" and _SHARES.match(given.get("href", "")) is not None
            continue
        image = Image(given.get("src", ""), pixels(given.get("width")), pixels(given.get("height")))
        if image.url and not (
            shares or is_tiny(*image[1:]) or is_decoration(image.url) or is_sign(image.url, given.get("alt", ""))
        ):
            yield image


def sources_in(cleaned: str) -> list[str]:
    """The addresses of all images of cleaned HTML, as they are written there."""
    return _SOURCE.findall(cleaned) if "<img" in cleaned else []


def without_images(cleaned: str) -> str:
    """Cleaned HTML without its images, and without links that held nothing else."""
    return _EMPTY_LINK.sub("", _IMG.sub("", cleaned)) if "<img" in cleaned else cleaned


def _address(url: str) -> str:
    """Host and path."""
    return re.split(r"[?#]", url.partition("://")[2], maxsplit=1)[0]


def _path(url: str) -> str:
    return _address(url).partition("/")[2]
