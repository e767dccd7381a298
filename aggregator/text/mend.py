"""Repairs that make most broken XML well-formed: control characters, bare ampersands, HTML's named entities.

CDATA sections and comments are left alone, because there an ampersand means itself.
"""

from __future__ import annotations

import html.entities
import re

from aggregator.text.prolog import split_sections

_CONTROL = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]"
    rb"|\xef\xbf[\xbe\xbf]"  # U+FFFE, U+FFFF
    rb"|\xed[\xa0-\xbf][\x80-\xbf]"  # surrogates
)
_AMPERSAND = re.compile(rb"&(?:#(\d{1,7});|#[xX]([0-9A-Fa-f]{1,6});|([A-Za-z][A-Za-z0-9]{0,31});)?")
_TAG = re.compile(rb"<(/?)[A-Za-z_](?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>")
_OWN = frozenset((b"lt", b"gt", b"amp", b"quot", b"apos"))
_NAMED = {name[:-1].encode(): value for name, value in html.entities.html5.items() if name.endswith(";")}


def mend_markup(data: bytes) -> bytes:
    """The document (UTF-8) repaired. Well-formed XML stays as it is."""
    data = _CONTROL.sub(b"", data)
    if b"&" not in data:
        return data
    return b"".join(part if kept else _AMPERSAND.sub(_mend_reference, part) for part, kept in split_sections(data))


def _mend_reference(found: re.Match[bytes]) -> bytes:
    decimal, hexadecimal, name = found.groups()
    if name is not None:
        if name in _OWN:
            return found.group()
        value = _NAMED.get(name)
        return b"&amp;" + found.group()[1:] if value is None else _as_text(value)
    if decimal is None and hexadecimal is None:
        return b"&amp;"
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return found.group() if _is_character(code) else b""


def _as_text(value: str) -> bytes:
    return value.replace("&", "&amp;").replace("<", "&lt;").encode()


def _is_character(code: int) -> bool:
    """True if XML allows the character (XML 1.0 2.2)."""
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def drop_deep_tags(data: bytes, limit: int) -> tuple[bytes, int]:
    """The document without tags nested deeper than `limit`, and the number of elements dropped. Their text stays."""
    depth = dropped = 0

    def keep(found: re.Match[bytes]) -> bytes:
        nonlocal depth, dropped
        if found[1]:
            depth -= 1
            return found.group() if depth < limit else b""
        if found.group().endswith(b"/>"):
            return found.group() if depth < limit else b""
        depth += 1
        dropped += depth > limit
        return found.group() if depth <= limit else b""

    return b"".join(part if kept else _TAG.sub(keep, part) for part, kept in split_sections(data)), dropped
