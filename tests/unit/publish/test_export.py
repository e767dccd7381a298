"""The public site as files: complete, incremental, with working links and without anything private."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aggregator.publish.publisher import Publisher
from aggregator.publish.site.export import Export
from aggregator.settings import Output
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import DAILY, NOON, item, open_outputs, store_story

LATER = NOON + 86_400.0
LINK = re.compile(r'(?:href|src)="([^":#]+)"')


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def export(folder: Path, store: SqliteStore, *outputs: Output) -> tuple[Export, Path]:
    settings = samples.settings(folder, *outputs)
    open_outputs(store, settings)
    publisher = Publisher(settings, store)
    publisher.publish(None, LATER)
    return Export(settings, store), folder / "site"


def test_every_link_of_every_page_leads_to_a_file(tmp_path: Path, store: SqliteStore) -> None:
    for number in range(1, 5):
        store_story(store, item(number), item(number + 100, DAILY), slugs=("all", "ukraine"))
    job, site = export(tmp_path, store)
    job.run(site)
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 1 + 2 * 3 + 4
    for page in pages:
        for link in LINK.findall(page.read_text()):
            assert (page.parent / link).resolve().is_file(), f"{page.name}: {link}"


def test_a_second_export_writes_nothing_and_a_removed_feed_goes(tmp_path: Path, store: SqliteStore) -> None:
    store_story(store, item(1), slugs=("all", "ukraine"))
    job, site = export(tmp_path, store)
    first = job.run(site)
    assert {"index.html", "opml.xml", "feeds/ukraine.atom", "feeds/ukraine.html", "topics/ukraine.html"} <= set(first.written)
    again = job.run(site)
    assert (again.written, again.removed, again.kept) == ((), (), len(first.written))
    (site / "mine.txt").write_text("stays")
    fewer, site = export(tmp_path, store, samples.settings(tmp_path).outputs[0])
    assert "topics/ukraine.html" in fewer.run(site).removed
    assert (site / "mine.txt").exists()


def test_nothing_private_is_exported(tmp_path: Path, store: SqliteStore) -> None:
    private = store_story(store, item(1), slugs=("desk",))
    job, site = export(tmp_path, store)
    job.run(site)
    for path in site.rglob("*"):
        assert "desk" not in path.name and private not in path.name
        assert path.is_dir() or private not in path.read_text()


def test_archives_and_pages_of_archived_stories_are_exported(tmp_path: Path, store: SqliteStore) -> None:
    for number in range(1, 40):
        store_story(store, item(number))
    job, site = export(tmp_path, store, Output(samples.Slug("all"), "All", items=5))
    job.run(site)
    assert (site / "feeds/all/1.atom").exists()
    assert len(list((site / "stories").iterdir())) == 39
