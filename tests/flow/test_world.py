"""Fifty feeds of a synthetic internet: everything is taken, nothing is asked twice, what has changed moves and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flow.command import Command, get
from tests.flow.subscriber import snapshot

FEEDS = 50
pytestmark = pytest.mark.shared


@dataclass(frozen=True, slots=True)
class World:
    """The synthetic internet at an address, and the command that polls it."""

    url: str
    command: Command

    def ask(self, path: str) -> Any:
        return json.loads(get(self.url + path).body)

    @property
    def public(self) -> Path:
        return self.command.config.parent / "data" / "public"

    def items(self) -> dict[str, list[tuple[str, str]]]:
        """(guid, title) of what is stored, by source."""
        found: dict[str, list[tuple[str, str]]] = {}
        for story in self.command.rows("stories"):
            for item in story["items"]:
                found.setdefault(item["source"], []).append((item["guid"], item["title"]))
        return {source: sorted(rows) for source, rows in found.items()}


@pytest.fixture(scope="module")
def world(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world after a first poll."""
    line = [sys.executable, str(shared / "lab" / "world.py"), "--port", "0", "--feeds", str(FEEDS), "--seed", "7"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1].rstrip("/")
        config = tmp_path_factory.mktemp("world") / "feeds.yaml"
        config.write_bytes(get(url + "/feeds.yaml").body)
        world = World(url, Command(config))
        world.command.run("poll", "--all")
        yield world
    finally:
        process.terminate()
        process.wait(10)


def test_each_entry_of_each_feed_is_taken(world: World) -> None:
    listed = Counter(entry["source"] for entry in world.ask("/truth")["entries"])
    stored = {source: len(rows) for source, rows in world.items().items()}
    assert stored == dict(listed)


def test_what_has_not_changed_is_not_sent_nor_published_again(world: World) -> None:
    before = snapshot(world.public)
    get(world.url + "/reset?what=log")
    world.command.run("poll", "--all")
    answers = {path: row for path, row in world.ask("/log/summary").items() if path.startswith("/news/")}
    assert len(answers) == FEEDS
    without_validators = {f"/news/{number}.{ending}" for number in range(10, FEEDS + 1, 10) for ending in ("xml", "json")}
    assert {path for path, row in answers.items() if row["n304"] != row["n"]} == without_validators & set(answers)
    assert snapshot(world.public) == before


def test_exactly_what_has_changed_moves(world: World) -> None:
    before = world.items()
    tick = world.ask("/tick?n=10&edits=3")
    world.command.run("poll", "--all")
    after = world.items()
    assert {source for source in after if after[source] != before[source]} == {f"news-{number}" for number in tick["feeds"]}
    new = Counter(f"news-{entry['feed']}" for entry in tick["new"])
    assert {source: len(after[source]) - len(before[source]) for source in new} == dict(new)
