"""The real command on PostgreSQL: what a person does, from the first poll to a look into the database."""

from __future__ import annotations

import signal

import pytest

from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk, keep_on_server, newsdesk
from tests.flow.subscriber import titles


@pytest.fixture
def remote(desk: Newsdesk) -> Newsdesk:
    """A newsdesk whose database is on a server."""
    keep_on_server(desk.command.config)
    return desk


def test_polled_searched_explained_and_looked_into(remote: Newsdesk) -> None:
    command = remote.command
    assert "fine" in command.run("check")
    assert command.run("poll") and remote.published("ukraine.atom")
    stories = command.rows("stories")
    nato = next(row for row in stories if "closer ties" in row["title"])
    assert len(nato["outlets"]) == 5
    assert nato["id"] in {row["id"] for row in command.rows("search", "nato AND vilnius")}
    assert "ukraine" in command.run("why", nato["id"])
    assert command.run("status")
    assert "pg_dump" in command.fails("backup", "copy.db", code=2)
    assert "pg_restore" in command.fails("restore", str(command.config), code=2)
    assert not list(remote.directory.glob("data/*.db*")), "no file of SQLite is made"
    published = remote.published("ukraine.atom")
    command.run("poll", "--all")
    assert remote.published("ukraine.atom") == published


def test_it_tells_the_stories_that_sqlite_tells(remote: Newsdesk) -> None:
    """Which items are one story. Which of them began it depends on which document came first."""
    local = newsdesk(remote.directory / "local", remote.origin)
    told = []
    for desk in (local, remote):
        desk.command.run("poll", "--all")
        told.append({frozenset(item["guid"] for item in row["items"]) for row in desk.command.rows("stories")})
    assert told[0] == told[1]
    assert titles(local.published("ukraine.atom")) and sorted(titles(local.published("ukraine.atom"))) == sorted(
        titles(remote.published("ukraine.atom"))
    )


def test_the_daemon_serves_and_edits_beside_it_are_taken(remote: Newsdesk) -> None:
    log = remote.directory / "log"
    site = f"http://127.0.0.1:{remote.port}"
    with remote.command.daemon(remote.port) as process:
        eventually(lambda: b"closer ties" in get(f"{site}/feeds/ukraine.atom").body, process, log)
        assert b"closer ties" in get(f"{site}/search?q=vilnius").body
        url = next(row for row in remote.command.rows("stories") if "closer ties" in row["title"])["items"][0]["url"]
        remote.command.run("stories", "drop", url)
        eventually(lambda: b"closer ties" not in get(f"{site}/feeds/ukraine.atom").body, process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
