"""Each kind of channel against a server of its protocol on loopback: what comes there, and what is told of failures."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from aggregator.channels.senders import Senders
from aggregator.fetch.messenger import HttpMessenger
from aggregator.ports import FAILED, SENT, UNKNOWN, Notice, Sent
from aggregator.settings import Network, Settings
from tests.unit.channels.receivers import Mailbox, Receiver, Request, mail_server, receiver, stand_in

NOTICE = Notice("Ferry sinks", "Northwire, Gazette\nhttps://northwire.example/ferry", "0123abcd", subject="Ferry sinks")
HERE = ("127.0.0.0/8",)


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as running:
        yield running


REFUSED = Sent(FAILED, "loopback address 127.0.0.1 not allowed")


def send(url: str, notice: Notice = NOTICE, *, allow: tuple[str, ...] = HERE, seconds: float = 20.0) -> Sent:
    """Sends as the daemon does."""

    async def sending() -> Sent:
        settings = Settings(file=Path("feeds.yaml"), sources=(), network=Network(allow=allow))
        messenger = HttpMessenger(settings)
        begun: list[bool] = []

        async def begin() -> None:
            begun.append(True)

        try:
            sent = await Senders(allow, "aggregator/1 (+https://news.example)", messenger, seconds).send(url, notice, begin)
        finally:
            await messenger.aclose()
        assert sent.outcome != SENT or begun == [True]
        return sent

    return asyncio.run(sending())


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def test_ntfy(server: Receiver) -> None:
    assert send(f"ntfy://{server.host}/harbour") == Sent(SENT)
    [request] = server.got
    assert request.method == "POST"
    assert request.json["topic"] == "harbour"
    assert request.json["title"] == "Ferry sinks"
    assert "https://northwire.example/ferry" in request.json["message"]


def test_slack(server: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", stand_in(tmp_path, server.base))
    server.answer = lambda request: (200, b"ok")
    assert send("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/") == Sent(SENT)
    [request] = server.got
    assert request.path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    assert "Ferry sinks" in request.text
    assert "https://northwire.example/ferry" in request.text


def test_discord(server: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", stand_in(tmp_path, server.base))
    server.answer = lambda request: (204, b"")
    assert send("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js") == Sent(SENT)
    assert server.got[0].path == "/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
    assert "https://northwire.example/ferry" in server.got[0].text


def test_matrix(server: Receiver) -> None:
    server.answer = lambda request: (200, b'{"room_id": "!abc:127.0.0.1", "event_id": "$1", "user_id": "@bot:127.0.0.1"}')
    assert send(f"matrix://matrixtoken12345@{server.host}/!abc:127.0.0.1?v=3").outcome == SENT
    posted = [one for one in server.got if "/send/m.room.message/" in one.path]
    assert "https://northwire.example/ferry" in posted[0].text


def test_mastodon_knows_a_repeated_message(server: Receiver) -> None:
    address = f"mastodon://mastodontoken@{server.host}?visibility=unlisted&language=en"
    assert send(address) == send(address) == Sent(SENT)
    first, second = server.got
    assert first.path == "/api/v1/statuses"
    assert first.headers["authorization"] == "Bearer mastodontoken"
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "0123abcd"
    assert first.json == {
        "status": "Ferry sinks\n\nNorthwire, Gazette\nhttps://northwire.example/ferry",
        "visibility": "unlisted",
        "language": "en",
    }


def test_a_post_keeps_its_first_lines() -> None:
    from aggregator.channels.mastodon import shorten

    stories = "\n".join(f"Story number {number} https://outlet.example/{'x' * 200}" for number in range(40))
    kept = shorten(f"40 stories\n\n{stories}").split("\n")
    assert kept[:2] == ["40 stories", ""]
    assert 5 < len(kept) < 15
    assert kept[-1].endswith("x" * 200)


def test_mail_has_text_and_html(mailbox: Mailbox) -> None:
    html_body = '<ul><li><a href="https://northwire.example/ferry">Ferry sinks</a></li></ul>'
    text_body = "- Ferry sinks <https://northwire.example/ferry>"
    notice = Notice("Morning, 2023-06-15", text_body, "0123abcd", html_body, "Morning, 2023-06-15")
    address = f"mailto://reader:pass%40word@{mailbox.host}?to=anna@news.example&from=desk@news.example&mode=insecure"
    assert send(address, notice) == send(address, notice) == Sent(SENT)
    (receivers, mail), (_, again) = mailbox.got
    assert receivers == ["anna@news.example"]
    assert mailbox.logins[0] == ("reader", "pass@word")
    assert mail["Subject"] == "Morning, 2023-06-15"
    assert mail["From"].addresses[0].addr_spec == "desk@news.example"
    assert mail["Message-ID"] == again["Message-ID"] == "<0123abcd@news.example>"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Ferry sinks <https://northwire.example/ferry>" in text.get_content()
    assert '<a href="https://northwire.example/ferry">Ferry sinks</a>' in html.get_content()


def test_mail_of_a_story_links_its_address(mailbox: Mailbox) -> None:
    headline = 'Ferry <b>sinks</b>\n"Osprey" & others'
    notice = Notice(headline, "https://northwire.example/ferry?a=1&b=2", "k", subject=headline)
    assert send(f"mailto://{mailbox.host}?to=anna@news.example&from=desk@news.example&mode=insecure", notice) == Sent(SENT)
    [(_, mail)] = mailbox.got
    assert mail["Subject"] == 'Ferry <b>sinks</b> "Osprey" & others'
    html = mail.get_body(("html",))
    assert html is not None
    assert '<a href="https://northwire.example/ferry?a=1&amp;b=2">' in html.get_content()


def test_a_mail_server_that_refuses_is_told_by_its_code(mailbox: Mailbox) -> None:
    mailbox.refuses = "554 5.7.1 spam from reader:password"
    sent = send(f"mailto://{mailbox.host}?to=anna@news.example&from=desk@news.example&mode=insecure")
    assert sent == Sent(FAILED, "the mail server answered 554")


def test_a_mail_server_that_is_not_there_or_has_no_tls_is_told_in_words(mailbox: Mailbox) -> None:
    form = "mailto://{}?to=anna@news.example&from=desk@news.example&mode={}"
    assert "connection refused" in send(form.format(closed_port(), "insecure")).why
    assert "STARTTLS" in send(form.format(mailbox.host, "starttls")).why
    assert "TLS at its port" in send(form.format(mailbox.host, "ssl")).why


def test_a_server_that_can_not_be_reached_is_told_apart_from_one_that_refuses(server: Receiver) -> None:
    assert send(f"ntfy://{closed_port()}/harbour-secret") == Sent(FAILED, "connection refused: nothing listens there")
    why = send(f"ntfys://{server.host}/harbour-secret").why
    assert "no TLS" in why
    assert "harbour" not in why


def test_the_status_is_told_of_the_own_codes_of_ntfy(server: Receiver) -> None:
    server.answer = lambda request: (403, b'{"code": 40301, "http": 403, "error": "forbidden"}')
    assert send(f"ntfy://{server.host}/harbour") == Sent(FAILED, "answered 403")


def test_what_an_answer_says_is_taken_for_no_status(server: Receiver) -> None:
    server.answer = lambda request: (403, b"error=401")
    assert send(f"ntfy://{server.host}/harbour") == Sent(FAILED, "answered 403")


def test_a_server_that_refuses_is_told_by_its_status(server: Receiver) -> None:
    server.answer = lambda request: (403, b'{"error": "token harbour-secret is wrong"}')
    assert send(f"ntfy://{server.host}/harbour-secret") == Sent(FAILED, "answered 403")
    assert send(f"mastodon://mastodontoken@{server.host}") == Sent(FAILED, "answered 403")


@pytest.mark.parametrize(
    "scheme", ["ntfy://{}/harbour", "mastodon://token@{}", "mailto://{}?to=a@b.example&from=c@d.example&mode=insecure"]
)
def test_only_public_addresses_are_reached_unless_allowed(server: Receiver, scheme: str) -> None:
    sent = send(scheme.format(server.host), allow=())
    assert sent == REFUSED
    assert server.got == []


def test_nor_are_they_without_a_connection() -> None:
    """Syslog goes by UDP, whose packets need none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"rsyslog://127.0.0.1:{listener.getsockname()[1]}"
        assert send(url).outcome == SENT
        assert b"Ferry sinks" in listener.recv(65_536)
        assert send(url, allow=()) == REFUSED
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.recv(65_536)


