"""`python -m tests.bench.serving`: CPU of a request, beside bare starlette and nginx, in one run, interleaved.

Ours and starlette's are served by the same uvicorn, each in a process of its own; nginx, where it is installed, serves the same
bytes as a file that is packed beforehand. The client is a raw socket that keeps its connection.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import multiprocessing
import os
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.flow.command import eventually, free_port, get

BODY = (b"<feed>" + b"<entry><title>A story</title></entry>" * 1000 + b"</feed>")[:40_000]
REQUESTS = 4_000
ROUNDS = 5
KINDS = ("200 gzip", "200 plain", "304")


def ours() -> Any:
    from aggregator.publish.shelf import Prepared, Shelf
    from aggregator.serve.app import make_app

    shelf = Shelf()
    shelf.put("/feeds/all.atom", Prepared("application/atom+xml; charset=utf-8", BODY, 1, "public, max-age=60"))
    return make_app(shelf, ready=lambda: (True, {}))


def bare() -> Any:
    """The least that starlette does for a feed: the packed bytes, or a 304 when the validator is the same."""
    packed = gzip.compress(BODY, 6, mtime=0)
    headers = {"etag": '"x-gzip"', "content-encoding": "gzip", "vary": "Accept-Encoding", "cache-control": "public, max-age=60"}

    async def feed(request: Request) -> Response:
        if request.headers.get("if-none-match") == '"x-gzip"':
            return Response(status_code=304, headers={"etag": '"x-gzip"', "vary": "Accept-Encoding"})
        return Response(packed, headers=headers, media_type="application/atom+xml")

    return Starlette(routes=[Route("/feeds/all.atom", feed)])


class Server(Protocol):
    """A server process on a port of its own."""

    port: int

    def cpu(self) -> float:
        """Seconds of CPU that it has used."""
        ...

    def stop(self) -> None: ...


class Python:
    """One of the applications above on uvicorn."""

    def __init__(self, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        ready: Any = context.Queue()
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=serve, args=(name, ready, there), daemon=True)
        self._process.start()
        self.port = ready.get()

    def cpu(self) -> float:
        self._pipe.send(True)
        return float(self._pipe.recv())

    def stop(self) -> None:
        self._pipe.send(False)
        self._process.join(5)


NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{ access_log off; types {{ application/atom+xml atom; }} keepalive_requests 1000000; gzip_static on; gzip_vary on;
        client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
        scgi_temp_path {folder};
        server {{ listen 127.0.0.1:{port}; root {folder}; add_header Cache-Control "public, max-age=60"; }} }}
"""


class Nginx:
    """nginx with the same bytes as a file."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        feeds = folder / "feeds"
        feeds.mkdir()
        (feeds / "all.atom").write_bytes(BODY)
        (feeds / "all.atom.gz").write_bytes(gzip.compress(BODY, 6, mtime=0))
        os.utime(feeds / "all.atom.gz", ns=((feeds / "all.atom").stat().st_mtime_ns,) * 2)
        folder.chmod(0o755)
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=self.port))
        self._process = subprocess.Popen([program, "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL)
        eventually(lambda: get(f"http://127.0.0.1:{self.port}/feeds/all.atom").status == 200)

    def cpu(self) -> float:
        ticks = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(5)


def serve(name: str, ready: Any, ask: Any) -> None:
    """A server process: tells its port, then answers each question with the CPU seconds it has used."""
    from aggregator.run.descriptors import CONNECTIONS
    from aggregator.serve.server import listen
    from aggregator.serve.server import serve as run

    listener = listen("127.0.0.1", 0)
    ready.put(listener.getsockname()[1])

    async def main() -> None:
        stop = asyncio.Event()
        server = asyncio.create_task(run({"ours": ours, "bare": bare}[name](), listener, stop, CONNECTIONS))
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


def request(none_match: bytes = b"", coding: bytes = b"gzip") -> bytes:
    extra = b"If-None-Match: " + none_match + b"\r\n" if none_match else b""
    head = b"GET /feeds/all.atom HTTP/1.1\r\nHost: a\r\nUser-Agent: bench\r\nAccept-Encoding: " + coding + b"\r\n"
    return head + extra + b"\r\n"


def measured(server: Server, kind: str) -> tuple[float, float]:
    """(microseconds of the server's CPU, requests a second) of one round."""
    head = request(etag(server.port) if kind == "304" else b"", b"identity" if kind == "200 plain" else b"gzip")
    requests(server.port, head, 200)
    before, began = server.cpu(), time.perf_counter()
    requests(server.port, head, REQUESTS)
    wall = time.perf_counter() - began
    return (server.cpu() - before) / REQUESTS * 1e6, REQUESTS / wall


def main(folder: Path) -> None:
    servers: dict[str, Server] = {"ours": Python("ours"), "bare starlette": Python("bare")}
    if program := shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"):
        servers["nginx"] = Nginx(program, folder)
    print(f"server CPU in microseconds a request, and requests a second over one connection (medians of {ROUNDS} x {REQUESTS})")
    for kind in KINDS:
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
        for _ in range(ROUNDS):
            for name, server in servers.items():
                if kind != "200 plain" or name != "bare starlette":
                    found[name].append(measured(server, kind))
        for name, rounds in found.items():
            if rounds:
                cpu, speed = (statistics.median(one[place] for one in rounds) for place in (0, 1))
                print(f"  {kind:9}  {name:14}  {cpu:6.1f} us  {speed:7,.0f}/s", flush=True)
    for server in servers.values():
        server.stop()


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="serving-") as place:
        main(Path(place))
