"""Each contract test runs on every implementation of the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.ports import Store
from aggregator.store.memory import MemoryStore
from aggregator.store.sqlite import SqliteStore


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = SqliteStore(tmp_path / "news.db") if request.param == "sqlite" else MemoryStore()
    yield opened
    opened.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "news.db")
    yield opened
    opened.close()
