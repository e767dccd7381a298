"""Answers as servers really write them: what h11 reads is read the same, and what can't be read safely is refused."""

from __future__ import annotations

import h11
import pytest
from httpx import RemoteProtocolError
from hypothesis import given, settings
from hypothesis import strategies as some

from aggregator.fetch.errors import HeadersTooLargeError, IncompleteError, NoAnswerError
from aggregator.fetch.response import ResponseReader, tidy_head

OK = b"HTTP/1.1 200 OK\r\n"
Read = tuple[int, list[tuple[str, str]], bytes]


def read(*parts: bytes) -> Read:
    """Status, headers and body of an answer after which the connection closes. Raises what the reader raises."""
    reader = ResponseReader()
    for part in parts:
        reader.feed(part)
    if reader.fault is None and not reader.ended:
        reader.end()
    if reader.fault is not None:
        raise reader.fault
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in reader.headers]
    return reader.status, headers, b"".join(reader.parts)


def read_by_h11(*parts: bytes) -> Read | None:
    """As h11 reads it, or None where it refuses."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    status, headers, body = 0, [], b""
    try:
        for part in (*parts, b""):
            connection.receive_data(part)
            while (event := connection.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Response):
                    status = event.status_code
                    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    return status, headers, body
    except h11.RemoteProtocolError:
        pass
    return None


LINE_END = some.sampled_from([b"\r\n"] * 6 + [b"\n"])
HEADERS = (
    b"X-A: b",
    b"X-A:b",
    b"X-A:  b \t",
    b"X-A:",
    b'ETag: "\xe9"',
    b"X-A: \xc3\xa9\xff",
    b"X-A: \xa0b",
    b"X-A: " + b"v" * 3000,
)
FOLDED = (b"X-A:", b"X-A: one\r\n two", b"X-A: one\n\ttwo\r\n  three")
OF_THE_CONNECTION = (b"Connection: close", b"Connection: Upgrade, close", b"Upgrade: h2c")
ODD = (b"X-A: a\x01\x7fb", b"X-A : b", b"no colon", b": no name", b"X-A: a\x00b", b"X-A: a\rb")
HEADER = some.sampled_from((*HEADERS, *FOLDED, *OF_THE_CONNECTION, *ODD))
USUAL = (b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1 404 \xe9", b"HTTP/1.1 304 x")
UNUSUAL = (b"HTTP/1.9 200 OK", b"HTTP/2.0 200 OK", b"http/1.1 200 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 99 x")
FIRST = some.sampled_from((*USUAL, b"HTTP/1.1 204 x", *UNUSUAL))
BEFORE = some.sampled_from([b""] * 6 + [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 x\r\nLink: a\r\n b\r\n\r\n"])
BODY = b"<rss>0\r\n\r\n</rss>"


LENGTH, CHUNKED = b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked"
LENGTHS = ([LENGTH], [LENGTH, LENGTH], [LENGTH + b", %d" % len(BODY)], [b"Content-Length:\r\n %d" % len(BODY)], [])
BAD_LENGTHS = ([LENGTH, b"Content-Length: 3"], [b"Content-Length: 99"], [b"Content-Length: -1"], [b"Content-Length: "])
CODINGS = (
    [CHUNKED],
    [CHUNKED.upper()],
    [CHUNKED, LENGTH],
    [LENGTH, CHUNKED],
    [CHUNKED, CHUNKED],
    [b"Transfer-Encoding: gzip, chunked"],
)
PACKED = b"%X \r\n%b\r\n00\r\n\r\n" % (len(BODY), BODY)


@some.composite
def answers(draw: some.DrawFn) -> tuple[bytes, ...]:
    """An answer, in pieces: its head, its framing and its end may each be odd."""
    plain = some.tuples(some.sampled_from((*LENGTHS, *BAD_LENGTHS)), some.just(BODY))
    framing, body = draw(plain | some.tuples(some.sampled_from(CODINGS), some.sampled_from((PACKED, PACKED[:-4]))))
    lines = [draw(FIRST), *draw(some.permutations([*draw(some.lists(HEADER, max_size=3)), *framing]))]
    whole = (
        draw(BEFORE) + b"".join(line + draw(LINE_END) for line in (*lines, b"")) + body + draw(some.sampled_from([b"", b"more"]))
    )
    cuts = sorted(draw(some.lists(some.integers(1, max(1, len(whole) - 1)), max_size=4)))
    return tuple(part for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True) if (part := whole[start:end]))


@settings(max_examples=400, deadline=None)
@given(answers())
def test_what_h11_reads_is_read_the_same(parts: tuple[bytes, ...]) -> None:
    expected = read_by_h11(*parts)
    if expected is None:
        return
    status, headers, body = read(*parts)
    plain = str.maketrans({"\x01": " ", "\x7f": " "})
    framing = ("content-length", "transfer-encoding")
    assert (status, body) == (expected[0], expected[2])
    assert [(name, " ".join(value.split(" "))) for name, value in headers if name not in framing] == [
        (name, value.translate(plain)) for name, value in expected[1] if name not in framing
    ]


@settings(max_examples=200, deadline=None)
@given(answers(), some.integers(1, 7))
def test_how_an_answer_is_cut_makes_no_difference(parts: tuple[bytes, ...], size: int) -> None:
    def told(*pieces: bytes) -> Read | str:
        try:
            return read(*pieces)
        except RemoteProtocolError as error:
            return type(error).__name__

    whole = b"".join(parts)
    assert told(whole) == told(*parts) == told(*(whole[start : start + size] for start in range(0, len(whole), size)))


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"<html>hello</html>", "no HTTP response"),
        (b"HTTP/1.1 200 OK\r\nX-A: b\r\n", "no HTTP response"),
        (b"HTTP/1 200 OK\r\n\r\n", "illegal status line"),
        (b"HTTP/1.1 000 x\r\n\r\n", "status 0"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "status 101"),
        (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n<rss>x", "conflicting Content-Length"),
        (OK + b"Content-Length: 5, 6\r\n\r\n<rss>x", "conflicting Content-Length"),
        (OK + b"Content-Length: +5\r\n\r\n<rss>", "bad Content-Length"),
        (OK + b"Content-Length: 99999999999999999999999\r\n\r\n<rss>", "bad Content-Length"),
        (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\n<rss>\r\n0\r\n\r\n", "Only Transfer-Encoding: chunked"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n<rss>", "Chunk size overflow"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n<rss>", "chunk size"),
    ],
)
def test_what_is_refused(answer: bytes, word: str) -> None:
    for parts in ((answer,), tuple(answer[at : at + 1] for at in range(len(answer)))):
        with pytest.raises(RemoteProtocolError, match=word):
            read(*parts)


def test_the_end_is_told_from_an_early_one() -> None:
    with pytest.raises(NoAnswerError):
        read()
    for framing in (b"Content-Length: 9", b"Transfer-Encoding: chunked"):
        with pytest.raises(IncompleteError):
            read(OK + framing + b"\r\n\r\n", b"5\r\n<r")
    assert read(OK + b"Transfer-Encoding: identity\r\n\r\n<rss>")[2] == b"<rss>"


def test_what_is_wrong_with_a_body_comes_after_its_good_parts() -> None:
    reader = ResponseReader()
    reader.feed(b"HTTP/1.1 301 Moved\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")
    assert (reader.status, reader.parts) == (301, [b"abc"]) and isinstance(reader.fault, RemoteProtocolError)


def test_trailers_are_bounded() -> None:
    reader = ResponseReader()
    reader.feed(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X-A: b\r\n" * 20_000)
    assert isinstance(reader.fault, HeadersTooLargeError) and len(reader.headers) == 1


@pytest.mark.parametrize(
    ("answer", "reusable"),
    [
        (OK + b"Content-Length: 5\r\n\r\n<rss>", True),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", True),
        (OK + b"Connection: close\r\nContent-Length: 5\r\n\r\n<rss>", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n<rss>", False),
        (OK + b"Content-Length: 5\r\n\r\n<rss>" + OK + b"Content-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n<rss>", False),
        (OK + b"X-A : b\r\nContent-Length: 5\r\n\r\n<rss>", False),
        (OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n0\r\n\r\n", False),
    ],
)
def test_a_connection_is_used_again_only_after_a_plain_answer(answer: bytes, reusable: bool) -> None:
    reader = ResponseReader()
    reader.feed(answer)
    assert reader.ended and reader.reusable is reusable


def test_a_head_is_put_in_order() -> None:
    head = b"HTTP/1.1 200\nX-A : one\n\ttwo\nno header\nX-B: a\x00b\rc\nContent-Length: 5,5\ncontent-length: 5\n\n"
    assert tidy_head(head) == b"HTTP/1.1 200\r\nX-A: one two\r\nX-B: a b c\r\nContent-Length: 5\r\n\r\n"
    both = OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert tidy_head(both) == OK + b"Transfer-Encoding: chunked\r\n\r\n"
