"""The chain's tests run on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.ports import Store
from aggregator.store.memory import MemoryStore
from aggregator.store.sqlite import SqliteStore
from tests.unit.chain.newsroom import Newsroom


@pytest.fixture(params=["sqlite", "memory"])
def newsroom(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Newsroom]:
    store: Store = SqliteStore(tmp_path / "news.db") if request.param == "sqlite" else MemoryStore()
    yield Newsroom(tmp_path, store)
    store.close()
