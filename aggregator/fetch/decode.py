"""Unpacks content codings: gzip, deflate, br (RFC 9110 8.4). The output never exceeds the limit, not even in memory."""

from __future__ import annotations

import zlib
from typing import Protocol

import brotli

GZIP_MAGIC = b"\x1f\x8b\x08"
_MEMBER = GZIP_MAGIC[:2]
_BEFORE_TEXT = b" \t\r\n\xef\xbb\xbf"
"""Bytes that may come before a feed's first character: white space and a byte order mark."""
_MAX_BEFORE_TEXT = 64
_SLICE = 16 * 1024
"""Bytes unpacked in one call: zlib copies everything after a member, so many members in one part would take quadratic time."""
MAX_MEMBERS = 1_000
"""Gzip members in one body: servers that flush make a few; a million empty ones would only waste time."""

_PLAIN = frozenset({"", "identity", "none", "utf-8", "binary", "8bit", "7bit", "text"})
_UNREAD = frozenset(
    {"zstd", "compress", "x-compress", "bzip2", "x-bzip2", "exi", "pack200-gzip", "dcb", "dcz", "lzma", "xz", "aes128gcm"}
)
"""Registered codings that we neither offer nor read."""


class DecodingError(Exception):
    """The body can't be unpacked; the message says why."""


class TooLargeError(Exception):
    """More bytes than the limit."""


class Decoder(Protocol):
    """Takes the parts of a body and returns it unpacked, up to the limit it was made with."""

    def feed(self, part: bytes) -> None: ...
    def finish(self) -> bytes:
        """The whole body. Raises DecodingError if the packed stream is incomplete."""
        ...


class _Bounded:
    """The output so far and its limit. Raises TooLargeError at the first byte too many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._parts: list[bytes] = []

    @property
    def room(self) -> int:
        """Bytes to ask a decompressor for: one more than allowed, to notice that there is more."""
        return self._limit - self._size + 1

    def add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise TooLargeError
        if part:
            self._parts.append(part)

    def whole(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


class Plain:
    """No coding. Unlabelled gzip is unpacked all the same, because no feed begins with its magic bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._out = _Bounded(limit)
        self._head: bytes | None = b""
        self._inner: Gzip | None = None

    def feed(self, part: bytes) -> None:
        if self._head is not None:
            part = self._head + part
            if len(part) < len(GZIP_MAGIC):
                self._head = part
                return
            self._head = None
            self._inner = Gzip(self._limit) if part.startswith(GZIP_MAGIC) else None
        (self._out.add if self._inner is None else self._inner.feed)(part)

    def finish(self) -> bytes:
        if self._head:
            self._out.add(self._head)
        return self._out.whole() if self._inner is None else self._inner.finish()


class Gzip:
    """gzip and zlib streams (RFC 1952, 1950). Plain text labelled as gzip is taken as it is."""

    def __init__(self, limit: int) -> None:
        self._out = _Bounded(limit)
        self._unpacker = zlib.decompressobj(47)
        self._head = b""
        self._plain: bool | None = None
        self._between = b""
        self._over = False
        self._members = 1

    def feed(self, part: bytes) -> None:
        if self._plain is None:
            self._head += part
            text = self._head.lstrip(_BEFORE_TEXT)
            if len(self._head) < 2 or (not text and len(self._head) < _MAX_BEFORE_TEXT):
                return
            part, self._head = self._head, b""
            self._plain = text[:1] in (b"<", b"{")
        self._take(part)

    def _take(self, part: bytes) -> None:
        if self._plain:
            self._out.add(part)
            return
        for start in range(0, len(part), _SLICE):
            self._unpack(part[start : start + _SLICE])

    def _unpack(self, data: bytes) -> None:
        while data and not self._over:
            if self._unpacker.eof:
                data = self._next_member(data)
                continue
            try:
                self._out.add(self._unpacker.decompress(data, self._out.room))
            except zlib.error as error:
                raise DecodingError("the compressed body is corrupt (gzip)") from error
            data = self._unpacker.unconsumed_tail or (self._unpacker.unused_data if self._unpacker.eof else b"")

    def _next_member(self, data: bytes) -> bytes:
        """The data from the next member on; b"" if the rest is garbage, which is ignored as browsers do.

        Zeros between members are padding. A member's two magic bytes may come in two parts.
        """
        data = self._between + (data if self._between else data.lstrip(b"\0"))
        if len(data) < len(_MEMBER):
            self._between = data
            return b""
        self._between, self._over = b"", not data.startswith(_MEMBER)
        if self._over:
            return b""
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise DecodingError("the compressed body has too many parts (gzip)")
        self._unpacker = zlib.decompressobj(47)
        return data

    def finish(self) -> bytes:
        if self._head:  # the body ended before its kind was clear
            self._plain = not self._head.strip(_BEFORE_TEXT)
            self._take(self._head)
        elif self._plain is None:
            return b""
        if not self._plain and not self._unpacker.eof:
            raise DecodingError("the compressed body is truncated (gzip)")
        return self._out.whole()


