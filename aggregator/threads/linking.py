"""Decides which stories are linked, and which thread a story enters. Pure.

The recipe was found on real days (docs/stories.md has the figures); decision 058 says why a link needs what it needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from aggregator.model import SHOWN_FROM, Instant, StoryId, ThreadId
from aggregator.ports import ThreadState
from aggregator.threads.forms import is_one_form
from aggregator.threads.vectors import THREAD_WORDS, Vector, Words, cosine, heaviest, pack, total, unit, unpack, vector_of

LINKED = 0.24
"""Likeness from which two stories are linked."""
STRONG = 0.33
"""Likeness that a link needs between stories of one outlet, or between two whose titles have a single rare word in common."""
ELSEWHERE = 0.40
"""Likeness that a link needs if the titles name unlike countries, or if one story is of a thread that sleeps."""
NO_NAME = 0.45
"""Likeness that a link needs if no word that the titles share is a name: "solar panels" are a subject."""
NEVER = 2.0
"""More than any likeness: two stories are not linked."""
BY_ONE_LINK = 0.30
"""Likeness of a link that brings a story into a thread alone. Two weaker ones do, too."""
LIKE_THREAD = 0.28
"""Likeness to a thread as a whole that a story needs to enter it, once the thread is shown."""
BROUGHT_ALONG = 0.30
"""The same for an earlier story that was in no thread, and for two threads that become one by a STRONG link."""
COMMON, FEW = 0.02, 15.0
"""A word tells events apart if fewer than this share of the items have it, or, among few items, fewer than so many."""
MOST_STORIES = 400
"""Stories of a thread: what grows beyond is a subject, not an event."""
MEMBERS = 4
"""Items of a story that are read, spread evenly over it: more would say the same."""


class Told:
    """A story as linking reads it.

    items: some of its items; outlets: the key of each one's outlet; newest: when its newest report was published; rare: the
    rarity from which a word tells events apart; form: whether it is one of a series of like texts (results, rates).
    """

    def __init__(
        self, id: StoryId, items: Sequence[Words], outlets: Sequence[str], newest: Instant, rare: float, *, form: bool = False
    ) -> None:
        self.id = id
        self.items = items
        self.outlets = outlets
        self.newest = newest
        self.rare = rare
        self.form = form

    @cached_property
    def vector(self) -> Vector:
        """What it is about."""
        return vector_of(self.items)

    @cached_property
    def rare_words(self) -> frozenset[int]:
        """The words of its titles that tell events apart."""
        rare = self.rare
        return frozenset(
            [word for item in self.items for word, rarity in zip(item.words, item.rarities, strict=False) if rarity >= rare]
        )

    @cached_property
    def title_words(self) -> frozenset[int]:
        """All words of its titles."""
        return frozenset().union(*(item.words[: len(item.rarities)] for item in self.items))

    @cached_property
    def names(self) -> frozenset[int]:
        """The names in its titles, countries among them."""
        return self.places.union(*(item.names for item in self.items))

    @property
    def shows_names(self) -> bool:
        """True if capitals mark the names in one of its titles: not in title case, nor in a script without capitals."""
        return any(item.names or item.nameless for item in self.items)

    @cached_property
    def places(self) -> frozenset[int]:
        """The countries that its titles name."""
        return frozenset().union(*(item.title_places for item in self.items))

    @property
    def language(self) -> int:
        return self.items[0].language

    @property
    def tells_event(self) -> bool:
        """False if it is one of a series, or if its titles name a column."""
        return not self.form and not all(item.generic for item in self.items)


class Comparison(NamedTuple):
    """How alike two stories are, the likeness that a link needs, and what asks for that ("": nothing asks for more than LINKED).

    needed: more than 1 if they can't be linked; likeness is not measured then.
    """

    likeness: float
    needed: float
    reason: str

    @property
    def are_linked(self) -> bool:
        return self.likeness >= self.needed


def compare(story: Told, other: Told, asleep: bool) -> Comparison:
    """Compares two stories. asleep: the other is older than `threads.within`."""
    if not (story.tells_event and other.tells_event):
        return Comparison(0.0, NEVER, "no event")
    if story.language and other.language and story.language != other.language:
        return Comparison(0.0, NEVER, "other language")
    shared = story.rare_words & other.rare_words
    if not shared:
        return Comparison(0.0, NEVER, "no rare word")
    return Comparison(cosine(story.vector, other.vector), *_needed(story, other, shared, asleep))


def _needed(story: Told, other: Told, shared: Collection[int], asleep: bool) -> tuple[float, str]:
    """The likeness that a link needs, and why. shared: rare words of both stories' titles."""
    if (story.shows_names or other.shows_names) and not _share_name(story, other):
        return NO_NAME, "no name"
    if asleep:
        return ELSEWHERE, "asleep"
    if story.places and other.places and story.places.isdisjoint(other.places):
        return ELSEWHERE, "other countries"
    if len(shared) == 1:
        return STRONG, "one rare word"
    return (LINKED, "") if set(story.outlets).isdisjoint(other.outlets) else (STRONG, "one outlet")


