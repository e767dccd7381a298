"""The shipped snippets in real proxies, nginx and Caddy, before the daemon."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggregator.demo.origin import Origin
from tests.conftest import CHECKOUT
from tests.flow.command import eventually, free_port, get
from tests.flow.conftest import newsdesk, origin

__all__ = ["origin"]
TOKEN = "demo-token"


@dataclass(frozen=True)
class Reply:
    status: int
    etag: str | None
    coding: str | None
    body: bytes


def ask(port: int, path: str, **headers: str) -> Reply:
    """Asks with these headers and no others: not even that anything is accepted."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheader("ETag"), answer.getheader("Content-Encoding"), answer.read())
    finally:
        connection.close()


class Caddy:
    """Caddy with the shipped Caddyfile, without TLS."""

    program = "caddy"

    def __init__(self, program: str, folder: Path, upstream: int) -> None:
        self.folder, self.port = folder, free_port()
        self._line = [program, "run", "--config", str(CHECKOUT / "deploy" / "Caddyfile"), "--adapter", "caddyfile"]
        self._environment = os.environ | {
            "SITE": f"http://127.0.0.1:{self.port}",
            "UPSTREAM": f"127.0.0.1:{upstream}",
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "CADDY_ADMIN": f"127.0.0.1:{free_port()}",
        }

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "stdout.log").open("wb") as log:
            return subprocess.Popen(self._line, env=self._environment, stdout=log, stderr=log)


class Nginx:
    """nginx with the shipped server block: ports, paths and the upstream's port are another's, and TLS is left out."""

    program = "nginx"

    def __init__(self, program: str, folder: Path, upstream: int) -> None:
        self.folder, self.port = folder, free_port()
        block = (CHECKOUT / "deploy" / "nginx.conf").read_text()
        block = re.sub(r"listen \[::\]:443 ssl http2;\n|ssl_certificate\S* .*\n", "", block)
        block = block.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{self.port};")
        block = block.replace("127.0.0.1:8080", f"127.0.0.1:{upstream}").replace("/var/log/nginx", str(folder))
        places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"pid {folder}/pid; error_log {folder}/main.log; daemon off; worker_processes 1;\n"
            f"events {{}}\nhttp {{ {places} access_log off; gzip on; gzip_types *;\n{block}}}\n"
        )
        self._line = [program, "-c", str(folder / "nginx.conf"), "-p", str(folder)]

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "stdout.log").open("wb") as log:
            return subprocess.Popen(self._line, stdout=log, stderr=log)


@contextmanager
def running(proxy: Caddy | Nginx) -> Iterator[None]:
    process = proxy.start()
    try:
        eventually(lambda: get(f"http://127.0.0.1:{proxy.port}/healthz").status, process, proxy.folder / "stdout.log")
        yield
    finally:
        process.terminate()
        process.wait(10)


Before = Callable[[int], Caddy | Nginx]


@pytest.fixture(params=[Caddy, Nginx], ids=["caddy", "nginx"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Before:
    """Makes a proxy, not started yet, before the daemon at a port."""
    program = shutil.which(request.param.program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if program is None:
        pytest.skip(f"{request.param.program} is not installed")
    folder = tmp_path / "proxy"
    folder.mkdir()

    def make(upstream: int) -> Caddy | Nginx:
        made: Caddy | Nginx = request.param(program, folder, upstream)
        return made

    return make


def logs(proxy: Caddy | Nginx) -> str:
    return "".join(file.read_text(errors="replace") for file in proxy.folder.glob("*.log"))


ACCEPTED: tuple[dict[str, str], ...] = ({}, *({"Accept_Encoding": coding} for coding in ("gzip", "identity", "br")))


def same_at_both(daemon: int, proxy: int, path: str, headers: dict[str, str]) -> Reply:
    """What both answer. The daemon may publish between two requests, so what it says before and after the proxy must agree."""
    for _ in range(20):
        before, found, after = ask(daemon, path, **headers), ask(proxy, path, **headers), ask(daemon, path, **headers)
        if before == after:
            assert found == before, (path, headers)
            return found
    raise AssertionError(f"{path} never stood still")


def test_an_etag_stands_for_the_same_bytes_as_at_the_daemon(before: Before, tmp_path: Path, origin: Origin) -> None:
    """A client that takes nothing packed must not get what was packed, unpacked, under the packed one's ETag."""
    desk = newsdesk(tmp_path, origin)
    with desk.command.daemon(desk.port) as daemon:
        eventually(lambda: b"closer ties" in get(f"http://127.0.0.1:{desk.port}/feeds/ukraine.atom").body, daemon)
        proxy = before(desk.port)
        with running(proxy):
            for path in ("/feeds/ukraine.atom", f"/feeds/desk.atom?token={TOKEN}"):
                for headers in ACCEPTED:
                    found = same_at_both(desk.port, proxy.port, path, headers)
                    assert ask(proxy.port, path, If_None_Match=found.etag or "", **headers).status == 304


def test_no_log_holds_a_token_even_when_the_daemon_is_down(before: Before) -> None:
    proxy = before(free_port())
    with running(proxy):
        assert ask(proxy.port, f"/feeds/desk.atom?token={TOKEN}").status == 502
        ask(proxy.port, "/", Referer=f"http://127.0.0.1/feeds/desk.atom?token={TOKEN}", Authorization=f"Basic {TOKEN}")
        ask(proxy.port, f"/push/{TOKEN}")
        eventually(lambda: "/feeds/desk.atom" in logs(proxy))
    assert TOKEN not in logs(proxy)


def test_what_is_for_the_operator_alone_is_shown_to_this_machine_at_most(before: Before) -> None:
    proxy = before(free_port())
    with running(proxy):
        statuses = {ask(proxy.port, path).status for path in ("/metrics", "/readyz")}
    assert statuses == ({404} if isinstance(proxy, Caddy) else {502})
