"""Servers on loopback that take what channels send: any HTTP service, and mail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ELSEWHERE = """
import sys
if "aggregator.channels.worker" in sys.orig_argv:
    from apprise.plugins.discord import NotifyDiscord
    from apprise.plugins.slack import NotifySlack
    NotifySlack.webhook_url = "{base}/services"
    NotifyDiscord.notify_url = "{base}/api/webhooks"
"""
"""`sitecustomize` for the sending process: services whose address is fixed stand on loopback. Nothing else of them changes."""
WITHOUT = "import sys; sys.modules['apprise'] = None"
"""`sitecustomize` with which the extra is not installed."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Receiver:
    """base: its address; answer: what it says, by request; got: what came."""

    base: str
    host: str
    answer: Callable[[Request], tuple[int, bytes]] = lambda request: (200, b"{}")
    got: list[Request] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            here.got.append(request)
            status, answered = here.answer(request)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", answered.decode())
                answered = b""
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answered)))
            self.end_headers()
            self.wfile.write(answered)

        do_POST = do_PUT = do_GET = take

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A sender that was killed leaves its connection."""

    with Server(("127.0.0.1", 0), Handler) as server:
        host = f"127.0.0.1:{server.server_address[1]}"
        here = Receiver(f"http://{host}", host)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield here
        server.shutdown()


@dataclass
class Mailbox:
    """refuses: an SMTP answer instead of the usual one."""

    host: str = ""
    refuses: str = ""
    logins: list[tuple[str, str]] = field(default_factory=list)
    got: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuses:
            return self.refuses
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.got.append((list(envelope.rcpt_tos), mail))
        return "250 OK"

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=True)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=0, authenticator=box.login, auth_require_tls=False)
    controller.port = _bound(controller)
    box.host = f"127.0.0.1:{controller.port}"
    try:
        yield box
    finally:
        controller.stop()


def _bound(controller: Controller) -> int:
    """Starts the server on a port that the system chooses."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    return int(controller.port)


def without_apprise(folder: Path) -> str:
    """A folder for PYTHONPATH with which the extra is not installed."""
    (folder / "sitecustomize.py").write_text(WITHOUT)
    return str(folder)


def stand_in(folder: Path, base: str) -> str:
    """A folder for PYTHONPATH with which Slack and Discord stand at `base`."""
    (folder / "sitecustomize.py").write_text(ELSEWHERE.format(base=base))
    return str(folder)
