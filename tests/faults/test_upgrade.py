"""An upgrade in place: the commands of this release over a database as an older one left it, and back."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.store.identity import story_ids
from aggregator.store.schema import MIGRATIONS
from tests.faults.test_kills import ATOM, check_database, check_whole
from tests.flow.command import Command, eventually, free_port, get
from tests.unit.store.builders import item
from tests.unit.store.test_schema import SAMPLES

KEPT = {str(next(story_ids(item(f"g{number}")))) for number in (0, 1, 3, 4, 5)}
"""The stories of a sample. A sixth was merged into one of them."""


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        found: int = database.execute("PRAGMA user_version").fetchone()[0]
    return found


@pytest.fixture(params=SAMPLES, ids=[path.name.partition(".")[0] for path in SAMPLES])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Command, int]:
    """An installation whose database an older release has left, with the port of its daemon."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "aggregator.db"
    path.write_bytes(gzip.decompress(request.param.read_bytes()))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("DELETE FROM pages")  # a sample's archive page holds no documents
        database.execute("UPDATE members SET page = NULL")
    port = free_port()
    config = {
        "server": {"port": port},
        "storage": {"database": "data/aggregator.db"},
        "publish": {"directory": "data/public", "private": "data/private"},
        "sources": [{"id": name, "url": f"https://{name}.example/feed", "enabled": False} for name in ("alpha", "beta")],
    }
    (tmp_path / "feeds.yaml").write_text(json.dumps(config))
    return Command(tmp_path / "feeds.yaml"), port


def test_the_daemon_upgrades_in_place_and_keeps_every_id(old: tuple[Command, int]) -> None:
    command, port = old
    path = command.config.parent / "data" / "aggregator.db"
    before = version(path)
    with command.daemon(port) as process:
        eventually(lambda: get(f"http://127.0.0.1:{port}/readyz").status == 200, process)
        feed = get(f"http://127.0.0.1:{port}/feeds/all.atom").body.decode()
        process.terminate()
        assert process.wait(15) == 0
    assert version(path) == len(MIGRATIONS)
    check_database(path)
    check_whole(command.config.parent / "data" / "public")
    assert {story["id"] for story in command.rows("stories")} == KEPT
    assert ATOM[1:-1] in feed
    assert {story for story in KEPT if story in feed} == KEPT
    copy = path.with_name(f"{path.name}.schema-{before}")
    assert copy.exists() == (before < len(MIGRATIONS))
    if copy.exists():
        assert version(copy) == before
        check_database(copy)


def test_what_a_newer_release_has_written_is_refused_and_left_alone(old: tuple[Command, int]) -> None:
    command, _ = old
    path = command.config.parent / "data" / "aggregator.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    found = path.read_bytes()
    assert command.start("run").wait(15) == 1
    assert "newer release" in (command.config.parent / "log").read_text()
    assert path.read_bytes() == found
