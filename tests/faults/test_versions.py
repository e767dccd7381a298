"""Two real releases on one database: an older one, taken from the history of this repository, and this one."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggregator.demo.origin import Origin
from aggregator.store.schema import MIGRATIONS
from tests.conftest import CHECKOUT
from tests.faults.test_kills import check_database
from tests.flow.command import Command, clean_environment, free_port
from tests.flow.subscriber import ids

OLDER = {
    5: "1b26dd3e85250de07495d72edc5848789bcee9f6",
    6: "8e969591a778e97b43b0e8092e4528d60368c9c0",
}
"""The last commit of each schema. Where there is no history (an archive, a shallow clone), the samples alone are tested."""


HOLDER = """
import sys, time
from pathlib import Path
from aggregator.store.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
"""What a daemon does with its database's lock, in every release."""


@dataclass(frozen=True, slots=True)
class Releases:
    """Both releases on one config. schema: the older one's; tree: its code."""

    new: Command
    schema: int
    tree: Path

    @property
    def folder(self) -> Path:
        return self.new.config.parent / "data"

    @property
    def database(self) -> Path:
        return self.folder / "aggregator.db"

    def old(self, *arguments: str, code: int = 0) -> str:
        """Runs a command of the older release and returns all that it says."""
        done = subprocess.run(
            self.new.line(*arguments),
            cwd=self.new.config.parent,
            env=clean_environment(PYTHONPATH=str(self.tree)),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def version(self, path: Path | None = None) -> int:
        with closing(sqlite3.connect(path or self.database)) as database:
            found: int = database.execute("PRAGMA user_version").fetchone()[0]
        return found

    def ids(self) -> list[str]:
        return sorted(ids((self.folder / "public" / "feeds" / "all.atom").read_bytes()))


@pytest.fixture(params=OLDER, ids=[f"schema-{number}" for number in OLDER])
def releases(request: pytest.FixtureRequest, tmp_path: Path, origin: Origin) -> Releases:
    commit, tree = OLDER[request.param], tmp_path / "older"
    git = shutil.which("git")
    if (
        git is None
        or subprocess.run([git, "cat-file", "-e", f"{commit}^{{commit}}"], cwd=CHECKOUT, capture_output=True).returncode
    ):
        pytest.skip("this checkout has no history")
    tree.mkdir()
    archive = subprocess.run([git, "archive", commit, "aggregator"], cwd=CHECKOUT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)
    config = {
        "server": {"port": free_port()},
        "storage": {"database": "data/aggregator.db"},
        "publish": {"directory": "data/public", "private": "data/private"},
        "network": {"allow": ["127.0.0.0/8"]},
        "sources": [
            {"id": "northwire", "url": f"http://127.0.0.1:{origin.place.port}/northwire/all.xml"},
            {"id": "world", "url": f"http://127.0.0.1:{origin.place.port}/harbourpost/world.xml"},
        ],
    }
    (tmp_path / "feeds.yaml").write_text(json.dumps(config))
    return Releases(Command(tmp_path / "feeds.yaml"), request.param, tree)


def test_forward_refused_and_back(releases: Releases) -> None:
    """An upgrade keeps every id, lays a copy beside, and can be gone back on; meanwhile the older release touches nothing."""
    releases.old("poll", "--all")
    assert releases.version() == releases.schema
    before = releases.ids()
    assert len(before) > 3

    releases.new.run("poll", "--all")
    assert releases.version() == len(MIGRATIONS)
    assert releases.ids() == before
    copy = releases.database.with_name(f"aggregator.db.schema-{releases.schema}")
    assert releases.version(copy) == releases.schema
    check_database(copy)

    newer = {
        file: file.read_bytes() for file in releases.folder.rglob("*") if file.is_file() and file.name != "aggregator.db.lock"
    }
    for command in (("status",), ("poll",), ("run",), ("restore", str(releases.database))):
        assert "is of a newer release" in releases.old(*command, code=1)
    assert newer == {file: file.read_bytes() for file in newer}, "not a byte has changed"

    releases.old("restore", str(copy))
    releases.old("poll", "--all")
    assert releases.version() == releases.schema
    assert releases.ids() == before

    releases.new.run("poll", "--all")
    assert releases.version() == len(MIGRATIONS)
    assert releases.ids() == before


def test_an_older_daemon_that_still_runs_is_not_migrated_under(releases: Releases) -> None:
    releases.old("poll", "--all")
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(releases.database)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        done = subprocess.run(releases.new.line("status"), env=clean_environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert f"in use by process {process.pid}" in done.stderr and f"schema {releases.schema}" in done.stderr
        assert releases.version() == releases.schema
    finally:
        process.kill()
        process.wait(10)
    releases.new.run("status")
    assert releases.version() == len(MIGRATIONS)
