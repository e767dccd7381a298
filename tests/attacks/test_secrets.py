"""Secrets in every place that an address has, and in every address that a feed can lead to: nothing that is told holds one."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.flow.command import Command, clean_environment, eventually, free_port, get

USER, QUERY, PATH, MOVED, LOOP, OFFERED, LIST, HOOK, ALERT, HUB, DOWN, PROXY = SECRETS = (
    "hunter2hunter2",
    "querysecret",
    "3f9c8e7d6b5a4c3d2e1f",
    "movedsecret",
    "loopsecret",
    "offeredsecret",
    "a8Kd02mZpQ7xWv4LrT9cYb1N",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "xkq7u1y8tbr5zfmw3n9jd4ahce",
    "AbCdEfGhIj23",
    "downsecret",
    "proxysecret",
)
ARTICLE = "https://paper.example/story/6f1c2b7e-8a51-4c0d-9b1e-0123456789ab?p=123"
"""An honest address that looks like a secret: links of stories are never masked."""

FEED = f"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Paper</title><id>urn:x:%d</id>
<updated>2026-11-01T10:00:00Z</updated><link rel="hub" href="%s/hub/{HUB}"/><link rel="self" href="%s"/>
<entry><id>urn:x:%d:1</id><title>Harbour number %d opens</title><link href="{ARTICLE}&amp;n=%d"/>
<updated>2026-11-01T10:00:00Z</updated><summary>The harbour opens.</summary></entry></feed>"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        base = f"http://127.0.0.1:{self.server.server_address[1]}"
        name = self.path.partition("?")[0]
        if name in ("/moved", "/loop", "/down", "/odd"):
            target = {
                "/moved": f"{base}/new?session={MOVED}",
                "/loop": f"{base}/loop?signature={LOOP}",
                "/down": f"ftp://reader:{DOWN}@files.example/feed?pass={DOWN}",
                "/odd": f"http://exa mple/feed?passwd={DOWN}",
            }[name]
            return self.answer(301, b"", ("Location", target))
        if name == "/page":
            return self.answer(200, f'<html><link rel=alternate type="application/rss+xml" href="/f?authkey={OFFERED}">'.encode())
        if name == f"/lists/{LIST}.opml":
            outline = f'<outline type="rss" text="Listed" xmlUrl="{base}/listed/{PATH}.xml"/>'
            return self.answer(200, f'<opml version="2.0"><head/><body>{outline}</body></opml>'.encode())
        if name.startswith("/gone"):
            return self.answer(404, b"no")
        number = sum(map(ord, name))
        return self.answer(200, (FEED % (number, base, base + self.path.replace("&", "&amp;"), number, number, number)).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer(500, b"")

    def answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


CONFIG = """site: {{title: Desk, url: "http://127.0.0.1:{port}"}}
server: {{port: {port}}}
network: {{allow: [127.0.0.0/8]}}
alerts: {{webhook: "{base}/gone/{alert}"}}
defaults: {{dedup: false}}
sources:
  - http://reader:{user}@{host}/userinfo.xml
  - {base}/query.xml?session={query}&rss_token={query}&credential={query}&p=1
  - {base}/feed/{path}/news.atom
  - {base}/private/{path}.xml?auth={query}
  - {base}/moved
  - {base}/loop?signature={loop}
  - {base}/down?pass={query}
  - {base}/odd?passwd={query}
  - {base}/page?authkey={query}
  - {base}/gone/{path}?apikey={query}
  - {{url: "{base}/proxied/{path}", proxy: "http://me:{proxy}@127.0.0.1:9/?key={proxy}"}}
  - opml: {base}/lists/{list}.opml
outputs:
  - {{slug: hooked, webhook: "{base}/hooks/{hook}"}}
"""


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Everything that polls, commands and a daemon tell."""
    directory, port = tmp_path_factory.mktemp("secrets"), free_port()
    with serving() as base:
        values = {"user": USER, "query": QUERY, "path": PATH, "loop": LOOP, "list": LIST, "hook": HOOK, "alert": ALERT}
        told = CONFIG.format(port=port, base=base, host=base.removeprefix("http://"), proxy=PROXY, **values)
        (directory / "feeds.yaml").write_text(told)
        command = Command(directory / "feeds.yaml")
        yield _run(command, port, directory)