class Deflate:
    """zlib, as the standard says, or raw deflate, as many servers send it (RFC 9110 8.4.1.2)."""

    def __init__(self, limit: int) -> None:
        self._out = _Bounded(limit)
        self._unpacker: zlib._Decompress | None = None
        self._head = b""

    def feed(self, part: bytes) -> None:
        data = self._head + part if self._unpacker is None else part
        if self._unpacker is None:
            self._head = data
            if len(data) < 2:
                return
            self._unpacker = zlib.decompressobj(15 if _is_zlib(data) else -15)
        while data and not self._unpacker.eof:
            try:
                self._out.add(self._unpacker.decompress(data, self._out.room))
            except zlib.error as error:
                raise DecodingError("the compressed body is corrupt (deflate)") from error
            data = self._unpacker.unconsumed_tail

    def finish(self) -> bytes:
        if self._head and (self._unpacker is None or not self._unpacker.eof):
            raise DecodingError("the compressed body is truncated (deflate)")
        return self._out.whole()


def _is_zlib(data: bytes) -> bool:
    """True if the first two bytes are a zlib header (RFC 1950 2.2)."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


class Brotli:
    """br (RFC 7932)."""

    def __init__(self, limit: int) -> None:
        self._out = _Bounded(limit)
        self._unpacker = brotli.Decompressor()
        self._begun = False

    def feed(self, part: bytes) -> None:
        self._begun = True
        if self._unpacker.is_finished():
            raise DecodingError("the compressed body is corrupt (br): more follows its end")
        try:
            self._out.add(self._unpacker.process(part, output_buffer_limit=self._out.room))
            while not self._unpacker.can_accept_more_data():
                self._out.add(self._unpacker.process(b"", output_buffer_limit=self._out.room))
        except brotli.error as error:
            raise DecodingError("the compressed body is corrupt (br)") from error

    def finish(self) -> bytes:
        if self._begun and not self._unpacker.is_finished():
            raise DecodingError("the compressed body is truncated (br)")
        return self._out.whole()


def decoder_for(coding: str | None, limit: int) -> Decoder:
    """The decoder for a `Content-Encoding`, for at most `limit` bytes. Raises DecodingError for what we don't read.

    Several codings are refused: only an attack packs a feed twice. A label that is no coding ("utf-8") is ignored.
    """
    names = [name for raw in (coding or "").split(",") if (name := raw.strip().lower()) not in _PLAIN]
    if len(names) > 1:
        raise DecodingError("more than one content encoding (nested compression) is refused")
    match names[0] if names else "":
        case "gzip" | "x-gzip":
            return Gzip(limit)
        case "deflate":
            return Deflate(limit)
        case "br":
            return Brotli(limit)
        case name if name in _UNREAD:
            raise DecodingError(f"content encoding {name} was not asked for and is not read")
        case _:
            return Plain(limit)
