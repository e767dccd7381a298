"""Reads what precedes a document's root element, and the root's name. Scans are linear; nothing external is read."""

from __future__ import annotations

import re

from msgspec import Struct

_SPACE = b" \t\r\n\x00\x0b\x0c"
_DOCTYPE = re.compile(rb"<!doctype\b", re.I)
_DOCTYPE_HEAD = re.compile(rb"<!doctype\b(?:[^'\"\[>]|'[^']*'|\"[^\"]*\")*", re.I)
_ENTITY = re.compile(rb"<!entity\b", re.I)
_EXTERNAL = re.compile(
    rb"""<!entity\s{1,50}([A-Za-z_][\w.-]{0,60})\s{1,50}(?:system|public\s{1,50}(?:"[^"]{0,500}"|'[^']{0,500}'))"""
    rb"""\s{1,50}(?:"[^"]{0,2000}"|'[^']{0,2000}')\s{0,50}>""",
    re.I,
)
"""A general entity for another document. It is never read, so references to it are dropped."""
MAX_EXTERNAL = 16
"""External entities of a document that are dropped; with more it counts as declaring entities."""
_XML_NAMES = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_SUBSET_END = re.compile(rb"\]\s{0,100}>")
_ROOT = re.compile(rb"<([A-Za-z_][^\s/>]{0,100})")
_MARK = b"\xef\xbb\xbf"


class Prolog(Struct, frozen=True):
    """root: local name of the first element, as written, or ""; at: its position, or -1; start: where XML begins.

    doctype: (start, end) or None; entities: it declares entities with a text; html: it is a DOCTYPE of HTML; external: names of
    entities for other documents.
    """

    start: int
    root: str
    at: int
    doctype: tuple[int, int] | None = None
    entities: bool = False
    html: bool = False
    external: tuple[bytes, ...] = ()


def read_prolog(data: bytes) -> Prolog:
    """The prolog of a document (UTF-8). Skips processing instructions, comments and junk before the root."""
    start = position = _first_angle(data, 0)
    doctype: tuple[int, int] | None = None
    entities = html = False
    external: tuple[bytes, ...] = ()
    while position >= 0:
        if data.startswith((b"<?", b"<!--"), position):
            close = b"?>" if data[position + 1 : position + 2] == b"?" else b"-->"
            end = data.find(close, position)
            position = _first_angle(data, end + len(close)) if end >= 0 else -1
        elif _DOCTYPE.match(data, position):
            end = _doctype_end(data, position)
            external = tuple(name for name in _EXTERNAL.findall(data, position, end) if name not in _XML_NAMES)
            declares = len(_ENTITY.findall(data, position, end)) > min(len(external), MAX_EXTERNAL)
            doctype, entities = (position, end), entities or declares
            html = html or data[position + 9 : position + 40].split(b">")[0].strip().lower().startswith(b"html")
            position = _first_angle(data, end)
        else:
            root = _ROOT.match(data, position)
            if root:
                name = root[1].decode("utf-8", "replace").rpartition(":")[2]
                return Prolog(max(start, 0), name, position, doctype, entities, html, external)
            position = _first_angle(data, position + 1)
    return Prolog(max(start, 0), "", -1, doctype, entities, html)


def without_doctype(data: bytes, prolog: Prolog) -> bytes:
    """The document from its first `<` on, without its DOCTYPE, which is neither needed nor trusted.

    References to external entities are removed, too.
    """
    if prolog.doctype is None:
        return data[prolog.start :] if prolog.start else data
    start, end = prolog.doctype
    body = data[end:]
    for name in prolog.external:
        body = b"".join(part if kept else part.replace(b"&" + name + b";", b"") for part, kept in split_sections(body))
    return data[prolog.start : start] + body


def declares_entities(data: bytes) -> bool:
    """True if there is an entity declaration outside CDATA and comments."""
    return _ENTITY.search(data) is not None and any(_ENTITY.search(part) for part, kept in split_sections(data) if not kept)


def split_sections(data: bytes) -> list[tuple[bytes, bool]]:
    """The document cut into CDATA sections and comments (True) and the markup between them (False)."""
    found: list[tuple[bytes, bool]] = []
    position = search = 0
    closed = {b"-->": True, b"]]>": True}
    while (start := data.find(b"<!", search)) >= 0:
        close = b"-->" if data.startswith(b"<!--", start) else b"]]>" if data.startswith(b"<![CDATA[", start) else None
        end = data.find(close, start + 4) if close and closed[close] else -1
        if close and end < 0:
            closed[close] = False
        if close is None or end < 0:
            search = start + 2
            continue
        found += [(data[position:start], False), (data[start : end + 3], True)]
        position = search = end + 3
    found.append((data[position:], False))
    return found


def _first_angle(data: bytes, position: int) -> int:
    return data.find(b"<", position)


def _doctype_end(data: bytes, start: int) -> int:
    """Where the DOCTYPE ends, its internal subset included."""
    head = _DOCTYPE_HEAD.match(data, start)
    at = head.end() if head else start
    if data[at : at + 1] != b"[":
        angle = data.find(b">", at)
        return angle + 1 if angle >= 0 else len(data)
    close = _SUBSET_END.search(data, at)
    return close.end() if close else len(data)
