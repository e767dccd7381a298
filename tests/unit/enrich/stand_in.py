"""A hook's server on loopback: answers what a test says, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StandIn:
    """answer: bytes to send, or None to hang. requests: headers and bodies, in order. then: once it has answered."""

    def __init__(self) -> None:
        self.answer: bytes | None = b"{}"
        self.status = 200
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.over = threading.Event()
        self.url = ""
        self.then: Callable[[], None] = lambda: None


@contextmanager
def stand_in() -> Iterator[StandIn]:
    told = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.requests.append((dict(self.headers), json.loads(body)))
            if told.answer is None:
                told.over.wait()
                return
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.answer)))
            self.end_headers()
            try:
                self.wfile.write(told.answer)
                self.wfile.flush()
                told.then()
            except OSError:
                pass

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield told
    finally:
        told.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
