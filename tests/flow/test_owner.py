"""Commands that root runs beside a service with a user of its own leave nothing that the service can't use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.flow.conftest import Newsdesk, needs_a_file

SERVICE = (61_234, 61_235)
"""User and group, as systemd's DynamicUser may choose them."""


@pytest.fixture
def owned(desk: Newsdesk) -> Newsdesk:
    """A newsroom whose folder belongs to the service."""
    needs_a_file("a server's files belong to the server")
    if os.geteuid() != 0:
        pytest.skip("needs root: nobody else can give files away")
    os.chown(desk.directory, *SERVICE)
    return desk


def strange(folder: Path) -> list[str]:
    """What below a folder the service doesn't own; but for what the test itself put there."""
    found = []
    for path in folder.rglob("*"):
        info = path.lstat()
        if (info.st_uid, info.st_gid) != SERVICE and path.name not in ("feeds.yaml", "log"):
            found.append(str(path.relative_to(folder)))
    return found


def test_what_root_makes_belongs_to_the_owner_of_its_folder(owned: Newsdesk) -> None:
    owned.command.run("poll")
    assert {path.name for path in (owned.directory / "data").iterdir()} >= {"aggregator.db", "public"}
    assert strange(owned.directory) == []
    owned.command.run("backup", "copy.db")
    owned.command.run("init", "starter.yaml")
    owned.command.run("export", "site")
    assert strange(owned.directory) == []


def test_a_restored_database_has_owner_and_mode_of_the_old_one(owned: Newsdesk) -> None:
    database = owned.directory / "data" / "aggregator.db"
    owned.command.run("poll")
    owned.command.run("backup", "copy.db")
    os.chown(owned.directory / "copy.db", 0, 0)
    database.chmod(0o640)
    os.chown(database, SERVICE[0] + 1, SERVICE[1])
    owned.command.run("restore", "copy.db")
    info = database.stat()
    assert (info.st_uid, info.st_gid, info.st_mode & 0o777) == (SERVICE[0] + 1, SERVICE[1], 0o640)


def test_a_database_that_root_took_is_given_back_by_a_restore(owned: Newsdesk) -> None:
    owned.command.run("poll")
    owned.command.run("backup", "copy.db")
    os.chown(owned.directory / "data" / "aggregator.db", 0, 0)
    owned.command.run("restore", "copy.db")
    for file in (owned.directory / "data").glob("aggregator.db.before-*"):
        file.unlink()
    assert strange(owned.directory / "data") == []
    for file in (owned.directory / "data").glob("aggregator.db*"):
        file.unlink()
    owned.command.run("restore", "copy.db")
    assert strange(owned.directory / "data") == [], "also where there was none"


def test_what_belongs_to_the_service_in_a_folder_of_root_stays_the_services(owned: Newsdesk) -> None:
    owned.command.run("poll")
    os.chown(owned.directory / "data", 0, 0)
    owned.command.run("poll", "--all")
    owned.command.run("status")
    assert strange(owned.directory / "data") == []
