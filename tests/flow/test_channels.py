"""Channels as a person uses them: `check`, `run` and `notify test`, with the extra and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.command import Command
from tests.unit.channels.receivers import Receiver, mail_server, receiver, without_apprise

CONFIG = """network: {{allow: [127.0.0.0/8]}}
sources: ["https://paper.example/feed"]
outputs:
  - {{slug: desk, title: Desk, notify: [{first}, {second}]}}
  - {{slug: morning, title: Morning, digest: "0 6 * * *", notify: ["mailto://{mail}?to=anna@b.example&from=desk@c.example&mode=insecure"]}}
alerts: {{notify: ["ntfy://{host}/ops"]}}
"""
INSTALL = "pip install 'aggregator[notify]'"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def write(folder: Path, server: Receiver, mail: str = "127.0.0.1:9") -> Command:
    values = {"first": f"'ntfy://{server.host}/one'", "second": f"'mastodon://token@{server.host}'"}
    (folder / "feeds.yaml").write_text(CONFIG.format(mail=mail, host=server.host, **values))
    return Command(folder / "feeds.yaml")


def test_each_channel_gets_one_test_message(server: Receiver, tmp_path: Path) -> None:
    with mail_server() as mailbox:
        told = write(tmp_path, server, mailbox.host).run("notify", "test")
        [(_, mail)] = mailbox.got
    assert told.splitlines() == [
        "desk, channel 1 (ntfy): sent",
        "desk, channel 2 (mastodon): sent",
        "morning, channel 1 (mailto): sent",
        "alerts, channel 1 (ntfy): sent",
    ]
    assert [one.path for one in server.got] == ["/", "/api/v1/statuses", "/"]
    assert "This channel is told of: Desk" in server.got[0].json["message"]
    assert mail["Subject"] == "Test: News"


def test_a_second_test_mail_is_none_that_the_server_knows(server: Receiver, tmp_path: Path) -> None:
    with mail_server() as mailbox:
        command = write(tmp_path, server, mailbox.host)
        command.run("notify", "test", "morning")
        command.run("notify", "test", "morning")
        (_, first), (_, second) = mailbox.got
    assert first["Message-ID"] != second["Message-ID"]


def test_one_channel_can_be_chosen(server: Receiver, tmp_path: Path) -> None:
    command = write(tmp_path, server)
    assert command.run("notify", "test", "desk", "--channel", "2") == "desk, channel 2 (mastodon): sent\n"
    assert command.run("notify", "test", "alerts") == "alerts, channel 1 (ntfy): sent\n"
    assert "there is no channel 3" in command.fails("notify", "test", "desk", "--channel", "3", code=2)
    assert "channels have alerts, desk, morning" in command.fails("notify", "test", "nothing", code=2)
    assert len(server.got) == 2


def test_a_channel_that_fails_is_named_and_is_an_exit_code(server: Receiver, tmp_path: Path) -> None:
    server.answer = lambda request: (500, b"{}")
    command = write(tmp_path, server)
    assert "1 of 1 channels failed" in command.fails("notify", "test", "alerts")
    assert command.run("notify", "test", "alerts", code=1) == "alerts, channel 1 (ntfy): answered 500\n"


def test_without_the_extra_one_sentence_says_what_to_install(
    server: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = write(tmp_path, server)
    (tmp_path / "without").mkdir()
    monkeypatch.setenv("PYTHONPATH", without_apprise(tmp_path / "without"))
    for words in (["check"], ["run"], ["notify", "test"]):
        [line] = command.fails(*words, code=2).splitlines()
        assert "feeds.yaml:4:" in line
        assert INSTALL in line


def test_without_the_extra_all_else_works(server: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", without_apprise(tmp_path))
    (tmp_path / "feeds.yaml").write_text(
        f"network: {{allow: [127.0.0.0/8]}}\nsources: []\noutputs: [{{slug: desk, notify: ['mastodon://token@{server.host}']}}]\n"
    )
    command = Command(tmp_path / "feeds.yaml")
    assert "fine" in command.run("check")
    assert command.run("notify", "test") == "desk, channel 1 (mastodon): sent\n"


def test_a_mail_address_without_a_sender_is_told_with_one_that_has_it(server: Receiver, tmp_path: Path) -> None:
    command = write(tmp_path, server)
    path = tmp_path / "feeds.yaml"
    path.write_text(path.read_text().replace(f"ntfy://{server.host}/one", "mailto://127.0.0.1:25?to=anna@b.example"))
    told = command.fails("check", code=2)
    assert "write for example `mailto://192.168.0.2:25?to=you@example.org&from=news@example.org`" in told


def test_an_address_that_no_service_has_is_told_with_its_place(server: Receiver, tmp_path: Path) -> None:
    command = write(tmp_path, server)
    path = tmp_path / "feeds.yaml"
    path.write_text(path.read_text().replace(f"ntfy://{server.host}/one", "nosuchservice://secrettoken"))
    told = command.fails("check", code=2)
    assert "feeds.yaml:4:40: notify: Apprise does not know this address" in told
    assert "secrettoken" not in told
