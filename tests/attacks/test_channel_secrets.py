"""Addresses of channels hold their secret as host, user, password, path or parameter: nothing that is told or stored has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.attacks.test_secrets import _both
from tests.flow.command import Command, eventually, free_port, get
from tests.unit.channels.receivers import Receiver, Request, mail_server, receiver, stand_in

TOPIC, TOKEN, PASSWORD, SLACK, DISCORD, MAIL, ADDRESS, ALERT, EDITED = SECRETS = (
    "harbour-topic-7Qx",
    "mastodonAccess9",
    "ntfy-Passw0rd",
    "TIiajkdnlazkcOXrIdevi7FQ",
    "JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "mail-Passw0rd",
    "anna.reader@receivers.example",
    "alerts-topic-3Lm",
    "edited-topic-5Kp",
)
CONFIG = """site: {{title: Desk, url: "http://127.0.0.1:{port}"}}
server: {{port: {port}, admin: {{token: "administrator"}}}}
network: {{allow: [127.0.0.0/8]}}
alerts: {{notify: ["ntfy://{host}/{alert}"]}}
sources: ["{base}/feed.json"]
outputs:
  - slug: desk
    notify:
      - ntfy://reader:{password}@{host}/{topic}
      - mastodon://{token}@{host}
      - slack://T1JJ3T3L2/A1BRTD4JD/{slack}/
      - discord://4174216298/{discord}
      - mailto://desk:{mail}@{mailhost}?to={address}&from=desk@news.example&mode=insecure
"""


def serve(count: int, echo: Request) -> tuple[int, bytes]:
    """A feed, and services that refuse everything and say what they were given."""
    if echo.path == "/feed.json":
        items = [{"id": str(number), "title": f"Harbour number {number} opens", "url": f"https://paper.example/{number}"}
                 for number in range(count)]  # fmt: skip
        return 200, json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Paper", "items": items}).encode()
    return 403, json.dumps({"error": f"{echo.path} {echo.headers} {echo.body!r}"}).encode()


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Everything that commands and a daemon tell and store while each channel fails."""
    directory, port = tmp_path_factory.mktemp("channels"), free_port()
    with receiver() as server, mail_server() as mailbox, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", stand_in(tmp_path_factory.mktemp("elsewhere"), server.base))
        mailbox.refuses = f"550 no mail for {ADDRESS} with {MAIL}"
        count = [1]
        server.answer = lambda request: serve(count[0], request)
        values = {"topic": TOPIC, "token": TOKEN, "password": PASSWORD, "slack": SLACK, "discord": DISCORD, "alert": ALERT}
        values |= {"mail": MAIL, "address": ADDRESS, "mailhost": mailbox.host, "host": server.host, "base": server.base}
        (directory / "feeds.yaml").write_text(CONFIG.format(port=port, **values))
        command = Command(directory / "feeds.yaml")
        found = {"poll": _both(command, "poll", "--all")}
        count[0] = 2
        found["poll again"] = _both(command, "poll", "--all")
        found |= {" ".join(words): _both(command, *words) for words in (["check"], ["notify", "test"], ["plan"])}
        found |= _watch(command, port, directory, server)
    found["log"] = (directory / "log").read_text()
    for path in directory.rglob("*"):
        if path.is_file() and path.name != "feeds.yaml":
            found[str(path)] = path.read_bytes().decode("latin-1")
    return found


def _watch(command: Command, port: int, directory: Path, server: Receiver) -> dict[str, str]:
    site, log, found = f"http://127.0.0.1:{port}", directory / "log", {}
    with command.daemon(port) as process:
        eventually(lambda: log.read_text().count('"event": "channel"') >= 5, process, log)
        for path in ("", "readyz", "metrics", "health.atom", "feeds/desk.atom", "topics/desk.html", "status"):
            found[f"GET /{path}"] = get(f"{site}/{path}?token=administrator").body.decode()
        found["status"] = _both(command, "status")
        found["status --json"] = _both(command, "status", "--json")
        config = directory / "feeds.yaml"
        config.write_text(config.read_text().replace(TOPIC, EDITED))
        eventually(lambda: '"event": "reloaded"' in log.read_text(), process, log)
        found["plan of an edit"] = _both(command, "plan")
        config.write_text(config.read_text().replace("discord://4174216298/", "discord://"))
        eventually(lambda: '"event": "reload_refused"' in log.read_text(), process, log)
        eventually(lambda: '"place": "alerts"' in log.read_text(), process, log)
        found["GET /readyz of a bad edit"] = get(f"{site}/readyz?token=administrator").body.decode()
    return found


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_that_is_told_or_stored_holds_it(emitted: dict[str, str], secret: str) -> None:
    leaks = {place: text[max(0, at - 160) : at + 60] for place, text in emitted.items() if (at := text.find(secret)) >= 0}
    assert not leaks


def test_what_is_told_is_still_of_use(emitted: dict[str, str]) -> None:
    assert "desk, channel 1 (ntfy): answered 403" in emitted["notify test"]
    assert "desk, channel 2 (mastodon): answered 403" in emitted["notify test"]
    assert "desk, channel 5 (mailto): the mail server answered 550" in emitted["notify test"]
    assert "desk, channel 3 (slack): answered 403" in emitted["notify test"]
    assert "desk, channel 4 (discord): answered 403" in emitted["notify test"]
    assert "alerts, channel 1 (ntfy): answered 403" in emitted["notify test"]
    assert "ntfy, mastodon, slack, discord, mailto" in emitted["GET /status"]
    assert "reload_refused" in emitted["log"]


@pytest.mark.parametrize(
    "channel",
    [
        f"slack:/T1/{SLACK}",
        f'"slack://T1/A1/{SLACK} x"',
        f"slack://{SLACK}",
        f"nosuchservice://{SLACK}@host",
        f"https://hooks.example/{SLACK}",
        f"[{SLACK}]",
        f"{{url: 12, when: {SLACK}:}}",
        f"{{address: 'slack://{SLACK}'}}",
        f"{{url: 'slack://{SLACK}/a/b', limit: 'slack://{SLACK}'}}",
        f"mastodon://{SLACK}@host:99999999",
        f"mastodon://{SLACK}:{SLACK}@host/path",
        f"mastodons://{SLACK}@host?visibility={SLACK}",
        f"'mailto://{SLACK}:${{NOT_SET_{DISCORD}}}@host'",
        f"'mailto://[{SLACK}'",
    ],
)
def test_a_channel_that_is_refused_tells_no_part_of_it(tmp_path: Path, channel: str) -> None:
    (tmp_path / "feeds.yaml").write_text(
        f"sources: ['https://x.example/feed']\noutputs:\n  - slug: desk\n    notify:\n      - {channel}\n"
    )
    told = _both(Command(tmp_path / "feeds.yaml"), "check")
    assert "feeds.yaml:5:" in told
    assert SLACK not in told
