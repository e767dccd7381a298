"""Takes out of a text what its sender hides, above all preheaders: the line that newsletters show in an inbox alone.

A reader without the sender's styles would show it, at the top of each text. Styles are inline, as in mail.
"""

from __future__ import annotations

import re

from msgspec import Struct

from aggregator.text.html import text_of

PROPERTIES = frozenset(
    ("display", "visibility", "width", "height", "max-width", "max-height", "overflow", "font-size", "mso-hide")
)
"""What of a style tells whether it hides its element."""

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)((?: [^<>]*)?)>")
_STYLE = re.compile(r' style="([^"]*)"')
_ATTRIBUTE = re.compile(r' (?:style|hidden)="[^"]*"')
_STYLED = re.compile(r'(<(?!img )[a-z][^<>]*?) style="[^"]*"')
_SUSPECT = re.compile(r' hidden="| style="[^"]*(?:none|hidden|all|font-size\s*:\s*(?:[.0]|1(?:px|pt)?\s*[;"!]))', re.I)
"""What may be hidden. Most styles are not, and are read no further."""
_VOID = frozenset(("br", "col", "hr", "img", "source", "wbr"))
_MEDIA = frozenset(("img", "video", "audio"))
_NOTHING = re.compile(r"0*(?:\.0+)?(?:px|pt|em|rem|%)?|[01](?:px|pt)?")
"""A length of at most a pixel."""
_SHOWN = re.compile(r"<(?:img|video|audio)\b")


class _Element(Struct):
    """An element that is not closed yet. start: its place in the output; the rest is true of it or of what it holds."""

    start: int
    style: dict[str, str]
    is_hidden: bool = False
    has_font: bool = False
    has_media: bool = False
    has_link: bool = False


def without_hidden(cleaned: str) -> str:
    """Cleaned HTML without hidden elements, and without styles except those of images. If all is hidden, it is shown."""
    if ' style="' not in cleaned and ' hidden="' not in cleaned:
        return cleaned
    if not _SUSPECT.search(cleaned):
        return _STYLED.sub(r"\1", cleaned)
    shown = _without_hidden(cleaned)
    return shown if _SHOWN.search(shown) or text_of(shown) else _TAG.sub(_written, cleaned)


def _without_hidden(cleaned: str) -> str:
    parts: list[str] = []
    opened = [_Element(0, {})]
    position = 0
    for tag in _TAG.finditer(cleaned):
        parts.append(cleaned[position : tag.start()])
        position = tag.end()
        name = tag[2]
        if tag[1]:
            parts.append(tag[0])
            if len(opened) > 1:
                _close(opened, parts)
        else:
            opened[-1].has_media |= name in _MEDIA
            opened[-1].has_link |= name == "a"
            if name not in _VOID:
                style = _style(tag[3])
                opened.append(_Element(len(parts), style, is_hidden=' hidden="' in tag[3] or _hides(style)))
            parts.append(_written(tag))
    return "".join((*parts, cleaned[position:]))


def _close(opened: list[_Element], parts: list[str]) -> None:
    """Ends the last element: takes it out if it is hidden, else tells its parent what it holds."""
    one = opened.pop()
    if one.is_hidden or _is_preheader(one):
        del parts[one.start :]
        return
    parent = opened[-1]
    parent.has_font |= one.has_font or "font-size" in one.style
    parent.has_media |= one.has_media
    parent.has_link |= one.has_link


def _hides(style: dict[str, str]) -> bool:
    """Whether nobody sees the element, whatever it holds."""
    if style.get("display") == "none" or style.get("visibility") == "hidden":
        return True
    sides = (style.get(name) for name in ("height", "max-height", "width", "max-width"))
    return style.get("overflow") == "hidden" and any(side is not None and _NOTHING.fullmatch(side) for side in sides)


def _is_preheader(one: _Element) -> bool:
    """Whether it is text that is too small to be seen, or hidden from Outlook alone: buttons are, too, but those are links.

    A table cell of size 0 with text of its own size or a picture in it is a common frame.
    """
    if one.has_media:
        return False
    size = one.style.get("font-size")
    is_tiny = size is not None and _NOTHING.fullmatch(size) is not None and not one.has_font
    return is_tiny or (one.style.get("mso-hide") == "all" and not one.has_link)


def _style(attributes: str) -> dict[str, str]:
    found = _STYLE.search(attributes)
    rules = (rule.partition(":") for rule in found[1].lower().split(";")) if found else ()
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in rules}


def _written(tag: re.Match[str]) -> str:
    return tag[0] if tag[2] == "img" or not tag[3] else f"<{tag[1]}{tag[2]}{_ATTRIBUTE.sub('', tag[3])}>"
