"""Each contract test runs on every implementation of the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.ports import Store
from aggregator.store.sqlite import SqliteStore
from tests import postgres
from tests.stores import STORES


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = STORES[request.param](tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def address(tmp_path: Path) -> str:
    """An empty database of PostgreSQL. Skips the test where that is not installed."""
    return postgres.server().of_folder(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "news.db")
    yield opened
    opened.close()
