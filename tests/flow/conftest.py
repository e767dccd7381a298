"""The demo newsroom on loopback and a config that reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggregator.demo.origin import Origin, serving
from aggregator.demo.prepare import write_config
from tests import postgres
from tests.flow.command import Command, free_port

DATABASE = "FLOW_DATABASE"
"""Set to `postgres`, this variable of the environment has all newsdesks keep their news on a server (`make postgres`)."""
IN_A_FILE = "storage: {database: data/aggregator.db}"
START = 1_760_000_000.0


@dataclass(frozen=True, slots=True)
class Newsdesk:
    """A newsroom that is served, and the command that reads it. port: the daemon's, if it runs."""

    origin: Origin
    command: Command
    port: int
    directory: Path

    @property
    def public(self) -> Path:
        return self.directory / "data" / "public"

    @property
    def private(self) -> Path:
        return self.directory / "data" / "private"

    def published(self, name: str) -> bytes:
        return (self.public / "feeds" / name).read_bytes()

    def statuses(self) -> dict[str, int]:
        """The last answer of each feed since this was last asked."""
        asked = {request.path: request.status for request in self.origin.asked}
        self.origin.asked.clear()
        return asked


def newsdesk(directory: Path, origin: Origin) -> Newsdesk:
    port = free_port()
    config = write_config(directory, port, origin.place.port)
    if os.environ.get(DATABASE) == "postgres":
        keep_on_server(config)
    return Newsdesk(origin, Command(config), port, directory)


def needs_a_file(why: str) -> None:
    """Skips a test of what SQLite's file alone has."""
    if os.environ.get(DATABASE) == "postgres":
        pytest.skip(f"not on PostgreSQL: {why}")


def stored(desk: Newsdesk) -> object:
    """All that the newsdesk's database holds, to be compared."""
    if os.environ.get(DATABASE) != "postgres":
        return (desk.directory / "data" / "aggregator.db").read_bytes()
    import psycopg

    tables = "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' ORDER BY relname"
    with psycopg.connect(postgres.server().of_folder(desk.directory)) as connection:
        return {
            table: sorted(connection.execute(f"SELECT {table}::text FROM {table}".encode()).fetchall())
            for (table,) in connection.execute(tables).fetchall()
        }


def keep_on_server(config: Path) -> None:
    """Has the config name a PostgreSQL database of its own."""
    address = postgres.server().of_folder(config.parent)
    text = config.read_text()
    assert IN_A_FILE in text or address in text
    config.write_text(text.replace(IN_A_FILE, f"storage: {{database: '{address}'}}"))


@pytest.fixture(scope="module")
def shared_origin() -> Iterator[Origin]:
    """One newsroom for the tests of a module, which build on one another."""
    with serving(0, START) as origin:
        yield origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(0, START) as origin:
        yield origin


@pytest.fixture
def desk(tmp_path: Path, origin: Origin) -> Newsdesk:
    return newsdesk(tmp_path, origin)
