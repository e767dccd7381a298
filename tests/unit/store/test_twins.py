"""Whatever is done to them, the store on disk and the one in memory tell the same."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import Evidence, ItemId, Slug, SourceId, StoryId, Tag, TagKind
from aggregator.ports import ArchivePage, Store, StoryFilter
from aggregator.store.memory import MemoryStore
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import entry, item, source

SOURCES = ("alpha", "beta")
SLUGS = ("all", "sea")
WORDS = ("storm", "harbour", "election", "ferry")
numbers = st.integers(0, 30)
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)


@lru_cache
def empty_database() -> bytes:
    """Made once: making tables takes longer than a whole example."""
    with tempfile.TemporaryDirectory() as folder:
        SqliteStore(Path(folder) / "empty.db").close()
        return (Path(folder) / "empty.db").read_bytes()


class Twins(RuleBasedStateMachine):
    """Each rule does one thing to both; a number chooses among the items or stories there are."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "news.db"
        path.write_bytes(empty_database())
        self.stores: tuple[Store, Store] = (SqliteStore(path), MemoryStore())
        self.items: list[ItemId] = []
        self.stories: list[StoryId] = []
        self.now = 1000.0

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    @initialize()
    def configure(self) -> None:
        for store in self.stores:
            store.sync_sources([source(name) for name in SOURCES], 0.0)

    def story(self, number: int) -> StoryId | None:
        return self.stories[number % len(self.stories)] if self.stories else None

    @rule(guid=numbers, of=st.sampled_from(SOURCES), title=words, join=st.booleans(), number=numbers, step=st.integers(0, 2))
    def add(self, guid: int, of: str, title: str, join: bool, number: int, step: int) -> None:
        self.now += step
        story = self.story(number) if join else None
        one = item(f"g{guid}", at=self.now, source=of, entry=entry(f"g{guid}", title=title), language=title[:2], group=of)
        answers = []
        for store in self.stores:
            try:
                with store.begin() as transaction:
                    stored, placed = transaction.add_item(one, story, Evidence("test"))
                    seen = transaction.story(placed)
                answers.append((stored, placed, seen))
            except StoreError:
                answers.append(None)
        assert answers[0] == answers[1]
        if answers[0] is not None:
            self.items.append(answers[0][0].id)
            self.stories.append(answers[0][1])

    @rule(number=numbers, title=words)
    def update(self, number: int, title: str) -> None:
        if self.items:
            id = self.items[number % len(self.items)]
            for store in self.stores:
                with store.begin() as transaction:
                    transaction.update_item(replace(item("ignored", entry=entry("g", title=title)), id=id))

    @rule(number=numbers, guid=numbers)
    def rekey(self, number: int, guid: int) -> None:
        if self.items:
            for store in self.stores:
                with store.begin() as transaction:
                    transaction.rekey_item(self.items[number % len(self.items)], f"g{guid}")

    @rule(first=numbers, second=numbers)
    def merge(self, first: int, second: int) -> None:
        if self.stories:
            for store in self.stores:
                with store.begin() as transaction:
                    transaction.merge_stories(self.story(first), self.story(second), self.now)  # type: ignore[arg-type]

    @rule(number=numbers, into=st.none() | numbers)
    def move(self, number: int, into: int | None) -> None:
        if self.items:
            answers = []
            for store in self.stores:
                with store.begin() as transaction:
                    to = None if into is None else self.story(into)
                    answers.append(transaction.move_item(self.items[number % len(self.items)], to, Evidence("moved"), self.now))
            assert answers[0] == answers[1]
            self.stories.append(answers[0])

    @rule(number=numbers, tag=st.sampled_from(WORDS), dropped=st.booleans())
    def save(self, number: int, tag: str, dropped: bool) -> None:
        if self.stories:
            for store in self.stores:
                with store.begin() as transaction:
                    story = transaction.story(self.story(number))  # type: ignore[arg-type]
                    assert story is not None
                    tags = (Tag(TagKind.TAG, tag, "rule"),)
                    transaction.save_story(replace(story, tags=tags, topics=(Slug(tag),), dropped=dropped, updated=self.now))

    @rule(chosen=st.lists(numbers, max_size=4), slug=st.sampled_from(SLUGS), leaving=st.lists(numbers, max_size=2))
    def place(self, chosen: list[int], slug: str, leaving: list[int]) -> None:
        if self.stories:
            for store in self.stores:
                with store.begin() as transaction:
                    alive = [id for number in chosen if (id := store.story_of(self.story(number))) is not None]  # type: ignore[arg-type]
                    transaction.enter(Slug(slug), alive, self.now)
                    transaction.leave(Slug(slug), [self.story(number) for number in leaving])  # type: ignore[misc]
                    transaction.mark_published(alive[:1])

    @rule(slug=st.sampled_from(SLUGS))
    def clear(self, slug: str) -> None:
        for store in self.stores:
            with store.begin() as transaction:
                transaction.clear(Slug(slug))

    @rule(slug=st.sampled_from(SLUGS), page=st.integers(1, 2), count=st.integers(1, 3))
    def close(self, slug: str, page: int, count: int) -> None:
        for store in self.stores:
            stories = tuple(shown.story for shown in store.shown(Slug(slug))[-count:])
            with store.begin() as transaction:
                transaction.save_page(ArchivePage(Slug(slug), page, self.now, self.now, stories, b"body"))

    @rule(of=st.sampled_from(SOURCES), chosen=st.lists(numbers, max_size=3))
    def touch(self, of: str, chosen: list[int]) -> None:
        for store in self.stores:
            with store.begin() as transaction:
                marks = sorted(store.fingerprints(SourceId(of)))[:2]
                ids = [self.items[number % len(self.items)] for number in chosen] if self.items else []
                transaction.touch_items(SourceId(of), marks, ids, self.now)

    @rule(word=st.sampled_from(WORDS))
    def fail(self, word: str) -> None:
        for store in self.stores:
            try:
                with store.begin() as transaction:
                    for id in self.stories[:2]:
                        transaction.add_item(item(f"lost {word}", at=self.now), id, Evidence("lost"))
                        transaction.leave(Slug("all"), [id])
                    raise InterruptedError
            except (InterruptedError, StoreError):
                pass

    @invariant()
    def the_same(self) -> None:
        disk, memory = (self.told(store) for store in self.stores)
        assert disk == memory

    def told(self, store: Store) -> dict[str, object]:
        slugs = [Slug(slug) for slug in SLUGS]
        with store.begin() as transaction:
            published = transaction.published_stories(self.stories)
        return {
            "stories": store.stories(dict.fromkeys(self.stories)),
            "find": [story.id for story in store.find(StoryFilter())],
            "aliases": [store.story_of(story) for story in self.stories],
            "words": [[story.id for story in store.find(StoryFilter(fts=f"title : {word}"))] for word in WORDS],
            "tags": [[story.id for story in store.find(StoryFilter(tags=frozenset({word})))] for word in WORDS],
            "topics": [[story.id for story in store.find(StoryFilter(topic=name))] for name in (*WORDS, *SLUGS)],
            "groups": [story.id for story in store.find(StoryFilter(groups=frozenset({"alpha"}), since=self.now - 2), 3)],
            "languages": [story.id for story in store.find(StoryFilter(language="st", until=self.now))],
            "evidence": [store.evidence(story) for story in self.stories],
            "known": [store.known(SourceId(of), {f"g{n}" for n in range(0, 30, 2)}, {"alpha.example/g1"}) for of in SOURCES],
            "documents": [store.fingerprints(SourceId(of)) for of in SOURCES],
            "members": [(store.members(slug), store.shown(slug), store.shown(slug, 2), store.pages(slug)) for slug in slugs],
            "members of": [store.members_of(story) for story in self.stories],
            "published": published,
            "counts": {**store.counts(), "bytes": 0},
        }


TestTwins = Twins.TestCase
TestTwins.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
