"""One daemon on one database: who comes second is told so, and a killed holder leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aggregator.errors import HeldError, StoreError
from aggregator.store.lock import held, lock_path
from aggregator.store.sqlite import SqliteStore

HOLD = """
import sys
from pathlib import Path
from aggregator.store.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    database = tmp_path / "news.db"
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        with pytest.raises(HeldError, match=f"process {child.pid}"), held(database):
            pass
    finally:
        child.kill()
        child.communicate()
    with held(database):
        pass


def test_it_is_given_back_at_the_end(tmp_path: Path) -> None:
    for _ in range(2):
        with held(tmp_path / "news.db"):
            assert lock_path(tmp_path / "news.db").exists()


def test_only_the_holder_copies_the_log_back(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "news.db")

    def threshold() -> int:
        pages: int = store._writer.execute("PRAGMA wal_autocheckpoint").fetchone()[0]
        return pages

    beside = threshold()
    with store.lock():
        assert threshold() < beside
    assert threshold() == beside
    store.close()


def test_two_holders_in_one_process_are_two_holders(tmp_path: Path) -> None:
    with held(tmp_path / "news.db"), pytest.raises(HeldError), held(tmp_path / "news.db"):
        pass


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="folder"), held(tmp_path / "none" / "news.db"):
        pass
