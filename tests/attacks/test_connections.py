"""Clients that connect and say nothing, say it slowly, or never read: `/healthz` answers, polls go on, the log stays small."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import http.server
import json
import os
import re
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.flow.command import Command, eventually, free_port, get

MANY = 1_500
"""More than the server takes, than fit into its queue, and than there are descriptors at the limits below."""


@pytest.fixture(autouse=True)
def own_descriptors() -> None:
    """The attacker needs more of them than it leaves to the attacked."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 8_192)
    if wanted < 2 * MANY:
        pytest.skip(f"needs {2 * MANY} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def paper() -> Iterator[tuple[str, list[str]]]:
    """A source on loopback: its address, and the titles that it has."""
    titles = ["Mayor opens the new harbour bridge"]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            items = [{"id": title, "title": title, "content_text": f"{title}. More of it."} for title in titles]
            body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Paper", "items": items}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/feed.json", titles
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def daemon(folder: Path, source: str, descriptors: int) -> Iterator[tuple[int, int]]:
    """A daemon that may have so many descriptors, the hard limit included; yields its port and process id."""
    port = free_port()
    config = folder / "feeds.yaml"
    config.write_text(
        f"site: {{url: 'http://127.0.0.1:{port}'}}\nserver: {{port: {port}}}\nnetwork: {{allow: [127.0.0.0/8]}}\n"
        f"polling: {{min: 1s}}\nsources:\n  - {{id: paper, url: '{source}', every: 1s}}\n"
    )
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = Command(config)
    with ExitStack() as stack:
        process = command.start("run")
        stack.callback(process.wait, 10)
        stack.callback(process.kill)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
        eventually(lambda: get(f"http://127.0.0.1:{port}/healthz").status == 200, process, folder / "log")
        yield port, process.pid


def crowd(port: int, count: int, say: bytes = b"") -> list[socket.socket]:
    """So many connections, each of which says this and no more."""
    made = []
    for _ in range(count):
        one = socket.socket()
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            one.connect(("127.0.0.1", port))
        made.append(one)
    if say:
        time.sleep(0.2)  # until they are connected
        for one in made:
            with contextlib.suppress(OSError):
                one.send(say)
    return made


def answers(port: int, path: str = "/healthz") -> float:
    """Seconds until the answer 200."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        assert connection.getresponse().status == 200
    finally:
        connection.close()
    return time.monotonic() - began


NEWS = (
    "", "Ferry to Ostend sails again", "Council votes for a longer tram", "Otter found in the town hall pond",
    "Bakery wins prize for rye bread", "School roof blown off by gale",
)  # fmt: skip
"""What the paper prints next: no two tell the same story."""
SLOW = {
    "silent": b"",
    "half a request line": b"GET /healt",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: ",
    "half a form": b"POST /hub HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nhub.mode=",
    "kept open": b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("descriptors", [256, 1024])
def test_idle_clients_take_nobodys_place(tmp_path: Path, descriptors: int, long: bool) -> None:
    kinds = SLOW if long else {name: SLOW[name] for name in ("silent", "half a form")}
    with paper() as (source, titles), daemon(tmp_path, source, descriptors) as (port, _):
        for name, say in kinds.items():
            clients = crowd(port, MANY, say)
            try:
                assert answers(port) < 5.0, name  # behind all that came before it
                assert max(answers(port) for _ in range(5)) < 1.0, name
                titles.append(NEWS[len(titles)])
                eventually(lambda: titles[-1].encode() in get(f"http://127.0.0.1:{port}/feeds/all.json").body)
            finally:
                for one in clients:
                    one.close()
        log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert len([line for line in log.splitlines() if "connections_full" in line]) <= 2 * len(kinds)
    assert "accept_refused" not in log
    assert len(log) < 200_000


def test_a_client_that_is_being_answered_keeps_its_place(tmp_path: Path) -> None:
    """A reader that takes its time within the bounds is not the one to go: those who say nothing are."""
    with paper() as (source, _), daemon(tmp_path, source, 256) as (port, _pid):
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        clients = crowd(port, 400)
        try:
            for _ in range(20):
                kept.request("GET", "/healthz")
                assert kept.getresponse().read() == b"ok\n"
        finally:
            kept.close()
            for one in clients:
                one.close()


def test_a_burst_of_readers_is_answered_to_the_last(tmp_path: Path) -> None:
    """Many more at once than there is room for, each with its request there: nobody is sent away for another."""
    if int(Path("/proc/sys/net/core/somaxconn").read_text()) < 600:
        pytest.skip("the system's queue is too short")

    request = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with paper() as (source, _), daemon(tmp_path, source, 256) as (port, pid):
        clients = []
        os.kill(pid, signal.SIGSTOP)  # until all are in its queue
        for _ in range(600):
            clients.append(socket.create_connection(("127.0.0.1", port), 20))
            clients[-1].sendall(request)
        os.kill(pid, signal.SIGCONT)
        for client in clients:
            with client, client.makefile("rb") as answer:
                assert answer.read().endswith(b"ok\n")


def test_requests_sent_ahead_take_no_memory(tmp_path: Path) -> None:
    """Clients that pipeline all they can and read no answer. A request is 26 bytes for them, and some kilobytes for us."""
    ahead = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 40_000
    with paper() as (source, _), daemon(tmp_path, source, 1024) as (port, pid):
        before = resident(pid)
        clients = crowd(port, 10, ahead[:26])
        sent = dict.fromkeys(clients, 26)
        try:
            until = time.monotonic() + 3.0
            while time.monotonic() < until:
                for one in clients:
                    with contextlib.suppress(OSError):
                        sent[one] += one.send(ahead[sent[one] % 27 :])
            assert answers(port) < 1.0
            assert resident(pid) - before < 40_000_000
        finally:
            for one in clients:
                one.close()


def test_all_answers_to_requests_sent_ahead_come_in_order(tmp_path: Path) -> None:
    """Also those with bodies, and those behind the ones that were not read at once."""
    paths = ["/healthz", "/nothing", "/hub", "/feeds/all.atom"] * 100
    requests = [f"GET {path} HTTP/1.1\r\nHost: a\r\nX-A: {'a' * 100}\r\n\r\n".encode() for path in paths]
    bodied = b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + b"b" * 20_000
    last = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with paper() as (source, _), daemon(tmp_path, source, 1024) as (port, _pid):
        client = socket.create_connection(("127.0.0.1", port), 20)
        sender = threading.Thread(target=client.sendall, args=(b"".join([*requests, bodied, *requests, last]),))
        sender.start()
        with client, client.makefile("rb") as stream:
            answer = stream.read()
        sender.join()
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answer)]
    assert statuses == [200, 404, 405, 200] * 100 + [200] + [200, 404, 405, 200] * 100 + [200]


def test_clients_that_never_stop_asking_leave_turns_to_others(tmp_path: Path) -> None:
    """More of them than there is room for, each with its next request there as soon as the last one is answered."""
    stop = threading.Event()

    async def ask_on(port: int) -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                while not stop.is_set():
                    writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                    await reader.readuntil(b"ok\n")

    async def crowd_on(port: int) -> None:
        tasks = [asyncio.create_task(ask_on(port)) for _ in range(300)]
        await asyncio.to_thread(stop.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    with paper() as (source, _), daemon(tmp_path, source, 256) as (port, _pid):
        attacker = threading.Thread(target=lambda: asyncio.run(crowd_on(port)))
        attacker.start()
        try:
            time.sleep(1.0)  # until all places are theirs
            assert max(answers(port) for _ in range(5)) < 4.0
        finally:
            stop.set()
            attacker.join()


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
