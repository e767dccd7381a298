"""A poll skips publishing only if nothing that is published could have changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model import Slug
from aggregator.ports import Event, Override
from aggregator.publish.publisher import Publisher
from aggregator.publish.site.published_state import fingerprint_published
from aggregator.settings import Output, Settings
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import NOON, item, open_outputs, store_story


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def _bumped(store: SqliteStore, folder: Path) -> None:
    with store.begin() as transaction:
        transaction.bump([Slug("all")], NOON)


def _told(store: SqliteStore, folder: Path) -> None:
    with store.begin() as transaction:
        transaction.save_event(Event("silent wire", "silent", "Wire is silent", "nothing new for 9d", NOON))


def _decided(store: SqliteStore, folder: Path) -> None:
    with store.begin() as transaction:
        transaction.add_override(Override("drop", "https://wire.example/1", None, NOON))


def _removed(store: SqliteStore, folder: Path) -> None:
    (folder / "public/feeds/all.atom").unlink()


def _edited(store: SqliteStore, folder: Path) -> None:
    file = folder / "private/feeds/desk.json"
    file.write_bytes(file.read_bytes() + b" ")


@pytest.mark.parametrize("change", [_bumped, _told, _decided, _removed, _edited])
def test_any_change_of_what_is_published_changes_the_fingerprint(
    change: Callable[[SqliteStore, Path], None], tmp_path: Path, store: SqliteStore
) -> None:
    settings = samples.settings(tmp_path)
    open_outputs(store, settings)
    store_story(store, item(1))
    Publisher(settings, store).publish(None, NOON)
    before = fingerprint_published(settings, store, b"")
    assert before is not None and fingerprint_published(settings, store, b"") == before
    change(store, tmp_path)
    assert fingerprint_published(settings, store, b"") != before


def test_another_config_changes_the_fingerprint(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path)
    others: list[Settings] = [
        replace(settings, site=replace(settings.site, title="Other news")),
        replace(settings, publish=replace(settings.publish, content="title")),
        replace(settings, outputs=settings.outputs[:1]),
    ]
    fingerprints = {fingerprint_published(one, store, b"") for one in (settings, *others)} | {
        fingerprint_published(settings, store, b"edited")
    }
    assert len(fingerprints) == 5


@pytest.mark.parametrize(
    "output", [Output(Slug("thrown"), "Thrown away", rejected=True), Output(Slug("daily"), "Daily", digest="0 6 * * *")]
)
def test_feeds_with_undetectable_changes_have_no_fingerprint(output: Output, tmp_path: Path, store: SqliteStore) -> None:
    assert fingerprint_published(samples.settings(tmp_path, output), store, b"") is None