def _run(command: Command, port: int, directory: Path) -> dict[str, str]:
    found = {}
    for turn in range(7):  # three agreeing moves are a new address, five failures a broken source
        found[f"poll {turn}"] = _both(command, "poll", "--all")
    with command.daemon(port) as process:
        site = f"http://127.0.0.1:{port}"
        eventually(lambda: get(f"{site}/feeds/all.atom").status == 200, process, directory / "log")
        pages = ("", "readyz", "healthz", "metrics", "health.atom", "opml.xml", "topics/all", "feeds/all.rss", "feeds/all.json")
        for path in (*pages, "feeds/all.atom", "feeds/hooked.atom", "hub", "nothing"):
            found[f"GET /{path}"] = get(f"{site}/{path}").body.decode()
        eventually(lambda: "delivery" in (directory / "log").read_text(), process, directory / "log")
        for words in (["status"], ["status", "--json"], ["sources"], ["sources", "--json"], ["sources", "--overlap"], ["plan"]):
            found[" ".join(words)] = _both(command, *words)
        for words in (["check"], ["check", "--online"], ["check", "--online", "--json"], ["stories", "--json"]):
            found[" ".join(words)] = _both(command, *words)
        found["add"] = _both(command, "add", f"{site}/nothing?session={QUERY}")
    found["log"] = (directory / "log").read_text()
    for file in (directory / "data" / "public").rglob("*.*"):
        found[str(file)] = file.read_text()
    return found


def _both(command: Command, *words: str) -> str:
    """What a command prints, whatever it makes of what it finds."""
    done = subprocess.run(
        command.line(*words), cwd=command.config.parent, env=clean_environment(), capture_output=True, text=True, timeout=120
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_that_is_told_holds_a_secret(emitted: dict[str, str], secret: str) -> None:
    leaks = {
        place: text[max(0, at - 160) : at + 60]
        for place, text in emitted.items()
        if (at := text.lower().find(secret.lower())) >= 0
    }
    assert not leaks


def test_what_is_told_is_still_of_use(emitted: dict[str, str]) -> None:
    assert "/new?session=***" in emitted["GET /health.atom"] + emitted["status --json"]
    assert "/query.xml?session=***&rss_token=***&credential=***&p=1" in emitted["sources"]
    assert "/moved" in emitted["GET /feeds/all.atom"]  # a source's address is published, unless it holds a secret
    assert ARTICLE.replace("&", "&amp;") in emitted["GET /feeds/all.atom"]


def test_a_config_that_is_refused_tells_no_secret(tmp_path: Path) -> None:
    (tmp_path / "feeds.yaml").write_text(
        f"sources:\n  - https://x.example/feed/{PATH} a?session={QUERY}\n  - x.example/feed?session={QUERY}\n"
        f"  - https://x.example:99999/{PATH}\n  - opml: https://x.example/{PATH}/ b?pass={QUERY}\n"
        f"  - opml: /nowhere/x?pass={QUERY}\n"
        f"network: {{proxy: 'http://me:{USER}@ proxy/'}}\nalerts: {{webhook: 'https://hooks.example/{PATH} c'}}\n"
    )
    told = _both(Command(tmp_path / "feeds.yaml"), "check")
    assert "feeds.yaml:2" in told
    assert not [secret for secret in (USER, QUERY, PATH) if secret in told], told


CRASH = f"""
import logging
import structlog
from aggregator import logs
from aggregator.model import FetchRequest
logs.configure(form="json")
logging.getLogger("asyncio").error("Task exception was never retrieved: %r", FetchRequest("https://x.example/f?session={QUERY}"))
try:
    raise ValueError(repr(FetchRequest("https://me:{USER}@x.example/feed/{PATH}")))
except ValueError as error:
    structlog.get_logger("pipeline").error("poll_crashed", error=repr(error), exc_info=error)
"""


def test_a_crash_tells_no_secret() -> None:
    done = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, text=True, timeout=60, env=clean_environment())
    assert "poll_crashed" in done.stderr and "Traceback" in done.stderr and "never retrieved" in done.stderr
    assert not [secret for secret in (USER, QUERY, PATH) if secret in done.stderr], done.stderr
