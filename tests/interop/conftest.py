"""A small site, served on loopback for readers that are programs of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model import Slug, StoryId
from aggregator.publish.publisher import Publisher
from aggregator.serve.app import make_app
from aggregator.serve.server import listen, serve
from aggregator.settings import Site
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import DAILY, MINUTE, NOON, change_story, item, open_outputs, podcast, store_story

PICTURE = "https://cdn.example/i.jpg"
"""Of the second story, whose text shows none."""


@dataclass
class Served:
    """url: of the site; stories: those in `all`, the newest last."""

    url: str
    publisher: Publisher
    store: SqliteStore
    stories: list[StoryId]

    def edit(self, title: str) -> None:
        """An outlet rewrites the headline of the newest story."""
        change_story(self.store, self.stories[-1], title, NOON + 3600)
        self.publisher.publish([Slug("all")], NOON + 3600)

    def add(self) -> None:
        number = len(self.stories) + 1
        self.stories.append(store_story(self.store, item(number)))
        self.publisher.publish([Slug("all")], NOON + number * MINUTE)


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    """A site. Its parameter, if there is one, is `publish.ids`."""
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = samples.settings(tmp_path / "site", site=Site(title="Test news", url=url))
    settings = replace(settings, publish=replace(settings.publish, ids=getattr(request, "param", "global")))
    store = SqliteStore(tmp_path / "db")
    open_outputs(store, settings)
    stories = [
        store_story(store, podcast(n) if n == 2 else item(n), item(n + 100, DAILY), slugs=("all", "ukraine")) for n in range(1, 6)
    ]
    publisher = Publisher(settings, store)
    publisher.publish(None, NOON)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    app = make_app(publisher.shelf, ready=lambda: (True, {}))
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(app, listener, stop, 512),))
    thread.start()
    try:
        yield Served(url, publisher, store, stories)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
        store.close()
