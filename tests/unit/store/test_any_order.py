"""Whatever is done to a store, in any order: it tells one tale, the same when opened anew, and each store tells the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import Evidence, Item, ItemId, Slug, SourceId, Story, StoryId, Tag, TagKind
from aggregator.ports import ArchivePage, Phrase, Store, StoryFilter, Transaction
from aggregator.text.words import tokens
from tests.stores import STORES
from tests.unit.store.builders import entry, item, source

R = TypeVar("R")

SOURCES = ("alpha", "beta")
SLUGS = (Slug("all"), Slug("sea"))
WORDS = ("storm", "harbour", "election", "ferry")
numbers = st.integers(0, 30)
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)


@lru_cache
def empty_database(name: str) -> dict[str, bytes]:
    """The files of a store with nothing in it. Made once: making tables takes longer than a whole example."""
    with tempfile.TemporaryDirectory() as folder:
        STORES[name](Path(folder)).close()
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


def has_word(word: str, story: Story) -> bool:
    return any(word in tokens(item.entry.title) for item in story.items)


def has_tag(word: str, story: Story) -> bool:
    return word in {tag.value for tag in story.tags}


class AnyOrder(RuleBasedStateMachine):
    """Each rule does one thing to each store; a number chooses among the items or stories there are."""

    names: Collection[str] = ("sqlite",)

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.stores = {name: self.begun(name) for name in self.names}
        self.items: list[ItemId] = []
        self.stories: list[StoryId] = []
        self.published: set[StoryId] = set()
        self.now = 1000.0

    def begun(self, name: str) -> Store:
        folder = Path(self.folder.name) / name
        folder.mkdir()
        for file, content in empty_database(name).items():
            (folder / file).write_bytes(content)
        return STORES[name](folder)

    def teardown(self) -> None:
        for store in self.stores.values():
            store.close()
        self.folder.cleanup()

    def each(self, do: Callable[[Store, Transaction], R]) -> R:
        """Does it to each store in a transaction; all must answer the same."""
        answers = []
        for store in self.stores.values():
            with store.begin() as transaction:
                answers.append(do(store, transaction))
        assert all(answer == answers[0] for answer in answers)
        return answers[0]

    @initialize()
    def configure(self) -> None:
        for store in self.stores.values():
            store.sync_sources([source(name) for name in SOURCES], 0.0)
        for number, word in enumerate(WORDS):
            self.add(100 + number, SOURCES[number % 2], word, number == 3, 0, 1)
        for slug in SLUGS:
            self.place([0, 1], slug, [])

    def story(self, number: int) -> StoryId:
        return self.stories[number % len(self.stories)]

    @rule(guid=numbers, of=st.sampled_from(SOURCES), title=words, join=st.booleans(), number=numbers, step=st.integers(0, 2))
    def add(self, guid: int, of: str, title: str, join: bool, number: int, step: int) -> None:
        self.now += step
        story = self.story(number) if join and self.stories else None
        one = item(f"g{guid}", at=self.now, source=of, entry=entry(f"g{guid}", title=title), language=title[:2], group=of)
        held = any(other.guid == one.guid and other.source == one.source for other in self.held())
        before = self.listed(of)

        def do(_: Store, transaction: Transaction) -> tuple[Item, StoryId]:
            stored, placed = transaction.add_item(one, story, Evidence("test"))
            seen = transaction.story(transaction.alive([placed])[placed])  # `placed` may be an alias
            assert seen is not None
            assert stored in seen.items
            return stored, placed

        try:
            stored, placed = self.each(do)
        except StoreError:
            assert held
        else:
            assert not held
            assert stored == replace(one, id=stored.id)
            assert self.listed(of) == before | {one.entry.fingerprint}
            self.items.append(stored.id)
            self.stories.append(placed)

    @property
    def any(self) -> Store:
        return next(iter(self.stores.values()))

    def held(self) -> list[Item]:
        return [item for story in self.any.stories(dict.fromkeys(self.stories)) for item in story.items]

    def listed(self, of: str) -> frozenset[bytes]:
        return self.any.fingerprints(SourceId(of))

    @rule(number=numbers, title=words)
    def update(self, number: int, title: str) -> None:
        if self.items:
            id = self.items[number % len(self.items)]
            changed = replace(item("ignored", entry=entry("g", title=title)), id=id)
            story = self.each(lambda _, transaction: transaction.update_item(changed))
            found = next(one for one in self.held() if one.id == id)
            assert (found.entry.title, found.guid == "ignored") == (title, False)
            assert story in self.stories

    @rule(number=numbers, guid=numbers)
    def rekey(self, number: int, guid: int) -> None:
        if self.items:
            id = self.items[number % len(self.items)]
            self.each(lambda _, transaction: transaction.rekey_item(id, f"g{guid}"))
            assert len({(one.source, one.guid) for one in self.held()}) == len(self.items)

    @rule(first=numbers, second=numbers)
    def merge(self, first: int, second: int) -> None:
        if self.stories:
            kept, alias = self.story(first), self.story(second)
            self.each(lambda _, transaction: transaction.merge_stories(kept, alias, self.now))
            for store in self.stores.values():
                assert store.story_of(kept) == store.story_of(alias)

    @rule(number=numbers, into=st.none() | numbers)
    def move(self, number: int, into: int | None) -> None:
        if self.items:
            id, to = self.items[number % len(self.items)], None if into is None else self.story(into)
            target = self.each(lambda _, transaction: transaction.move_item(id, to, Evidence("moved"), self.now))
            self.stories.append(target)
            for store in self.stores.values():
                assert store.evidence(target)[id] == (self.now, Evidence("moved"))

    @rule(number=numbers, tag=st.sampled_from(WORDS), dropped=st.booleans())
    def save(self, number: int, tag: str, dropped: bool) -> None:
        def do(_: Store, transaction: Transaction) -> None:
            story = transaction.story(self.story(number))
            assert story is not None
            tags = (Tag(TagKind.TAG, tag, "rule"),)
            changed = replace(story, tags=tags, topics=(Slug(tag),), dropped=dropped, updated=self.now)
            transaction.save_story(changed)
            assert transaction.story(story.id) == changed

        if self.stories:
            self.each(do)

    @rule(chosen=st.lists(numbers, max_size=4), slug=st.sampled_from(SLUGS), leaving=st.lists(numbers, max_size=2))
    def place(self, chosen: list[int], slug: Slug, leaving: list[int]) -> None:
        def do(store: Store, transaction: Transaction) -> list[StoryId]:
            alive = [id for number in chosen if (id := store.story_of(self.story(number))) is not None]
            transaction.enter(slug, alive, self.now)
            transaction.leave(slug, [self.story(number) for number in leaving])
            transaction.mark_published(alive[:1])
            return alive

        if self.stories:
            self.published.update(self.each(do)[:1])

    @rule(slug=st.sampled_from(SLUGS))
    def clear(self, slug: Slug) -> None:
        self.each(lambda _, transaction: transaction.clear(slug))
        for store in self.stores.values():
            assert store.shown(slug) == []

    @rule(slug=st.sampled_from(SLUGS), page=st.integers(1, 2), count=st.integers(1, 3))
    def close(self, slug: Slug, page: int, count: int) -> None:
        def do(store: Store, transaction: Transaction) -> tuple[StoryId, ...]:
            stories = tuple(shown.story for shown in store.shown(slug)[-count:])
            transaction.save_page(ArchivePage(slug, page, self.now, self.now, stories, b"body"))
            return stories

        closed = self.each(do)
        for store in self.stores.values():
            assert not {shown.story for shown in store.shown(slug)}.intersection(closed)

    @rule(of=st.sampled_from(SOURCES), chosen=st.lists(numbers, max_size=3))
    def touch(self, of: str, chosen: list[int]) -> None:
        marks, own = sorted(self.listed(of))[:2], [item for item in self.held() if item.source == of]
        named = [own[number % len(own)] for number in chosen] if own else []
        ids = [item.id for item in named]
        self.each(lambda _, transaction: transaction.touch_items(SourceId(of), marks, ids, self.now))
        assert self.listed(of) == {*marks, *(item.entry.fingerprint for item in named)}

    @rule(word=st.sampled_from(WORDS))
    def fail(self, word: str) -> None:
        """What fails in the middle leaves nothing."""
        before = self.told(self.any)
        for store in self.stores.values():
            try:
                with store.begin() as transaction:
                    for id in self.stories[:2]:
                        transaction.add_item(item(f"lost {word}", at=self.now), id, Evidence("lost"))
                        transaction.leave(Slug("all"), [id])
                    raise InterruptedError
            except (InterruptedError, StoreError):
                pass
            assert self.told(store) == before

    @rule()
    def open_anew(self) -> None:
        for name, store in self.stores.items():
            before = self.told(store)
            store.close()
            self.stores[name] = STORES[name](Path(self.folder.name) / name)
            assert self.told(self.stores[name]) == before

    @invariant()
    def each_store_tells_one_tale(self) -> None:
        first, *others = self.stores.values()
        told = self.told(first)
        for other in others:
            assert self.told(other) == told
        stories = first.stories(dict.fromkeys(self.stories))
        assert sorted(item.id for story in stories for item in story.items) == sorted(self.items)
        self.aliases_lead_on(first, stories)
        self.what_is_found_is_what_matches(first, stories)
        self.members_are_told_alike_from_both_sides(first, stories)

    def aliases_lead_on(self, store: Store, stories: Sequence[Story]) -> None:
        for story in stories:
            if story.alias_of is None:
                assert store.story_of(story.id) == story.id
            else:
                kept = store.story(story.alias_of)
                assert kept is not None
                assert (story.items, kept.alias_of, store.story_of(story.id)) == ((), None, kept.id)
                assert not store.members_of([story.id])[story.id]

    def what_is_found_is_what_matches(self, store: Store, stories: Sequence[Story]) -> None:
        found = [story for story in stories if story.items and story.alias_of is None and not story.dropped]
        found.sort(key=lambda story: (-story.published, story.id))

        def agrees(where: StoryFilter, matches: Callable[[Story], bool]) -> None:
            assert list(store.find(where)) == [story for story in found if matches(story)]

        def within(slug: Slug, story: Story) -> bool:
            return slug in store.members_of([story.id])[story.id] or slug in story.topics

        agrees(StoryFilter(), lambda story: True)
        for word in WORDS:
            agrees(StoryFilter(Phrase((word,), ("title",))), partial(has_word, word))
            agrees(StoryFilter(tags=frozenset({word})), partial(has_tag, word))
        for slug in (*map(Slug, WORDS), *SLUGS):
            agrees(StoryFilter(topic=slug), partial(within, slug))
        agrees(StoryFilter(groups=frozenset({"alpha"})), lambda story: any(o.group == "alpha" for o in story.items))
        agrees(StoryFilter(sources=frozenset({"beta"})), lambda story: any(o.source == "beta" for o in story.items))
        agrees(StoryFilter(language="st"), lambda story: any(o.language == "st" for o in story.items))
        since = self.now - 2
        agrees(StoryFilter(since=since), lambda story: any(o.first_seen >= since for o in story.items))
        assert list(store.find(StoryFilter(), 3)) == found[:3]

    def members_are_told_alike_from_both_sides(self, store: Store, stories: Sequence[Story]) -> None:
        inside = store.members_of([story.id for story in stories])
        for slug in SLUGS:
            members = store.members(slug)
            seqs = [member.seq for member in members]
            assert seqs == sorted(set(seqs), reverse=True)
            assert {member.story for member in members} == {story for story, slugs in inside.items() if slug in slugs}
            shown = store.shown(slug)
            assert {one.story for one in shown} <= {member.story for member in members}
            newest = sorted(shown, key=lambda one: (one.published, one.story), reverse=True)[:2]
            assert store.shown(slug, 2) == sorted(newest, key=lambda one: -one.seq)
        with store.begin() as transaction:
            assert transaction.published_stories(self.stories) == self.published

    def told(self, store: Store) -> dict[str, object]:
        with store.begin() as transaction:
            published = transaction.published_stories(self.stories)
        return {
            "stories": store.stories(dict.fromkeys(self.stories)),
            "aliases": [store.story_of(story) for story in self.stories],
            "found": [story.id for story in store.find(StoryFilter(language="st", until=self.now))],
            "evidence": [store.evidence(story) for story in self.stories],
            "known": [store.known(SourceId(of), {f"g{n}" for n in range(0, 30, 2)}, {"alpha.example/g1"}) for of in SOURCES],
            "documents": [store.fingerprints(SourceId(of)) for of in SOURCES],
            "members": [(store.members(slug), store.shown(slug), store.pages(slug)) for slug in SLUGS],
            "members of": store.members_of(self.stories),
            "published": published,
            "counts": {**store.counts(), "bytes": 0},
        }


class AnyOrderOfEach(AnyOrder):
    """On all stores side by side: they tell the same tale."""

    names = STORES


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
TestAnyOrderOfEach = AnyOrderOfEach.TestCase
TestAnyOrderOfEach.settings = settings(TestAnyOrder.settings, max_examples=3)
