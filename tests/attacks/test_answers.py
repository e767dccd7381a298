"""Thousands of answers that are not what they should be: each ends in an outcome at once, and as httpx itself reads it."""

from __future__ import annotations

import asyncio
import gzip
import random
import re
import time
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import brotli
import httpx
import pytest

from aggregator.fetch.dialer import Dialer
from aggregator.fetch.guard import Guard
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.resolver import SystemResolver
from aggregator.fetch.tls import make_context
from aggregator.fetch.transport import DirectTransport
from aggregator.model import FaultKind, FetchFailed, FetchOutcome, FetchRequest, Validators
from tests.unit.fetch.origin import NOW, RSS, fetching, no_descriptor_left, settings

AT_A_TIME = 16
GROWTH = 40_000_000
"""Bytes that the process may have grown by after thousands of answers: what the allocator keeps, not what each one leaves."""

Answers = Callable[[int], list[bytes]]


@asynccontextmanager
async def answering(answers: Answers) -> AsyncIterator[str]:
    """A server that gives the request for /N the pieces of answer N, and hangs up."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            number = re.match(rb"[A-Z]+ /([0-9]+)", head)
            for piece in answers(int(number[1]) if number else 0):
                writer.write(piece)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def in_pieces(dice: random.Random, whole: bytes) -> list[bytes]:
    cuts = sorted(dice.randrange(len(whole) + 1) for _ in range(dice.choice((0, 0, 1, 3))))
    return [part for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True) if (part := whole[start:end])]


async def in_turns(work: Sequence[Callable[[], object]]) -> None:
    """Does all of it, so many at a time."""
    waiting = iter(work)

    async def worker() -> None:
        for one in waiting:
            await one()  # type: ignore[misc]

    await asyncio.gather(*(worker() for _ in range(AT_A_TIME)))


# --- mutated
def framed(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"Content-Length: %d" % len(body), b"", body])


def chunked(body: bytes, *lines: bytes) -> bytes:
    parts = [body[at : at + 20] for at in range(0, len(body), 20)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\nX-Sum: 1\r\n\r\n"
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked", *lines, b"", chunks])


SEEDS = [
    framed(RSS, b'ETag: "1"', b"Content-Type: application/rss+xml", b"Cache-Control: max-age=60"),
    framed(gzip.compress(RSS, mtime=0), b"Content-Encoding: gzip"),
    framed(gzip.compress(RSS[:40], mtime=0) + gzip.compress(RSS[40:], mtime=0), b"Content-Encoding: gzip"),
    framed(zlib.compress(RSS), b"Content-Encoding: deflate"),
    framed(brotli.compress(RSS), b"Content-Encoding: br"),
    framed(b"<html><link rel=alternate type=application/rss+xml href=/1></html>", b"Content-Type: text/html"),
    framed(b"moved", b"Location: /1", b"Retry-After: 60", status=b"301 Moved"),
    framed(b"busy", b"Retry-After: Wed, 21 Oct 2099 07:28:00 GMT", status=b"503 Busy"),
    b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 80\r\n\r\n',
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n b\r\n\r\n" + framed(RSS),
    b"HTTP/1.0 200 OK\r\n\r\n" + RSS,
    chunked(RSS),
    chunked(gzip.compress(RSS, mtime=0), b"Content-Encoding: gzip", b"Trailer: X-Sum"),
]
TOKENS = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b";",
        b"\xff",
        b"\r\n\r\n",
        b"0\r\n\r\n",
        b"ffffffffffffffff",
        b"-1",
        b"\x1f\x8b\x08",
    ),
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 x\r\n\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: br, gzip\r\n",
        b"Location: http://[::1\r\n",
        b"Location: //\r\n",
        b"A: b\r\n" * 300,
    ),
    *(b"Retry-After: 99999999999999999999\r\n", b"Cache-Control: max-age=9e99\r\n", b"Connection: close\r\n", b"x" * 70_000),
]


def mutated(number: int) -> list[bytes]:
    """The pieces of answer `number`, the same each time."""
    dice = random.Random(number)
    answer = dice.choice(SEEDS)
    for _ in range(dice.choice((1, 1, 2, 3, 6))):
        start = dice.randrange(len(answer) + 1)
        end = min(len(answer), start + dice.choice((1, 1, 4, 30)))
        match dice.randrange(6):
            case 0:
                answer = answer[:start] + bytes([dice.randrange(256)]) + answer[start + 1 :]
            case 1:
                answer = answer[:start] + answer[end:]
            case 2:
                answer = answer[:end] + answer[start:]
            case 3 | 4:
                answer = answer[:start] + dice.choice(TOKENS) + answer[start:]
            case _:
                answer = answer[:start] + (dice.choice(SEEDS) if dice.random() < 0.5 else b"")
    return in_pieces(dice, answer)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_mutated_answers_end_in_an_outcome_at_once(long: bool, caplog: pytest.LogCaptureFixture) -> None:
    """No traceback, no wait, nothing that stays. Connections are kept, as to an origin with several sources."""
    count = 20_000 if long else 5_000
    broken: list[object] = []
    slow: list[tuple[int, float]] = []
    kinds: set[object] = set()

    async def one(fetcher: HttpFetcher, base: str, number: int) -> None:
        started = time.monotonic()
        outcome: FetchOutcome = await fetcher.fetch(FetchRequest(f"{base}/{number}", Validators('"1"'), f"{base}/{number}"), NOW)
        took = time.monotonic() - started
        if took > 4 or (isinstance(outcome, FetchFailed) and outcome.fault.kind is FaultKind.TIMEOUT):
            slow.append((number, took))
        kinds.add(outcome.fault.kind if isinstance(outcome, FetchFailed) else type(outcome))

    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no names here")

    async def run() -> int:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: broken.append(told))
        async with answering(mutated) as base:
            polling = settings(f"{base}/a", f"{base}/b", timeout=8.0, max_bytes=1_000_000)
            async with fetching(polling, resolve=unknown) as fetcher:
                work = [lambda number=number: one(fetcher, base, number) for number in range(count)]
                await in_turns(work[:1_000])
                before = resident()
                await in_turns(work[1_000:])
                return resident() - before

    with no_descriptor_left():
        growth = asyncio.run(run())
    assert not broken and not caplog.records and not slow
    assert growth < GROWTH
    assert {FaultKind.PROTOCOL, FaultKind.CODING, FaultKind.TOO_LARGE, FaultKind.STATUS, FaultKind.HTML} < kinds


# --- odd, and compared
LINE_ENDS = [b"\r\n"] * 6 + [b"\n"]
GOOD = [
    *(b"X-A: b", b"X-A:b", b"X-A:  b \t", b"X-A:", b'ETag: "\xe9"', b"X-A: \xc3\xa9\xff", b"X-A: \xa0b", b"X-A: " + b"v" * 3000),
    *(b"X-A: one\r\n two", b"X-A: one\n\ttwo\r\n  three", b"Connection: close", b"Connection: Upgrade, close", b"Upgrade: h2c"),
    *(b"X-A: a\x01\x7fb", b"Trailer: X-T"),
]
BAD = [b"X-A : b", b"no colon", b": no name", b"X-A: a\x00b", b"X-A: a\rb"]
FIRST = [b"HTTP/1.1 200 OK"] * 36 + [
    *(b"HTTP/1.0 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1 404 \xe9", b"HTTP/1.1 304 x", b"HTTP/1.1 204 x"),
    *(b"HTTP/1.9 200 OK", b"HTTP/2.0 200 OK", b"http/1.1 200 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 99 x"),
]
BEFORE = [b""] * 18 + [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 x\r\nLink: a\r\n b\r\n\r\n", b"\r\n"]
LENGTH, CHUNKED = b"Content-Length: %d" % len(RSS), b"Transfer-Encoding: chunked"
PLAIN = [
    *([LENGTH], [LENGTH], [LENGTH], [LENGTH, LENGTH], [LENGTH + b", %d" % len(RSS)], [b"Content-Length:\r\n %d" % len(RSS)], []),
    *([LENGTH, b"Content-Length: 3"], [b"Content-Length: 99"], [b"Content-Length: -1"], [b"Content-Length: 7"]),
]
CODED = [
    *([CHUNKED], [CHUNKED], [CHUNKED.upper()], [CHUNKED, LENGTH], [LENGTH, CHUNKED]),
    *([CHUNKED, CHUNKED], [b"Transfer-Encoding: gzip, chunked"]),
]
CHUNKS = b"%X \r\n%b\r\n5;a=b\r\nabcde\r\n00\r\n\r\n" % (len(RSS), RSS)
ENDS = [b""] * 4 + [b"more", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]


def odd(number: int) -> list[bytes]:
    """The pieces of an answer as servers really write them, and worse."""
    dice = random.Random(number)
    framing, body = (dice.choice(PLAIN), RSS) if dice.random() < 0.6 else (dice.choice(CODED), dice.choice((CHUNKS, CHUNKS[:-4])))
    lines = [*(dice.choice(GOOD if dice.random() < 0.9 else BAD) for _ in range(dice.randrange(4))), *framing]
    dice.shuffle(lines)
    head = b"".join(line + dice.choice(LINE_ENDS) for line in (dice.choice(FIRST), *lines, b""))
    return in_pieces(dice, dice.choice(BEFORE) + head + body + dice.choice(ENDS))


Read = tuple[int, list[tuple[bytes, bytes]], bytes]
_CONTROLS = bytes.maketrans(b"\x01\x7f", b"  ")


async def read(transport: httpx.AsyncBaseTransport, url: str) -> Read | str:
    """Status, headers but those of the framing, and the raw body; or the name of the error."""
    request = httpx.Request("GET", url, headers={"Connection": "close"}, extensions={"timeout": {"read": 8.0, "connect": 8.0}})
    try:
        response = await transport.handle_async_request(request)
        try:
            body = b"".join([part async for part in response.stream])  # type: ignore[union-attr]
        finally:
            await response.aclose()
    except httpx.TransportError as error:
        return type(error).__name__
    pairs = [(name.lower(), b" ".join(value.translate(_CONTROLS).split())) for name, value in response.headers.raw]
    kept = [pair for pair in pairs if pair[0] not in (b"content-length", b"transfer-encoding")]
    return response.status_code, kept, body


def test_what_httpx_reads_is_read_the_same(long: bool) -> None:
    """Whatever its own transport takes for an answer is the same answer here. Where it refuses, we may."""
    count = 25_000 if long else 1_000
    different: list[tuple[list[bytes], object, object]] = []
    compared = refused = 0

    async def one(ours: DirectTransport, its: httpx.AsyncHTTPTransport, url: str, number: int) -> None:
        nonlocal compared, refused
        expected = await read(its, url)
        found = await read(ours, url)
        compared, refused = compared + 1, refused + isinstance(expected, str)
        if not isinstance(expected, str) and found != expected:
            different.append((odd(number), expected, found))

    async def run() -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        ours = DirectTransport(Dialer(Guard(["127.0.0.0/8"]), SystemResolver()), make_context({}), 10_000_000)
        async with answering(odd) as base, ours, httpx.AsyncHTTPTransport(trust_env=False, limits=limits) as its:
            await in_turns([lambda number=number: one(ours, its, f"{base}/{number}", number) for number in range(count)])

    asyncio.run(run())
    assert not different, f"{len(different)} of {compared}: {different[0]}"
    assert refused < 0.7 * compared, "enough of them are answers"
