"""Run by test_namespace in a network namespace of its own: servers on all addresses, and fetches that must not reach them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import cycle
from urllib.parse import unquote_to_bytes

from aggregator.fetch.http import HttpFetcher
from aggregator.model import FaultKind, Fetched, FetchFailed, FetchRequest

from .origin import NOW, RSS, settings

PORT = 8080
HOSTS = """10.255.255.1 100.64.0.1 169.254.169.254 192.168.1.1 172.16.0.1 198.18.0.1 127.0.0.1 127.0.0.3 0.0.0.0 127.1 2130706433
    0x7f000001 0177.0.0.1 0300.0250.1.1 0xc0a80101 3232235777 192.168.257 0 localhost 184549121 012.0377.0377.01 10.16777217
    [::1] [::] [fd12::1] [fec0::1] [::ffff:10.255.255.1] [::ffff:127.0.0.1] [::ffff:7f00:1] [64:ff9b::10.255.255.1] [::7f00:1]
    [2002:0aff:ff01::1] user@127.0.0.1 127.0.0.2@127.0.0.1""".split()
ANSWERS = {
    "private.example": [["10.255.255.1"]],
    "six.example": [["fd12::1", "::1"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "both.example": [["127.0.0.3", "127.0.0.2"]],
    "changing.example": [["127.0.0.2"], ["127.0.0.3"]],
}
connected: set[str] = set()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Notes at which address somebody came; `/to/X` leads to X."""
    connected.add(str(writer.get_extra_info("sockname")[0]).removeprefix("::ffff:"))
    try:
        target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        if target.startswith(b"/to/"):
            writer.write(
                b"HTTP/1.1 302 Found\r\nLocation: http://" + unquote_to_bytes(target[4:]) + b"/\r\nContent-Length: 0\r\n\r\n"
            )
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(RSS) + RSS)
    finally:
        writer.close()


def urls() -> Iterator[str]:
    """Every private place, asked for directly and behind a redirect of the allowed server."""
    names = [name for name in ANSWERS if name not in ("both.example", "changing.example")]
    for host in (*HOSTS, *names):
        yield f"http://{host}:{PORT}/"
        yield f"http://127.0.0.2:{PORT}/to/{host}:{PORT}"


def changing(answers: dict[str, list[list[str]]]) -> object:
    """A resolver whose answers take turns."""
    turns = {name: cycle(given) for name, given in answers.items()}

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(turns[host]) if host in turns else ["127.0.0.1"]

    return resolve


async def main() -> None:
    for host in ("0.0.0.0", "::"):
        await asyncio.start_server(serve, host, PORT)
    fetcher = HttpFetcher(settings(allow=("127.0.0.2/32",)), resolve=changing(ANSWERS))  # type: ignore[arg-type]
    not_refused = []
    tried = list(urls())
    for url in tried:
        outcome = await fetcher.fetch(FetchRequest(url), NOW)
        if not (isinstance(outcome, FetchFailed) and outcome.fault.kind is FaultKind.ADDRESS):
            not_refused.append(f"{url}: {outcome}")
    for name, expected in (("both", Fetched), ("changing", Fetched), ("changing", FetchFailed)):
        outcome = await fetcher.fetch(FetchRequest(f"http://{name}.example:{PORT}/"), NOW)
        if not isinstance(outcome, expected):
            not_refused.append(f"{name}: {outcome}")
    print(json.dumps({"connected": sorted(connected), "not refused": not_refused, "tried": [str(len(tried))]}))


if __name__ == "__main__":
    asyncio.run(main())
