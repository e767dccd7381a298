"""Real proxies with the snippets that are shipped for them."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import CHECKOUT
from tests.flow.command import eventually, free_port, get


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
    """Caddy with a shipped Caddyfile, without TLS. upstreams: ports of the daemon, or of the nodes of a cluster."""

    program = "caddy"

    def __init__(self, program: str, folder: Path, *upstreams: int, file: str = "Caddyfile") -> None:
        self.folder, self.port = folder, free_port()
        self._line = [program, "run", "--config", str(CHECKOUT / "deploy" / file), "--adapter", "caddyfile"]
        addresses = " ".join(f"127.0.0.1:{port}" for port in upstreams)
        self._environment = os.environ | {
            "SITE": f"http://127.0.0.1:{self.port}",
            "UPSTREAM": addresses,
            "UPSTREAMS": addresses,
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


def find(program: str) -> str | None:
    """The path of a proxy's program."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


@contextmanager
def running(proxy: Caddy | Nginx) -> Iterator[None]:
    process = proxy.start()
    try:
        eventually(lambda: get(f"http://127.0.0.1:{proxy.port}/healthz").status, process, proxy.folder / "stdout.log")
        yield
    finally:
        process.terminate()
        process.wait(10)


def logs(proxy: Caddy | Nginx) -> str:
    return "".join(file.read_text(errors="replace") for file in proxy.folder.glob("*.log"))
