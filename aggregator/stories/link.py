"""Links stories that have grown, and puts them into threads. Inside the transaction of the poll that brought their items."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from aggregator.dedup.engine import knows_private
from aggregator.dedup.search import spread
from aggregator.model import Instant, ItemId, Link, StoryId, ThreadId
from aggregator.ports import GroupedItems, IndexedItem, ThreadWrites, Transaction
from aggregator.settings import DAY
from aggregator.stories.decisions.kept_out import KeptOut, leave_forbidden, read_kept_out
from aggregator.threads.linking import COMMON, FEW, MEMBERS, Comparison, OpenThread, Told, are_one_form, compare
from aggregator.threads.vectors import THREAD_WORDS, Words, heaviest, pack, total, vector_of

AROUND = 14 * DAY
"""How far back linking looks, in seconds: as far as the index remembers items. What is older than `threads.within` needs more."""
Found = tuple[Told, float]
"""A linked story, and how alike it is."""


class Linker(Struct, frozen=True):
    """words_of: reads an indexed item's words; rarity: of a word that is in so many of the items; within: seconds, as in
    `settings.Threads`."""

    words_of: Callable[[IndexedItem], Words]
    rarity: Callable[[float, float], float]
    within: float

    def link(
        self,
        transaction: Transaction,
        stories: Collection[StoryId],
        around: Mapping[StoryId, Sequence[ItemId]],
        now: Instant,
    ) -> frozenset[StoryId]:
        """Links stories of a poll, and sums their threads up. Returns the stories of all threads that have changed.

        around: story → items that share its newest item's rarest words. A story is compared when it has 1, 2, 4, 8 … items, so
        that it is judged anew while it grows. What a person keeps out of threads stays out.
        """
        changed: set[ThreadId] = set()
        kept_out = read_kept_out(transaction)
        for story in stories:
            if not (items := around.get(story)) or story in kept_out.alone:
                continue
            if (
                len(transaction.index.members(story)).bit_count() == 1
                and (told := self.told(transaction.index, story)).tells_event
            ):
                linked = self._linked(transaction.index, told, items)
                found = _as_private(transaction, story, [one for one in linked if one[0].id not in kept_out.alone])
                changed |= _enter(transaction, told, found, kept_out, now) if found else set()
        changed |= leave_forbidden(transaction, stories, kept_out) if kept_out else set()
        changed.update(transaction.threads_of(stories).values())
        return transaction.sum_up_threads(changed)

    def told(self, index: GroupedItems, story: StoryId) -> Told:
        """A story that the index has, as linking reads it."""
        rows = list(index.items(spread(index.members(story), MEMBERS)).values())
        items = index.total / index.unit
        return Told(
            story,
            [self.words_of(row) for row in rows],
            [row.outlet for row in rows],
            max(row.at for row in rows),
            self.rarity(max(COMMON * items, FEW), items),
            form=any(row.form for row in rows),
        )

    def compare(self, story: Told, other: Told) -> Comparison:
        """Whether two stories are alike enough for a link, and why."""
        return compare(story, other, abs(story.newest - other.newest) > self.within)

    def _linked(self, index: GroupedItems, story: Told, items: Sequence[ItemId]) -> list[Found]:
        """The stories of these items that are linked with this one, the most alike first. None if it is one of a series."""
        near = (row for row in index.items(items).values() if row.story != story.id)
        others = dict.fromkeys(row.story for row in near if self._may_be_linked(story, row))
        found: list[Found] = []
        for told in (self.told(index, other) for other in others):
            compared = self.compare(story, told)
            if not compared.are_linked:
                continue
            if are_one_form(story, told):
                return []
            found.append((told, compared.likeness))
        return sorted(found, key=lambda one: (-one[1], one[0].id))

    def _may_be_linked(self, story: Told, row: IndexedItem) -> bool:
        """False if an item's title has none of the story's rare words. Spares reading its story, as nearly always."""
        item = self.words_of(row)
        return not story.rare_words.isdisjoint(item.words[: len(item.rarities)])


def _as_private(transaction: Transaction, story: StoryId, found: Sequence[Found]) -> Sequence[Found]:
    """The linked stories that are as private as this one.

    The index separates private words by hashes of 32 bits. Somebody who makes up words with colliding hashes must not learn from
    a thread that a private source tells of an event (as in join.py).
    """
    if not found or not knows_private(transaction.index):
        return found
    fates = transaction.fates([story, *(told.id for told, _ in found)])
    return [one for one in found if fates[one[0].id].private == fates[story].private]


def _enter(transaction: ThreadWrites, story: Told, found: Sequence[Found], kept_out: KeptOut, now: Instant) -> set[ThreadId]:
    """Puts a story into the thread that its links lead to. Returns the threads that have changed."""
    homes = transaction.threads_of([story.id, *(told.id for told, _ in found)])
    states = transaction.thread_states(set(homes.values()))
    open_threads = {id: OpenThread(state) for id, state in states.items()}
    own = open_threads[homes[story.id]] if story.id in homes else None
    changed: set[ThreadId] = set()
    linked: list[Found] = []
    for home, links in _by_home(found, homes):
        other = None if home is None else open_threads[home]
        if kept_out.out and _is_forbidden(transaction, kept_out, [story.id, links[0][0].id], own, other):
            continue
        own, entered = _follow(transaction, story, own, other, links)
        if entered and own is not None and own.id is not None:
            linked += links
            changed |= {own.id, *(() if home is None else (home,))}
    transaction.save_links(Link(story.id, told.id, round(alike, 3), now) for told, alike in linked)
    return changed


def _is_forbidden(
    transaction: ThreadWrites, kept_out: KeptOut, stories: Collection[StoryId], *threads: OpenThread | None
) -> bool:
    """True if a person said of stories that would come into one thread that they don't belong together."""
    ids = {one.id for one in threads if one is not None and one.id is not None}
    return kept_out.parts(stories, ids, transaction.threads_of(kept_out.out.keys()))


