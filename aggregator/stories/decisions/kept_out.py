"""Which stories a person keeps out of threads: linking respects it, for good."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from aggregator.model import StoryId, ThreadId
from aggregator.ports import Override, Transaction


class KeptOut(Struct, frozen=True):
    """alone: stories of dropped threads, which are in none again; out: story → the threads that it was split off."""

    alone: frozenset[StoryId] = frozenset()
    out: Mapping[StoryId, frozenset[ThreadId]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.alone or self.out)

    def bars(self, story: StoryId, thread: ThreadId) -> bool:
        """True if the story may not be in the thread."""
        return story in self.alone or thread in self.out.get(story, ())

    def parts(self, stories: Collection[StoryId], threads: Collection[ThreadId], homes: Mapping[StoryId, ThreadId]) -> bool:
        """True if these stories and all stories of these threads may not become one thread. homes: story → its thread now."""
        return any(
            not out.isdisjoint(threads) and (story in stories or homes.get(story) in threads) for story, out in self.out.items()
        )


def read_kept_out(transaction: Transaction) -> KeptOut:
    """What is kept out now. Asks for three kinds of overrides, of which most databases have none."""
    stored = transaction.thread_overrides()
    if not stored:
        return KeptOut()
    alone, out = bound_keys(stored)
    stories = transaction.stories_bound(alone | out.keys())
    living = transaction.living_threads(frozenset().union(*out.values()))
    threads: dict[StoryId, frozenset[ThreadId]] = {}
    for key, ids in out.items():
        if (story := stories.get(key)) is not None:
            threads[story] = threads.get(story, frozenset()) | {living.get(id, id) for id in ids}
    return KeptOut(frozenset(stories[key] for key in alone if key in stories), threads)


def bound_keys(overrides: Iterable[Override]) -> tuple[set[str], dict[str, frozenset[ThreadId]]]:
    """Keys of entries whose stories are in no thread, and key → the threads that its story is not in. A merge frees them."""
    alone: set[str] = set()
    out: dict[str, frozenset[ThreadId]] = {}
    for one in sorted(overrides, key=lambda one: one.at):
        match one.kind:
            case "thread-drop":
                alone.add(one.a)
            case "thread-split" if one.b is not None:
                out[one.a] = out.get(one.a, frozenset()) | {ThreadId(one.b)}
            case "thread-merge":
                alone.discard(one.a)
                out.pop(one.a, None)
    return alone, out


def leave_forbidden(transaction: Transaction, stories: Collection[StoryId], kept_out: KeptOut) -> set[ThreadId]:
    """Takes stories out of threads that they came into with a story that was merged into them. Returns these threads."""
    left = {story: thread for story, thread in transaction.threads_of(stories).items() if kept_out.bars(story, thread)}
    if left:
        transaction.leave_threads(left)
    return set(left.values())
