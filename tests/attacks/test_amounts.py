"""What a document or page of any size may cost: 300 MB, daemon and workers together, and never a second without an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.attacks.test_markup import FAMILIES
from tests.flow.command import Command, eventually, free_port, get

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads Linux's own counts")

MOST = 300 << 20
MARKUP = [FAMILIES[name] for name in ("b closed by its block", "900 open", "paragraphs end each other", "ends far away")]


def items(*contents: str) -> str:
    item = "<item><guid>{}</guid><description><![CDATA[{}]]></description></item>".format
    entries = "".join(item(number, content) for number, content in enumerate(contents))
    return f"<rss version='2.0'><channel><title>x</title>{entries}</channel></rss>"


def documents(size: int) -> dict[str, str]:
    """Each of about so many bytes."""
    text = "harbour ferry bridge "
    return {
        "markup": items(*[MARKUP[n % 4](2_000) for n in range(size // 150_000 + 1)]),
        "page": "<html>" + MARKUP[0](size // 30),
        "links": "<html>" + "<a href=/feed/>" * (size // 15),
        "elements": f"<rss><channel><item>{'<x/>' * (size // 4)}</item></channel></rss>",
        "numbers": f'{{"items": [], "x": [{"1," * (size // 2)}1]}}',
        "objects": f'{{"version": "https://jsonfeed.org/version/1", "items": [{"{}," * (size // 3)}{{}}]}}',
        "brackets": items(*["<" * 7_000] * (size // 7_000)),
        "words": items(*[f"<p>{text * 330}</p>"] * (size // 7_000)),
        "broken": items(*[f"<p>{text * 330}</p>"] * (size // 7_000)).replace("</description>", "</b>"),
    }


@contextmanager
def served(bodies: dict[str, bytes]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies[self.path.strip("/")]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def held(pid: int) -> int:
    """Bytes that a process and its children take, what they share counted once."""
    total = 0
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    for one in pids:
        try:
            rows = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended meanwhile
            continue
        total += next((int(row.split()[1]) << 10 for row in rows if row.startswith("Pss:")), 0)
    return total


def test_no_document_takes_the_machine(tmp_path: Path, long: bool) -> None:
    """One after the other, each polled by a daemon that serves meanwhile."""
    bodies = {name: body.encode()[:14_900_000] for name, body in documents(14_500_000 if long else 1_500_000).items()}
    port, most, slowest = free_port(), 0, 0.0
    command = Command(tmp_path / "feeds.yaml")
    with served(bodies) as origin:
        sources = "".join(f"  - {{id: {name}, url: 'http://127.0.0.1:{origin}/{name}', every: 1d}}\n" for name in bodies)
        settings = f"network: {{allow: [127.0.0.0/8]}}\nserver: {{port: {port}}}\npolling: {{workers: 1, readers: 1}}\n"
        command.config.write_text(f"{settings}sources:\n{sources}")
        with command.daemon(port) as daemon:

            def asked() -> bool:
                nonlocal most, slowest
                begun = time.monotonic()
                assert get(f"http://127.0.0.1:{port}/healthz").status == 200
                slowest = max(slowest, time.monotonic() - begun)
                most = max(most, held(daemon.pid))
                return all(f'"source": "{name}"' in log.read_text() or f"source={name}" in log.read_text() for name in bodies)

            log = tmp_path / "log"
            eventually(asked, daemon, log, patience=240)
    print(f"{most >> 20} MB, {slowest:.2f} s")
    assert most <= MOST
    assert slowest < 1
