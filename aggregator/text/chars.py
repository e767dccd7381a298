"""Removes characters that XML can't hold, that control a terminal, or that change the direction of text."""

from __future__ import annotations

import re

_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls (XML 1.0 2.2)
    "\u202a-\u202e\u2066-\u2069"  # direction embeddings, overrides and isolates (Unicode TR 9)
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # lone surrogates, non-characters
)
_WINDOWS = {chr(code): bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
"""C1 controls in feeds are Windows-1252 taken for Latin-1; HTML reads their references so, too (WHATWG HTML 13.2.5.80)."""

_CONTROLS = bytes((*range(0x20), 0x7F))
_CONTROLS_BUT_SPACE = bytes(code for code in _CONTROLS if code not in b"\t\n\r")
_INVISIBLE_EDGES = " \u00ad\u2060"
_INVISIBLE_SPACE = str.maketrans("\u200b\ufeff", "  ")


def scrub(text: str) -> str:
    """The text without controls, lone surrogates, non-characters and direction controls.

    Line ends and tabs stay, and so do joiners and right-to-left letters, which scripts and emoji need.
    """
    if text.isascii():
        raw = text.encode("ascii")
        kept = raw.translate(None, _CONTROLS_BUT_SPACE)
        return text if len(kept) == len(raw) else kept.decode("ascii")
    if text.replace("\n", " ").isprintable():
        return text
    return _UNWANTED.sub(lambda found: _WINDOWS.get(found.group(), ""), text)


def one_line(text: str, limit: int | None = None) -> str:
    """The text scrubbed, on one line, with single spaces; cut with an ellipsis if longer than `limit` characters."""
    if _is_one_line(text):
        line = text
        while "  " in line:
            line = line.replace("  ", " ")
    else:
        line = " ".join(text.split())
        if not line.isprintable():
            line = " ".join(scrub(line).translate(_INVISIBLE_SPACE).split())
    line = line.strip(_INVISIBLE_EDGES)
    return line if limit is None or len(line) <= limit else shorten(line, limit)


def _is_one_line(text: str) -> bool:
    """True without controls, spaces other than U+0020 and invisible characters. A fast path: most texts are like that."""
    if text.isascii():
        raw = text.encode("ascii")
        return len(raw.translate(None, _CONTROLS)) == len(raw)
    return text.isprintable()


def shorten(line: str, limit: int) -> str:
    """The line cut to `limit` characters, ellipsis included, at the end of a word if one is near."""
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    space = cut.rfind(" ", max(0, limit - 40))
    return (cut[:space] if space > 0 else cut).rstrip(" ,;:-–—") + "…"
