"""After a restore, what came since the backup gets the ids that readers know."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aggregator.commands import restore
from aggregator.dedup.lead import PINNED
from aggregator.model import BEING_POLLED, Story
from aggregator.store import backup
from aggregator.store.sqlite import SqliteStore
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.stories.restoring.restore import Restored, restore_backup
from tests.unit.chain.newsroom import HOUR, HandClock, Newsroom, entry

SOURCES = tuple(f"s{number}" for number in range(6))
LISTED = 12
"""Entries that a source's document holds: the older ones leave it."""
CONFIG = (
    "storage: {database: news.db}\npublish: {items: 40, directory: public, private: private}\ntopics:\n"
    "  - {slug: harbour, title: Harbour, query: harbour}\n"
    "  - {slug: market, title: Market, query: market}\n"
    "sources:\n" + "".join(f"  - {{id: {name}, url: 'https://{name}.example/feed'}}\n" for name in SOURCES)
)
WORDS = [
    a + b
    for a in "bel cor dun fal gor hal kel lum mar nor pel quin ros sel tar vor wex yar zin bru cla dre fri gla".split()
    for b in "ado ane eth ick ine old ost una eve ium orf usk".split()
]


@dataclass
class World:
    """Sources that tell the same stories, each a while after the other, some in words of their own. Old entries leave."""

    newsroom: Newsroom
    seed: int = 1
    listed: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in SOURCES})
    told: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.waiting: list[tuple[int, str, dict[str, Any]]] = []
        self.newsroom.configure(CONFIG)
        for name in SOURCES:
            self.newsroom.serves(f"https://{name}.example/feed")

    def goes_on(self, rounds: int, poll: Callable[[World], None] | None = None) -> None:
        """Each round an hour passes, three stories begin, and all sources are polled."""
        for _ in range(rounds):
            self.newsroom.clock.time += HOUR
            for _ in range(3):
                self._begin()
            for _, name, row in [one for one in self.waiting if one[0] <= 0]:
                self.listed[name] = [row, *self.listed[name]][:LISTED]
            self.waiting = [(due - 1, name, row) for due, name, row in self.waiting if due > 0]
            (poll or World.poll)(self)

    def _begin(self) -> None:
        self.told += 1
        theme = self.random.choice(("harbour", "market", "river"))
        words = self.random.sample(WORDS, 12)
        for turn, name in enumerate(self.random.sample(SOURCES, self.random.randint(1, 4))):
            title = f"{words[0]} {words[1]} {theme} {words[2]} {words[3]} {words[4]}".capitalize()
            text = " ".join(words) + f". {theme} " + " ".join(words[::-1]) + "."
            if turn % 2:  # the same, told a little differently
                title, text = title + f" {words[5]}", f"{words[6]} {text}"
            row = entry(
                title,
                at=self.newsroom.clock.time - self.random.randrange(3000) + turn * HOUR,
                url=f"https://{name}.example/{self.told}",
                text=text,
                id=f"{name}-{self.told}",
            )
            self.waiting.append((turn, name, row))

    def poll(self, order: tuple[str, ...] = SOURCES) -> None:
        for name in order:
            self.newsroom.serves(f"https://{name}.example/feed", *self.listed[name])
            self.newsroom.poll(name)

    def ids(self) -> dict[str, set[str]]:
        """The ids of each feed's entries, in all that lies in the published folder."""
        folder = self.newsroom.settings.publish.directory / "feeds"
        return {
            str(file.relative_to(folder)): {item["id"] for item in json.loads(file.read_text())["items"]}
            for file in sorted(folder.rglob("*.json"))
        }

    # --- an operator
    @property
    def database(self) -> Path:
        assert isinstance(self.newsroom.store, SqliteStore)
        return self.newsroom.store.path

    def restores(self) -> int:
        """Stops, restores as the command does, and starts again. Returns how many entries are remembered."""
        return self.restored().remembered

    def restored(self) -> Restored:
        self.newsroom.store.close()
        copy, settings = self.newsroom.folder / "copy.db", self.newsroom.settings
        restored = restore_backup(copy, settings, lambda: self.newsroom.rules, self.newsroom.clock.time)
        self.newsroom.store = SqliteStore(self.database)
        self.newsroom.configure(CONFIG)
        return restored


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world with a backup, `copy.db`, and some hours after it."""
    folder = tmp_path_factory.mktemp("past")
    made = World(Newsroom(folder, SqliteStore(folder / "news.db")))
    made.goes_on(4)
    backup.backup(made.database, folder / "copy.db")
    made.goes_on(9)
    made.newsroom.store.close()
    return made


@pytest.fixture
def world(past: World, tmp_path: Path) -> Iterator[World]:
    """That world, once more."""
    shutil.copytree(past.newsroom.folder, tmp_path, dirs_exist_ok=True)
    made = World(Newsroom(tmp_path, SqliteStore(tmp_path / "news.db"), HandClock(past.newsroom.clock.time)))
    made.listed = past.listed
    yield made
    made.newsroom.store.close()


def new_ids(before: dict[str, set[str]], after: dict[str, set[str]]) -> dict[str, int]:
    """For each feed, how many of its entries readers never saw in it."""
    seen: dict[str, set[str]] = {}
    for name, ids in before.items():
        seen.setdefault(name.partition("/")[0].removesuffix(".json"), set()).update(ids)
    return {
        name: len(ids - seen[name.partition("/")[0].removesuffix(".json")])
        for name, ids in after.items()
        if ids - seen[name.partition("/")[0].removesuffix(".json")]
    }


def nothing(world: World) -> None:
    """Both the old database and the published files are whole."""


def no_files(world: World) -> None:
    shutil.rmtree(world.newsroom.settings.publish.directory)


def no_database(world: World) -> None:
    world.newsroom.store.close()
    for file in world.database.parent.glob("news.db*"):
        file.unlink()


def broken_pages(world: World) -> None:
    """Every fifth page of the old database is overwritten, and so is the middle of each JSON file."""
    world.newsroom.store.close()
    body = bytearray(world.database.read_bytes())
    for page in range(9, len(body) // 4096, 5):
        body[page * 4096 + 8 : page * 4096 + 900] = b"\x5a" * 892
    world.database.write_bytes(body)


def no_database_in_it(world: World) -> None:
    world.newsroom.store.close()
    world.database.write_bytes(b"\x00" * 50_000)


def no_database_and_no_json(world: World) -> None:
    no_database(world)
    for file in world.newsroom.settings.publish.directory.rglob("*.json"):
        file.write_bytes(file.read_bytes()[:-40])


def test_stories_merged_since_the_backup_are_one_again(world: World) -> None:
    stories = sorted(world.newsroom.stories(), key=lambda story: story.first_seen)
    kept, alias = [one for one in stories if one.first_seen == stories[0].first_seen][:2]
    with world.newsroom.store.begin() as transaction:
        transaction.merge_stories(kept.id, alias.id, world.newsroom.clock.time)
    world.restores()
    found = world.newsroom.store.story(kept.id)
    assert found is not None
    assert {item.guid for item in found.items} >= {alias.items[0].guid, *(item.guid for item in kept.items)}
    gone = world.newsroom.store.story(alias.id)
    assert gone is not None and gone.alias_of == kept.id


def decided(world: World) -> StoryEditor:
    return StoryEditor(world.newsroom.store, world.newsroom.settings, world.newsroom.rules)


def told_before(world: World, count: int) -> list[Story]:
    """Stories that the backup has, too."""
    return sorted(world.newsroom.stories(), key=lambda one: (one.first_seen, one.id))[:count]


def address(story: Story) -> str:
    assert story.lead_item.entry.url is not None
    return story.lead_item.entry.url


def test_what_was_taken_down_since_the_backup_stays_down(world: World) -> None:
    old, new = told_before(world, 1)[0], max(world.newsroom.stories(), key=lambda one: one.first_seen)
    decided(world).drop(address(old))
    decided(world).drop(address(new))
    restored = world.restored()
    assert [one.kind for one, _ in restored.decided.holds] == ["drop", "drop"]
    world.newsroom.publisher.publish(None, world.newsroom.clock.now())
    world.poll()
    for story in (old, new):
        assert all(f"urn:uuid:{story.id}" not in ids for name, ids in world.ids().items() if "/" not in name)
        assert story.title not in {one.title for one in world.newsroom.stories()}
    there = world.newsroom.store.story(old.id)
    assert there is not None and there.dropped
    number = next(one.id for one in world.newsroom.store.decisions() if one.traces.stories == (old.id,))
    decided(world).undo(number)
    there = world.newsroom.store.story(old.id)
    assert there is not None and not there.dropped


def test_what_was_being_polled_when_the_backup_was_made_is_due(world: World) -> None:
    now = world.newsroom.clock.time
    with closing(SqliteStore(world.newsroom.folder / "copy.db")) as store, store.begin() as transaction:
        assert transaction.claim(now + 90 * HOUR, 2, now + 100 * HOUR, ())
    world.restored()
    states = world.newsroom.store.states().values()
    assert all(state.reason != BEING_POLLED for state in states)
    assert sum(state.due == now for state in states) == 2


def test_headlines_and_leads_chosen_since_the_backup_are_shown(world: World) -> None:
    titled, pinned = told_before(world, 2)
    decided(world).title(titled.id, "What the harbour says")
    decided(world).pin(address(pinned))
    world.restored()
    after = world.newsroom.store.story(titled.id)
    assert after is not None and after.title == "What the harbour says"
    led = world.newsroom.store.story(pinned.id)
    assert led is not None and (address(led), led.lead_reason) == (address(pinned), PINNED)


def test_what_can_not_be_decided_again_is_told_with_its_command(world: World) -> None:
    several = next(one for one in told_before(world, 9) if len(one.items) > 1)
    decided(world).split(address(several))
    lifted = told_before(world, 9)[-1]
    world.newsroom.store.close()
    with closing(SqliteStore(world.newsroom.folder / "copy.db")) as store:
        before = StoryEditor(store, world.newsroom.settings, world.newsroom.rules)
        before.drop(address(lifted))
        (made,) = store.decisions()
    world.newsroom.store = SqliteStore(world.database)
    with world.newsroom.store.begin() as transaction:
        transaction.end_decision(transaction.add_decision(made.kind, made.at, made.traces), made.at + 1)
    said = "\n".join(restore._decided(world.restored().decided))
    assert f"  aggregator stories split {address(several)}" in said
    assert f"  aggregator stories undo {made.id}    # drop: {lifted.title}" in said


@pytest.mark.parametrize("order", [SOURCES, SOURCES[::-1]], ids=["in order", "in reverse"])
@pytest.mark.parametrize("lost", [nothing, no_files, no_database, broken_pages, no_database_in_it, no_database_and_no_json])
def test_what_came_since_the_backup_keeps_its_ids(world: World, lost: Callable[[World], None], order: tuple[str, ...]) -> None:
    before = world.ids()
    lost(world)
    assert world.restores() > 20
    world.poll(order)
    assert new_ids(before, world.ids()) == {}
