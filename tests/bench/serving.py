"""`python -m tests.bench.serving`: CPU of a request, beside bare starlette on the same server, in one run, interleaved.

Both are served by the same uvicorn in a process of their own; the client is a raw socket. `--port` serves without measuring.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import socket
import statistics
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BODY = (b"<feed>" + b"<entry><title>A story</title></entry>" * 1000 + b"</feed>")[:40_000]
REQUESTS = 4_000
ROUNDS = 5


def ours() -> Any:
    from aggregator.publish.shelf import Prepared, Shelf
    from aggregator.serve.app import make_app

    shelf = Shelf()
    shelf.put("/feeds/all.atom", Prepared("application/atom+xml; charset=utf-8", BODY, 1, "public, max-age=60"))
    return make_app(shelf, ready=lambda: (True, {}))


def bare() -> Any:
    """The least that starlette does for a feed: the packed bytes, or a 304 when the validator is the same."""
    import gzip

    packed = gzip.compress(BODY, 6, mtime=0)
    headers = {"etag": '"x-gzip"', "content-encoding": "gzip", "vary": "Accept-Encoding", "cache-control": "public, max-age=60"}

    async def feed(request: Request) -> Response:
        if request.headers.get("if-none-match") == '"x-gzip"':
            return Response(status_code=304, headers={"etag": '"x-gzip"', "vary": "Accept-Encoding"})
        return Response(packed, headers=headers, media_type="application/atom+xml")

    return Starlette(routes=[Route("/feeds/all.atom", feed)])


def serve(name: str, ready: Any, ask: Any) -> None:
    """A server process: tells its port, then answers each question with the CPU seconds it has used."""
    from aggregator.serve.server import listen
    from aggregator.serve.server import serve as run

    listener = listen("127.0.0.1", 0)
    ready.put(listener.getsockname()[1])

    async def main() -> None:
        stop = asyncio.Event()
        server = asyncio.create_task(run({"ours": ours, "bare": bare}[name](), listener, stop))
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, ask.recv):
            usage = resource.getrusage(resource.RUSAGE_SELF)
            ask.send(usage.ru_utime + usage.ru_stime)
        stop.set()
        await server

    asyncio.run(main())


def requests(port: int, head: bytes, count: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as stream:
        for _ in range(count):
            connection.sendall(head)
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            stream.read(length)


def etag(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as stream:
        connection.sendall(request())
        return next(line.split(b": ")[1].strip() for line in stream if line.lower().startswith(b"etag:"))


def request(none_match: bytes = b"") -> bytes:
    extra = b"If-None-Match: " + none_match + b"\r\n" if none_match else b""
    return b"GET /feeds/all.atom HTTP/1.1\r\nHost: a\r\nUser-Agent: bench\r\nAccept-Encoding: gzip\r\n" + extra + b"\r\n"


def main() -> None:
    context = multiprocessing.get_context("spawn")
    servers = {}
    for name in ("ours", "bare"):
        ready, (here, there) = context.Queue(), context.Pipe()
        process = context.Process(target=serve, args=(name, ready, there), daemon=True)
        process.start()
        servers[name] = (process, ready.get(), here)
    print(f"microseconds of server CPU a request (median of {ROUNDS} rounds of {REQUESTS})")
    for kind in ("200 gzip", "304"):
        spent: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(ROUNDS):
            for name, (_, port, pipe) in servers.items():
                head = request(etag(port) if kind == "304" else b"")
                requests(port, head, 200)
                pipe.send(True)
                before = pipe.recv()
                requests(port, head, REQUESTS)
                pipe.send(True)
                spent[name].append((pipe.recv() - before) / REQUESTS * 1e6)
        mine, theirs = (statistics.median(spent[name]) for name in ("ours", "bare"))
        print(f"  {kind:9} ours {mine:6.1f}   bare starlette {theirs:6.1f}   ratio {mine / theirs:4.2f}")
    for process, _, pipe in servers.values():
        pipe.send(False)
        process.join(5)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    started = time.monotonic()
    main()
    print(f"{time.monotonic() - started:.0f} s")
