"""Finds a document's charset: by byte order mark, HTTP header, XML declaration, then the bytes themselves.

Labels are checked against the bytes, because many are wrong: valid UTF-8 is UTF-8 even if labelled with a Western charset.
Nothing is lost: if no label fits, bytes that are not UTF-8 are read as Windows-1252.
"""

from __future__ import annotations

import codecs
import re

from msgspec import Struct

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(rb"<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}[\"']\s{0,9}([A-Za-z0-9._:-]{1,40})")
_HEADER = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9._:-]{1,40})", re.I)
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
}
"""Charsets that the Web reads as a superset (WHATWG Encoding 4.2)."""

_KNOWN = re.compile(
    r"utf-8|utf-8-sig|utf-16(-[lb]e)?|utf-32(-[lb]e)?|ascii|cp(1250|1251|1252|1253|1254|1255|1256|1257|1258|437|850|852|866|874|932|949|950)"
    r"|iso8859-\d\d?|koi8-[rut]|mac-roman|mac-cyrillic|gb2312|gbk|gb18030|big5|big5hkscs|euc_jp|euc_kr|shift_jis|iso2022_jp|tis-620|ptcp154"
)
"""Codecs that are charsets. Python has others (hex, zlib, rot13, UTF-7) that hide what a document says."""

_WESTERN = frozenset(("utf-8", "cp1252", "iso8859-15", "mac-roman", "cp850", "cp437"))
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_TWICE = re.compile(rb"\xc3[\x82-\xb4](?:[\xc2\xc5\xc6\xcb]|\xe2[\x80\x82\x84])")
"""The beginning of the first character beyond ASCII, if UTF-8 was taken for Windows-1252 and encoded again."""

_TO_BYTES = {ord(bytes([code]).decode("cp1252", "ignore") or chr(code)): code for code in range(0x80, 0xA0)}
_STRAY = re.compile("[\udc80-\udcff]")


class Decoded(Struct, frozen=True):
    """A decoded document. utf8: its text as UTF-8 without a byte order mark; charset: what it was read as."""

    utf8: bytes
    charset: str
    warning: str | None = None

    @property
    def text(self) -> str:
        return self.utf8.decode("utf-8", "replace")


def decode(body: bytes, content_type: str | None) -> Decoded:
    """Decodes a document; never raises. A document that is encoded twice as UTF-8 throughout is decoded twice."""
    decoded = _decode_once(body, content_type)
    first = None if decoded.utf8.isascii() else _NOT_ASCII.search(decoded.utf8)
    if first is None or _TWICE.match(decoded.utf8, first.start()) is None:
        return decoded
    try:
        once = decoded.text.translate(_TO_BYTES).encode("latin-1")
        once.decode("utf-8")
    except UnicodeError:
        return decoded
    return Decoded(once, decoded.charset, "UTF-8 encoded twice, decoded twice")


def _decode_once(body: bytes, content_type: str | None) -> Decoded:
    for mark, name in _MARKS:
        if body.startswith(mark):
            return _decode_as(body[len(mark) :], name)
    wide = _wide_charset(body)
    if wide:
        return _decode_as(body, wide)
    labels = [label for label in (_header_label(content_type), _declared_label(body)) if label]
    if (not labels or any(label in _WESTERN for label in labels)) and _is_utf8(body):
        return Decoded(body, "utf-8", _label_warning(labels, "utf-8", body))
    for label in labels:
        try:
            text = body.decode(label)
        except (UnicodeDecodeError, ValueError):
            continue
        return Decoded(
            _encode(text), label, None if label == labels[0] else f"charset {labels[0]} in the header, read as {label}"
        )
    if _is_utf8(body):
        return Decoded(body, "utf-8", _label_warning(labels, "utf-8", body))
    return Decoded(_encode(_decode_mixed(body)), "utf-8", "bytes that do not fit the charset, read as Windows-1252")


def _decode_as(body: bytes, name: str) -> Decoded:
    if name == "utf-8":
        if _is_utf8(body):
            return Decoded(body, name)
        return Decoded(_encode(_decode_mixed(body)), name, "bytes that do not fit the charset, read as Windows-1252")
    return Decoded(_encode(body.decode(name, "replace")), name)


def _wide_charset(body: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark, recognised by the zeros around the first character (XML 1.0 F.1)."""
    head = body[:4]
    if head in (b"<\0\0\0", b"{\0\0\0"):
        return "utf-32-le"
    if head in (b"\0\0\0<", b"\0\0\0{"):
        return "utf-32-be"
    if head[:2] in (b"<\0", b"{\0"):
        return "utf-16-le"
    return "utf-16-be" if head[:2] in (b"\0<", b"\0{") else None


def _header_label(content_type: str | None) -> str | None:
    """The header's charset. Without one text/xml no longer means us-ascii (RFC 7303 obsoletes RFC 3023)."""
    found = _HEADER.search(content_type or "")
    return _codec(found[1]) if found else None


def _declared_label(body: bytes) -> str | None:
    found = _DECLARATION.search(body[:1500])
    return _codec(found[1].decode("ascii")) if found else None


def _codec(label: str) -> str | None:
    """Python's name of a charset; None if it is unknown, or UTF-16 or UTF-32, which `_wide_charset` would have found."""
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    if _KNOWN.fullmatch(name) is None or name.startswith(("utf-16", "utf-32")):
        return None
    return _WIDER.get(name, "utf-8" if name == "utf-8-sig" else name)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _label_warning(labels: list[str], name: str, body: bytes) -> str | None:
    return f"charset {labels[0]} declared, but it is {name}" if labels and labels[0] != name and not body.isascii() else None


def _decode_mixed(body: bytes) -> str:
    """UTF-8, but each byte that is not UTF-8 as Windows-1252."""
    text = body.decode("utf-8", "surrogateescape")
    return _STRAY.sub(lambda found: bytes([ord(found.group()) - 0xDC00]).decode("cp1252", "replace"), text)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")
