"""A daemon that reads the demo's newsroom and a hostile outlet, and a Chromium that opens its pages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, sync_playwright

from aggregator.demo.origin import Origin
from aggregator.demo.origin import serving as newsroom
from tests.browser import chromium, hostile
from tests.flow.command import eventually, get
from tests.flow.conftest import START, newsdesk

PAYLOAD_OF_SEARCH = "%22%3E%3Cscript%3Ewindow.pwned%3D1%3C/script%3E"


@dataclass(frozen=True)
class World:
    """A daemon with its pages. site: where it listens; pages: name → path, of each kind one; asked: of the hostile outlet."""

    site: str
    pages: dict[str, str]
    hostile: tuple[str, ...]
    asked: list[str]
    origin: Origin


@contextmanager
def launched(program: str) -> Iterator[Browser]:
    """A headless Chromium, which must not ask for its own updates."""
    options = ["--disable-background-networking", "--disable-component-update", "--disable-gpu"]
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*options, *root])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ended with this package's tests: while Playwright's blocking interface is open, its event loop counts as running, and no
    other test of the process could run its own.
    """
    program = chromium.find()
    if program is None:
        pytest.skip(chromium.MISSING)
    with launched(program) as browser:
        yield browser


@pytest.fixture(scope="package")
def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Made once: two days of the newsroom, feeds so small that they have archives."""
    asked: list[str] = []
    with newsroom(0, START) as origin, hostile.serving(asked) as host:
        desk = newsdesk(tmp_path_factory.mktemp("browser"), origin)
        config = desk.command.config
        text = re.sub(r"items: \d+", "items: 8", config.read_text())
        config.write_text(text.replace("every: 2s", "every: 1h").replace("min: 1s", "min: 1h"))  # pages stay as they are
        desk.command.run("poll", "--all")
        origin.advance(1_760_090_000.0)
        more = f'sources:\n  - {{id: hostile, url: "{host}/feed"}}\n'
        config.write_text(config.read_text().replace("sources:\n", more, 1))
        desk.command.run("poll", "--all")
        asked.clear()
        with desk.command.daemon(desk.port) as process:
            site = f"http://127.0.0.1:{desk.port}"
            eventually(lambda: get(site + "/topics/all").status == 200, process, desk.directory / "log")
            yield World(site, _pages(site), _hostile_pages(site), asked, origin)


def _first(site: str, path: str, pattern: str) -> str:
    """The first address of a kind that a page links to."""
    found = re.search(pattern, get(site + path, accept="text/html").body.decode())
    assert found is not None, f"{path} has no link like {pattern}"
    return found[1]


def _pages(site: str) -> dict[str, str]:
    story = _first(site, "/search?q=outlets%3E%3D3+nato", r'href="\./(stories/[^"]+)"')
    return {
        "front": "/",
        "topic": "/topics/ukraine",
        "everything": "/topics/all",
        "older": "/topics/all/1",
        "story": "/" + story,
        "podcast": "/" + _first(site, "/search?q=tag:podcast", r'href="\./(stories/[^"]+)"'),
        "outlet": "/outlets/Northwire",
        "tag": "/tags/wire",
        "search": "/search?q=nato",
        "empty search": "/search",
        "mistake": "/search?q=titel:nato",
        "status": "/status?token=demo-admin",
        "404": "/nothing/here",
        "subscribe": "/feeds/ukraine",
    }


def _hostile_pages(site: str) -> tuple[str, ...]:
    """Every page with texts of the hostile outlet."""
    found = get(site + "/search?q=hostile+words").body.decode()
    stories = sorted(set(re.findall(r'href="\./(stories/[^"]+)"', found)))
    assert len(stories) > len(hostile.PAYLOADS) // 2, "the hostile outlet is read"
    listed = re.findall(r'href="\.\.(/(?:outlets|tags)/[^"]+)"', get(f"{site}/{stories[0]}").body.decode())
    fixed = ("/", "/topics/all", "/topics/all/1", "/search?q=hostile+words", "/status?token=demo-admin")
    return (*fixed, f"/search?q={PAYLOAD_OF_SEARCH}", *listed, *(f"/{story}" for story in stories))
