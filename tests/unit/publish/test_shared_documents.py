"""What the leader publishes for all nodes: stored before anybody sees it, unchanged documents once, the same on every node."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from aggregator.errors import AggregatorError, StoreError
from aggregator.model import Slug
from aggregator.ports import Subscription
from aggregator.publish.publisher import Publisher
from aggregator.publish.shared_documents import LOCKED, is_same, load, tokens_of
from aggregator.publish.shelf import GONE, Gone, Moved, Prepared, Shelf
from aggregator.publish.staged_shelf import StagedShelf
from aggregator.settings import Output, Server, Settings
from aggregator.store.postgres.store import PostgresStore
from aggregator.websub import deliveries
from tests import postgres
from tests.unit.publish import samples
from tests.unit.publish.samples import NOON, change_story, item, open_outputs, store_story

ALL = Output(Slug("all"), "All stories")
DESK = Output(Slug("desk"), "Desk", token="let-me-in")
FEED = "/feeds/all.atom"


@pytest.fixture
def address(tmp_path: Path) -> str:
    return postgres.server().of_folder(tmp_path)


@pytest.fixture
def store(address: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(address)
    yield opened
    opened.close()


def leader(settings: Settings, store: PostgresStore) -> tuple[Publisher, Shelf]:
    """A process that publishes, and what it shows."""
    shown = Shelf()
    shelf = StagedShelf(shown, store, store.cluster, tokens_of(settings))
    return Publisher(settings, store, shelf, mint=lambda: uuid.UUID(int=7)), shown


def node(settings: Settings, store: PostgresStore, revision: int = 0) -> Shelf:
    """A node that has loaded everything."""
    shelf = Shelf()
    load(store.cluster.documents, shelf, tokens_of(settings), revision)
    return shelf


def rows(address: str) -> dict[tuple[str, bool], int]:
    """The revision of each document in the table."""
    with psycopg.connect(address) as connection:
        return {(path, whole): at for path, whole, at in connection.execute("SELECT path, whole, revision FROM published")}


def test_nothing_is_seen_unless_it_is_stored_for_all(tmp_path: Path, store: PostgresStore, address: str) -> None:
    settings = samples.settings(tmp_path, ALL)
    open_outputs(store, settings)
    publisher, shown = leader(settings, store)
    story = store_story(store, item(1))
    publisher.publish(None, NOON)
    before = shown.answers()
    change_story(store, story, "Better", NOON + 9)
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("ALTER TABLE published RENAME COLUMN body TO gone")
        with pytest.raises(StoreError):
            publisher.publish([Slug("all")], NOON + 10)
        assert shown.answers() == before
        other.execute("ALTER TABLE published RENAME COLUMN gone TO body")
    assert publisher.publish([Slug("all")], NOON + 20) == (), "it is rendered already"
    feed = shown.get(FEED)
    assert feed is not None and b"Better" in feed.body and feed.modified == NOON + 10


def test_every_node_has_the_same(tmp_path: Path, store: PostgresStore, address: str) -> None:
    renamed = replace(ALL, formerly=(Slug("everything"),))
    settings = samples.settings(tmp_path, renamed, DESK, server=Server(admin="for-the-desk-alone"))
    open_outputs(store, samples.settings(tmp_path, Output(Slug("over"), "Over"), renamed, DESK))
    Publisher(samples.settings(tmp_path, Output(Slug("over"), "Over")), store).publish(None, NOON)
    store_story(store, item(1), slugs=("all", "desk"))
    publisher, shown = leader(settings, store)
    publisher.publish(None, NOON)
    ours, theirs = shown.answers(), node(settings, store).answers()
    assert ours.keys() == theirs.keys() and all(is_same(theirs[key], answer) for key, answer in ours.items())
    assert {type(answer) for answer in theirs.values()} == {Prepared, Moved, Gone}
    assert theirs["/feeds/over.rss", False] is GONE
    for key in (("/feeds/desk.atom", False), ("/health.atom", True)):
        answer, other = theirs[key], ours[key]
        assert isinstance(answer, Prepared) and isinstance(other, Prepared)
        assert answer.token in ("let-me-in", "for-the-desk-alone")
        assert [answer.make(coding) for coding in answer.codings] == [other.make(coding) for coding in other.codings]
    with psycopg.connect(address) as connection:
        held = str(connection.execute("SELECT about FROM published").fetchall())
    assert "let-me-in" not in held and "for-the-desk-alone" not in held


def test_unchanged_documents_are_stored_once(tmp_path: Path, store: PostgresStore, address: str) -> None:
    settings = samples.settings(tmp_path, ALL, DESK, server=Server(admin="for-the-desk-alone"))
    open_outputs(store, settings)
    story = store_story(store, item(1))
    publisher, shown = leader(settings, store)
    publisher.publish(None, NOON)
    before, first = shown.answers(), rows(address)
    publisher.publish(None, NOON + 100)
    again, after = leader(settings, store)
    again.publish(None, NOON + 1000)
    again.show_health()
    assert rows(address) == first
    assert all(is_same(after.answers()[key], answer) for key, answer in before.items()), "not even the dates have changed"
    change_story(store, story, "Better", NOON + 2000)
    again.publish([Slug("all")], NOON + 2000)
    changed = {path for (path, _), revision in rows(address).items() if revision != first[path, False]}
    assert changed == {"/feeds/all.atom", "/feeds/all.rss", "/feeds/all.json", "/topics/all.html", "/index.html"}


def test_what_is_no_longer_published_goes_from_every_node(tmp_path: Path, store: PostgresStore) -> None:
    settings = samples.settings(tmp_path, ALL, DESK)
    open_outputs(store, settings)
    publisher, _ = leader(settings, store)
    publisher.publish(None, NOON)
    held = Shelf()
    revision = load(store.cluster.documents, held, tokens_of(settings), 0)
    assert held.get("/feeds/desk.atom") is not None
    fewer = samples.settings(tmp_path, ALL)  # a leader that does not know the token any more
    leader(fewer, store)[0].publish(None, NOON)
    assert load(store.cluster.documents, held, tokens_of(settings), revision) > revision
    assert held.get("/feeds/desk.atom") is None and held.get(FEED) is not None
    assert ("/feeds/desk.atom", False) not in node(settings, store).answers()


def test_a_node_that_lacks_the_token_opens_nothing(tmp_path: Path, store: PostgresStore) -> None:
    settings = samples.settings(tmp_path, ALL, DESK)
    open_outputs(store, settings)
    leader(settings, store)[0].publish(None, NOON)
    held = node(samples.settings(tmp_path, ALL, replace(DESK, token="another")), store).get("/feeds/desk.atom")
    assert held is not None and held.token == LOCKED


def test_subscribers_get_a_document_once_readers_do(tmp_path: Path, store: PostgresStore) -> None:
    settings = samples.settings(tmp_path, ALL)
    open_outputs(store, settings)
    story = store_story(store, item(1))
    publisher, shown = leader(settings, store)
    publisher.publish(None, NOON)
    with store.begin() as transaction:
        transaction.save_subscription(Subscription(FEED, "https://reader.example/cb", None, NOON + 999, NOON))
    change_story(store, story, "Better", NOON + 2)
    composer, shelf = deliveries.Composer(settings, store, shown), publisher.shelf
    show, shelf.show = shelf.show, lambda: None  # type: ignore[method-assign]  # the moment before
    publisher.publish([Slug("all")], NOON + 2)
    [delivery] = store.deliveries(NOON + 5, 10)
    with pytest.raises(deliveries.NotShownYetError):
        composer.compose_document(delivery)
    show()
    message = composer.compose_document(delivery)
    assert message is not None and b"Better" in message.body


def test_a_disk_that_is_full_holds_up_no_other_node(
    tmp_path: Path, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = samples.settings(tmp_path, ALL)
    open_outputs(store, settings)
    story = store_story(store, item(1))
    publisher, shown = leader(settings, store)
    publisher.publish(None, NOON)
    change_story(store, story, "Better", NOON + 2)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(AggregatorError, match="No space left"):
            publisher.publish([Slug("all")], NOON + 2)
    feed = shown.get(FEED)
    assert feed is not None and b"Better" in feed.body
    publisher.publish([Slug("all")], NOON + 3)
    assert (tmp_path / "public/feeds/all.atom").read_bytes() == feed.body


def refuse(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