def _follow(
    transaction: ThreadWrites, story: Told, own: OpenThread | None, other: OpenThread | None, links: Sequence[Found]
) -> tuple[OpenThread | None, bool]:
    """Has a story follow its links into one thread, or to one story in no thread (other: None).

    own: the story's thread. Returns its thread now, and whether the linked stories are in it.
    """
    told, strongest = links[0]
    if other is None:
        if own is None:
            own = _begin(transaction, told)
            _add(transaction, own, [told, story])
            return own, True
        if not own.brings_along(told.vector, strongest):
            return own, False
        _add(transaction, own, [told])
        return own, True
    if own is other:
        return own, True
    if own is None:
        if not other.admits(story.vector, [alike for _, alike in links]):
            return None, False
        _add(transaction, other, [story])
        return other, True
    if not (other.admits(story.vector, [alike for _, alike in links]) and own.is_one_with(other, strongest)):
        return own, False
    return _join(transaction, own, other), True


def _begin(transaction: ThreadWrites, first: Told) -> OpenThread:
    begun = OpenThread()
    begun.id = transaction.begin_thread(first.id)
    return begun


def _add(transaction: ThreadWrites, thread: OpenThread, stories: Sequence[Told]) -> None:
    assert thread.id is not None
    vector = thread.add([story.vector for story in stories], len(stories))
    transaction.enter_thread(thread.id, [story.id for story in stories], vector)


def _join(transaction: ThreadWrites, own: OpenThread, other: OpenThread) -> OpenThread:
    """Makes two threads one. The one that is shown keeps its id, or the larger one, or the first."""
    kept, alias = (own, other) if own.count > other.count else (other, own)
    assert kept.id is not None and alias.id is not None
    transaction.merge_threads(kept.id, alias.id, kept.add([alias.total], alias.count))
    return kept


def _by_home(found: Iterable[Found], homes: Mapping[StoryId, ThreadId]) -> list[tuple[ThreadId | None, list[Found]]]:
    """Links by the thread that they lead to; a link to a story in no thread stands alone."""
    groups: dict[ThreadId | StoryId, list[Found]] = {}
    for told, alike in found:
        groups.setdefault(homes.get(told.id, told.id), []).append((told, alike))
    return [(homes.get(links[0][0].id), links) for links in groups.values()]


def what_about(index: GroupedItems, stories: Iterable[StoryId], words_of: Callable[[IndexedItem], Words]) -> bytes:
    """What stories are about, as their thread stores it, without those that are too old to be linked."""
    found = [list(index.items(spread(index.members(story), MEMBERS)).values()) for story in stories]
    vectors = [vector_of([words_of(row) for row in rows]) for rows in found if rows]
    return pack(heaviest(total(vectors), THREAD_WORDS))
