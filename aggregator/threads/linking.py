"""Decides which stories are linked, and which thread a story enters. Pure.

The recipe was found on real days (docs/stories.md has the figures); decision 058 says why a link needs what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from aggregator.model import SHOWN_FROM, Instant, StoryId, ThreadId
from aggregator.ports import ThreadState
from aggregator.threads.forms import is_one_form
from aggregator.threads.vectors import THREAD_WORDS, Vector, Words, cosine, heaviest, pack, total, unit, unpack, vector_of

LINKED = 0.27
"""Likeness from which two stories are linked."""
STRONG = 0.33
"""Likeness that one link needs to bring a story into a thread alone, to hold between stories of one outlet, or between two whose
titles have a single rare word in common."""
ELSEWHERE = 0.40
"""Likeness that two stories need whose titles name unlike countries, or of which one is from a thread that sleeps."""
LIKE_THREAD = 0.25
"""Likeness to a thread as a whole that a story needs to enter it, once the thread is shown."""
BROUGHT_ALONG = 0.30
"""The same for an earlier story that was in no thread, and for two threads that become one."""
RARE = 31
"""Rarity, in eighths of its natural logarithm, of a word that is in 2 % of the items: rarer ones tell events apart."""
RARE_AMONG_FEW = 0.7
"""Share of the title's rarest word's rarity from which a word counts as rare, too: among few items none reaches RARE."""
MOST_STORIES = 400
"""Stories of a thread: what grows beyond is a subject, not an event."""
MEMBERS = 4
"""Items of a story that are read, spread evenly over it: more would say the same."""


class Told:
    """A story as linking reads it.

    items: some of its items; outlets: the key of each one's outlet; newest: when its newest report was published; form: whether
    it is one of a series of like texts (results, rates).
    """

    def __init__(
        self, id: StoryId, items: Sequence[Words], outlets: Sequence[str], newest: Instant, *, form: bool = False
    ) -> None:
        self.id = id
        self.items = items
        self.outlets = outlets
        self.newest = newest
        self.form = form

    @cached_property
    def vector(self) -> Vector:
        """What it is about."""
        return vector_of(self.items)

    @cached_property
    def rare_words(self) -> frozenset[int]:
        """The words of its titles that tell events apart."""
        found: set[int] = set()
        for item in self.items:
            least = min(RARE, RARE_AMONG_FEW * max(item.rarities, default=0))
            found.update([word for word, rarity in zip(item.words, item.rarities, strict=False) if rarity >= least])
        return frozenset(found)

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


def likeness(story: Told, other: Told, asleep: bool) -> float | None:
    """How alike two stories are, if that is enough for a link, else None. asleep: the other is older than `threads.within`."""
    if not other.tells_event or (story.language and other.language and story.language != other.language):
        return None
    shared = len(story.rare_words & other.rare_words)
    if not shared:
        return None
    own = not set(story.outlets).isdisjoint(other.outlets)
    found = cosine(story.vector, other.vector)
    elsewhere = bool(story.places and other.places) and story.places.isdisjoint(other.places)
    needed = ELSEWHERE if asleep or elsewhere else STRONG if shared == 1 or own else LINKED
    return found if found >= needed else None


def are_one_form(story: Told, other: Told) -> bool:
    """True if two like stories fill in one form: then they are not linked, and the story follows no event."""
    return any(
        is_one_form(a.order, b.order, same_outlet=outlet == another)
        for a, outlet in zip(story.items, story.outlets, strict=True)
        for b, another in zip(other.items, other.outlets, strict=True)
    )


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
        if self.count >= MOST_STORIES or not (max(links) >= STRONG or len(links) > 1):
            return False
        return not self.is_shown or cosine(story, self.mean) >= LIKE_THREAD

    def brings_along(self, story: Vector, link: float) -> bool:
        """True if an earlier story in no thread belongs to this one, since a story that has entered it links to that."""
        if self.count >= MOST_STORIES:
            return False
        return cosine(story, self.mean) >= BROUGHT_ALONG if self.is_shown else link >= STRONG

    def is_one_with(self, other: OpenThread) -> bool:
        """True if two threads that a story links are about the same."""
        return self.count + other.count <= MOST_STORIES and cosine(self.mean, other.mean) >= BROUGHT_ALONG

    def add(self, vectors: Sequence[Vector], count: int) -> bytes:
        """Adds what `count` stories say. Returns what the database stores."""
        self.total = heaviest(total([self.total, *vectors]), THREAD_WORDS)
        self.count += count
        self.__dict__.pop("mean", None)
        return pack(self.total)
