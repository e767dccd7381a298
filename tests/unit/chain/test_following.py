"""What follows another leader: what it had claimed is polled at once, unless that ends one leader after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.model import SourceId
from aggregator.ports import Database
from aggregator.run.following import DEADLY, poll_again
from aggregator.run.poller import LEASE
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import source

ALPHA = SourceId("alpha")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    with closing(SqliteStore(tmp_path / "news.db")) as opened:
        opened.sync_sources([source()], 1.0)
        yield opened


def claim(store: Database, now: float) -> None:
    with store.begin() as transaction:
        assert len(transaction.claim(now, 10, now + LEASE)) == 1


def test_what_was_claimed_is_due_at_once(store: Database) -> None:
    claim(store, 10.0)
    assert store.states()[ALPHA].due == 10.0 + LEASE
    assert poll_again(store, 12.0) == 1
    assert store.states()[ALPHA].due == 12.0


def test_what_was_not_claimed_or_is_in_flight_stays(store: Database) -> None:
    assert poll_again(store, 12.0) == 0
    claim(store, 10.0)
    assert poll_again(store, 12.0, besides={ALPHA}) == 0
    assert store.states()[ALPHA].due == 10.0 + LEASE


def test_a_source_that_ends_one_leader_after_the_other_waits_for_its_lease(store: Database) -> None:
    for leader in range(DEADLY - 1):
        claim(store, 10.0 + leader)
        assert poll_again(store, 10.0 + leader) == 1
    claim(store, 20.0)
    assert poll_again(store, 20.0) == 0
    assert store.states()[ALPHA].due == 20.0 + LEASE
