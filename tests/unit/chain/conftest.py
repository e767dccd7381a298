"""The chain's tests run on SQLite, with `--long` on each store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores import STORES
from tests.unit.chain.newsroom import Newsroom


@pytest.fixture(params=STORES)
def newsroom(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Newsroom]:
    if request.param != "sqlite" and not request.config.getoption("--long"):
        pytest.skip("takes long; run with --long")
    store = STORES[request.param](tmp_path)
    yield Newsroom(tmp_path, store)
    store.close()


@pytest.fixture
def other_newsroom(newsroom: Newsroom, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Newsroom]:
    """A second newsroom on the same kind of store, to compare with the first one."""
    folder = tmp_path / "other"
    folder.mkdir()
    store = STORES[request.node.callspec.params["newsroom"]](folder)
    yield Newsroom(folder, store)
    store.close()
