"""A database with stories, private ones and hostile ones among them, and the real command that lets assistants read it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from aggregator.store.sqlite import SqliteStore
from tests.flow.command import Command
from tests.unit.assistants.desk import CONFIG, Desk, fill
from tests.unit.chain.newsroom import HandClock, Newsroom


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return make_desk(tmp_path_factory.mktemp("desk"))


def make_desk(folder: Path) -> Desk:
    store = SqliteStore(folder / "data" / "aggregator.db")
    newsroom = Newsroom(folder, store, HandClock(time.time()))
    newsroom.configure(CONFIG)
    fill(newsroom)
    [private] = [story for story in newsroom.stories() if story.private]
    (folder / "private.json").write_text(json.dumps({"id": private.id}))
    store.close()
    return Desk(folder, Command(folder / "feeds.yaml"))
