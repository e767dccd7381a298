"""The page that says how to subscribe to a feed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model import Slug
from aggregator.publish.pages import found_pages
from aggregator.publish.publisher import Publisher
from aggregator.settings import Output
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import NOON, item, open_outputs, store_story

SITE = "https://news.example.org"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = SqliteStore(tmp_path / "db")
    settings = samples.settings(tmp_path)
    open_outputs(store, settings)
    store_story(store, item(1), slugs=("all", "ukraine", "desk"))
    Publisher(settings, store).publish(None, NOON)
    return tmp_path / "public"


def test_it_has_the_addresses_to_copy_and_works_without_scripts(folder: Path) -> None:
    page = (folder / "feeds/ukraine.html").read_text()
    addresses = [f"{SITE}/feeds/ukraine.{format}" for format in ("atom", "rss", "json")]
    assert re.findall('<input type="url" readonly value="([^"]*)">', page) == addresses
    assert re.findall('<link rel="alternate"[^>]* href="([^"]*)">', page) == addresses, "who pastes the page's address is led on"
    assert all("hidden" in button for button in re.findall("<button[^>]*>", page)), "a script shows what needs one"
    assert "Subscribe to" in page and "Ukraine &amp; NATO" in page and 'href="../opml.xml"' in page


def test_pages_lead_to_it_and_never_to_raw_feeds(folder: Path) -> None:
    for name, way in (("index.html", "./feeds/ukraine.html"), ("topics/ukraine.html", "../feeds/ukraine.html")):
        page = (folder / name).read_text()
        assert f'href="{way}"' in page, name
        assert not re.findall(r"<a [^>]*href=\"[^\"]*\.(?:atom|rss|json)\"", page), name


def test_a_private_feed_has_none_and_is_not_named(folder: Path) -> None:
    assert not (folder / "feeds/desk.html").exists()
    for path in folder.rglob("*.html"):
        assert "desk" not in path.read_text().lower() and "let-me-in" not in path.read_text(), path


def test_screen_readers_speak_it_as_english_whatever_the_site_speaks(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    plain = samples.settings(tmp_path, Output(Slug("all"), "Alles", description="Alle Meldungen"))
    settings = replace(plain, site=replace(plain.site, language="de"))
    open_outputs(store, settings)
    Publisher(settings, store).publish(None, NOON)
    page = (tmp_path / "public/feeds/all.html").read_text()
    assert '<html lang="en">' in page and 'lang="de">Alle Meldungen</p>' in page
    assert b'<html lang="en">' in found_pages.not_found(settings.site, ".")


def test_its_words_are_escaped(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    settings = samples.settings(tmp_path, Output(Slug("all"), 'R&D "><script>alert(1)</script>', description="<b>bold</b>"))
    open_outputs(store, settings)
    Publisher(settings, store).publish(None, NOON)
    page = (tmp_path / "public/feeds/all.html").read_text()
    assert "<script>alert" not in page and "<b>" not in page and page.count("R&amp;D &#34;&gt;") >= 3