@pytest.mark.parametrize("scheme", ["ntfy://{}/harbour", "mastodon://token@{}"])
def test_no_redirect_is_followed(server: Receiver, scheme: str) -> None:
    with receiver() as other:
        server.answer = lambda request: (307, f"{other.base}/elsewhere".encode())
        assert send(scheme.format(server.host)) == Sent(FAILED, "answered 307")
        assert other.got == []


def test_a_slow_server_costs_no_more_than_the_limit(server: Receiver) -> None:
    over = threading.Event()

    def wait(request: Request) -> tuple[int, bytes]:
        over.wait(20)
        return 200, b"{}"

    server.answer = wait
    assert send(f"ntfy://{server.host}/harbour", seconds=2.5) == Sent(UNKNOWN, "too slow: not done within 2.5 s")
    over.set()


def test_an_answer_without_end_costs_the_sending_process_alone() -> None:
    def flood(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
            for _ in range(3_000):
                connection.sendall(bytes(1_000_000))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: flood(listener.accept()[0]), daemon=True).start()
        sent = send(f"ntfy://127.0.0.1:{listener.getsockname()[1]}/harbour", seconds=60.0)
    assert sent.outcome in (FAILED, UNKNOWN)


def test_an_address_that_nobody_knows() -> None:
    assert send("nosuchservice://token").outcome == FAILED
    assert "Apprise" in send("nosuchservice://token").why


def test_the_daemon_imports_nothing_of_apprise() -> None:
    script = "import sys, aggregator.app, aggregator.commands.notify; print([one for one in sys.modules if 'apprise' in one])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