def _share_name(story: Told, other: Told) -> bool:
    """True if a word of both stories' titles is a name, as capitals in either tell."""
    shared = story.title_words & other.title_words
    return not (shared.isdisjoint(story.names) and shared.isdisjoint(other.names))


def are_one_form(story: Told, other: Told) -> bool:
    """True if two like stories fill in one form: then they are not linked, and the story follows no event."""
    return any(
        is_one_form(a.order, b.order, same_outlet=outlet == another, other_day=_on_other_days(a, b))
        and (outlet == another or (_is_filled_in(a, b) and _is_filled_in(b, a)))
        for a, outlet in zip(story.items, story.outlets, strict=True)
        for b, another in zip(other.items, other.outlets, strict=True)
    )


def _is_filled_in(title: Words, other: Words) -> bool:
    """True if a word of a title that the other lacks may fill a form: a name, a number, a weekday. Others reword the headline."""
    if not (title.names or title.nameless) or title.days != other.days:
        return True
    own = set(title.order).difference(other.order)
    return not own.isdisjoint(title.names | title.numbers | title.title_places)


def _on_other_days(a: Words, b: Words) -> bool:
    return bool(a.days and b.days) and a.days.isdisjoint(b.days)


class OpenThread:
    """A thread while stories enter it. id: None until it is stored."""

    def __init__(self, state: ThreadState | None = None) -> None:
        self.id: ThreadId | None = state.id if state else None
        self.count = state.stories if state else 0
        self.total: Mapping[int, float] = unpack(state.vector) if state else {}

    @property
    def is_shown(self) -> bool:
        return self.count >= SHOWN_FROM

    @cached_property
    def mean(self) -> Vector:
        """What the thread is about, at length 1."""
        return unit(self.total)

    def admits(self, story: Vector, links: Sequence[float]) -> bool:
        """True if a story with these links into the thread belongs to it."""
        if self.count >= MOST_STORIES or not (max(links) >= BY_ONE_LINK or len(links) > 1):
            return False
        return not self.is_shown or cosine(story, self.mean) >= LIKE_THREAD

    def brings_along(self, story: Vector, link: float) -> bool:
        """True if an earlier story in no thread belongs to this one, since a story that has entered it links to that."""
        if self.count >= MOST_STORIES:
            return False
        return cosine(story, self.mean) >= BROUGHT_ALONG if self.is_shown else link >= BY_ONE_LINK

    def is_one_with(self, other: OpenThread, link: float) -> bool:
        """True if two threads are about the same, of which a story of one has this link into the other."""
        return link >= STRONG and self.count + other.count <= MOST_STORIES and cosine(self.mean, other.mean) >= BROUGHT_ALONG

    def add(self, vectors: Sequence[Vector], count: int) -> bytes:
        """Adds what `count` stories say. Returns what the database stores."""
        self.total = heaviest(total([self.total, *vectors]), THREAD_WORDS)
        self.count += count
        self.__dict__.pop("mean", None)
        return pack(self.total)
