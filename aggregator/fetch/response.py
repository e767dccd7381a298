"""Reads a response with llhttp: bytes become status, headers and parts of a body.

llhttp is stricter than many servers. A head that it refuses is put in order (`tidy_head`) and read again; after such an answer
the connection is not used again, because what follows can't be trusted.
"""

from __future__ import annotations

import re

from httptools import HttpParserCallbackError, HttpParserError, HttpResponseParser
from httpx import RemoteProtocolError

from aggregator.fetch.errors import HeadersTooLargeError, IncompleteError, NoAnswerError

TRAILER_BYTES = 64 * 1024
"""Bytes of trailers that may follow a chunked body (RFC 9112 7.1.2). They are counted, not kept."""

_NO_HTTP = "what came is no HTTP response"
_STATUS_LINE = re.compile(rb"HTTP/[0-9]\.[0-9] [0-9]{3}(?: [^\r]*)?")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_LENGTH = re.compile(rb"[0-9]{1,19}")
_CONTROLS = bytes.maketrans(bytes([*range(9), *range(10, 32), 127]), b" " * 32)


class ResponseReader:
    """Reads one response: feed it until it has `ended`. It skips 1xx answers that come first.

    headers: names in lower case. parts: of the body; the caller takes them away. fault: what is wrong with the body after
    these parts. reusable: the connection may carry another request. Raises httpx.RemoteProtocolError until the head is
    complete, and IncompleteError.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.headed = False
        self.ended = False
        self.fault: RemoteProtocolError | None = None
        self.reusable = False
        self._raw = b""
        self._odd = False
        self._trailers = 0
        self._callback_fault: RemoteProtocolError | None = None
        self._parser: HttpResponseParser | None = _parser(self)

    def feed(self, data: bytes) -> None:
        """Takes the next bytes."""
        if self.headed:
            self._parse(data)
        else:
            self._read_head(data)

    def _read_head(self, data: bytes) -> None:
        searched = max(0, len(self._raw) - 2)
        self._raw += data
        if not self._odd:
            try:
                self._parse(data)
            except RemoteProtocolError:
                if not self._raw.lstrip(b"\r\n").startswith(b"HTTP/"):
                    raise RemoteProtocolError(_NO_HTTP) from None
                self._odd, searched, self._parser = True, 0, _parser(self)
        if self._odd:
            self._parse_tidied(searched)
        if self.headed:
            self._raw = b""

    def _parse_tidied(self, searched: int) -> None:
        """Parses what has come, each complete head put in order first."""
        while not self.headed and (blank := _BLANK_LINE.search(self._raw, searched)) is not None:
            head, self._raw, searched = self._raw[: blank.end()], self._raw[blank.end() :], 0
            self._parse(tidy_head(head))
        if self.headed and self._raw:
            self._parse(self._raw)

    def end(self, torn: bool = False) -> None:
        """The connection has closed, which ends a body of unknown length, unless the connection was torn (see `Wire`)."""
        if not self.headed:
            raise RemoteProtocolError(_NO_HTTP) if self._raw else NoAnswerError("no answer")
        if not self.ended and (torn or any(_frames(name, value) for name, value in self.headers)):
            raise IncompleteError("the connection closed before the end of the body")
        self.ended, self._parser = True, None

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            self.reusable = False  # more bytes than the answer has
            return
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            if self.ended:
                self.reusable = False
            elif self.headed:
                self.fault, self._parser = self._fault(error), None
            else:
                raise self._fault(error) from None
        if self.ended:
            self._parser = None  # it refers to this reader: no cycle is left

    def _fault(self, error: HttpParserError) -> RemoteProtocolError:
        if self._callback_fault is not None:
            return self._callback_fault
        if isinstance(error, HttpParserCallbackError):
            raise error
        return RemoteProtocolError(str(error))

    def _fail(self, fault: RemoteProtocolError) -> None:
        """Stops the parser with this fault, which is kept here because httptools hides what a callback raises."""
        self._callback_fault = fault
        raise fault

    # Callbacks of llhttp.
    def on_message_begin(self) -> None:
        if self.ended:
            self._fail(RemoteProtocolError("more than one answer"))
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.headed:
            self.headers.append((name.lower(), value.rstrip(b" \t")))
            return
        self._trailers += len(name) + len(value) + 4
        if self._trailers > TRAILER_BYTES:
            self._fail(HeadersTooLargeError("trailers"))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        if self.status < 100 or self.status == 101:
            self._fail(RemoteProtocolError(f"status {self.status}, which nobody asked for"))
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and codings not in ([b"chunked"], [b"identity"]):
            self._fail(RemoteProtocolError("Only Transfer-Encoding: chunked is supported"))
        self.headed = self.status >= 200

    def on_body(self, data: bytes) -> None:
        self.parts.append(data)

    def on_message_complete(self) -> None:
        if self.headed:
            assert self._parser is not None
            self.ended = True
            self.reusable = not self._odd and self._parser.should_keep_alive()


def _parser(reader: ResponseReader) -> HttpResponseParser:
    parser = HttpResponseParser(reader)
    parser.set_dangerous_leniencies(
        lenient_version=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
    )
    return parser


def _frames(name: bytes, value: bytes) -> bool:
    """True if the header says where the body ends."""
    return name == b"content-length" or (name == b"transfer-encoding" and value.lower() == b"chunked")


def tidy_head(head: bytes) -> bytes:
    """Status line and headers as they should have been sent (RFC 9112 5, 6.3; RFC 9110 5.5).

    Joins folded lines, strips white space before a colon, drops lines that are no header, turns control characters into
    spaces. Equal Content-Lengths become one; beside chunks there is none. Raises RemoteProtocolError.
    """
    status, *lines = re.split(rb"\r?\n", head.strip(b"\r\n"))
    if not _STATUS_LINE.fullmatch(status):
        raise RemoteProtocolError("illegal status line")
    fields: list[tuple[bytes, bytes]] = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t"):
            if fields:
                fields[-1] = (fields[-1][0], fields[-1][1] + b" " + line.strip())
        elif colon and _NAME.fullmatch(name.rstrip(b" \t")):
            fields.append((name.rstrip(b" \t"), value))
    kept = [(name, value.translate(_CONTROLS).strip()) for name, value in _unambiguous(fields)]
    return b"\r\n".join([status, *(name + b": " + value for name, value in kept), b"", b""])


def _unambiguous(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers, with only one of them saying where the body ends. Raises RemoteProtocolError."""
    codings = [value.strip() for name, value in fields if name.lower() == b"transfer-encoding"]
    lengths = {part.strip() for name, value in fields if name.lower() == b"content-length" for part in value.split(b",")}
    if len(lengths) > 1:
        raise RemoteProtocolError("conflicting Content-Length headers")
    if not all(map(_LENGTH.fullmatch, lengths)):
        raise RemoteProtocolError("bad Content-Length")
    coded = any(coding.lower() != b"identity" for coding in codings)
    left_out = {b"transfer-encoding" if not coded else b"", b"content-length"}
    kept = [(name, value) for name, value in fields if name.lower() not in left_out]
    return kept if coded or not lengths else [*kept, (b"Content-Length", lengths.pop())]
