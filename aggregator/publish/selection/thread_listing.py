"""What may be seen of a thread, and by what it is called: entries, pages and the thread's own feed say the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from aggregator.model import SHOWN_FROM, OutletsSeen, Slug, StoryId
from aggregator.ports import ThreadStory, Values, ValueWrites
from aggregator.publish.entry import characters

RETOLD = "publish.retold."
"""Prefix of the keys of stories whose closed entries or pages name a story that was taken down since."""
ENTRY, PAGE = "entry", "page"


def visible(
    members: Sequence[ThreadStory],
    feeds: Mapping[StoryId, Collection[Slug]],
    public: Collection[Slug],
    also: StoryId | None = None,
) -> list[ThreadStory]:
    """The members that the public may see: those in its feeds. None if, without private stories, the thread were not shown.

    public: the feeds without a token; if there are none, all feeds count. also: a story that is about to be published.
    """
    open_members = [one for one in members if not one.private]
    if len(open_members) < SHOWN_FROM:
        return []
    return [one for one in open_members if one.story == also or _is_in(feeds[one.story], public)]


def _is_in(feeds: Collection[Slug], public: Collection[Slug]) -> bool:
    return not set(public).isdisjoint(feeds) if public else bool(feeds)


def head_of(members: Sequence[ThreadStory]) -> ThreadStory:
    """The story that most outlets tell, and of several the first one. Its headline is the thread's title."""
    return max(members, key=lambda one: len(one.outlets))


def headline(member: ThreadStory) -> str:
    return characters.plain(member.title) or characters.plain(member.outlet)


def count_outlets(members: Sequence[ThreadStory]) -> int:
    """How many outlets tell of the thread."""
    seen = OutletsSeen()
    for member in members:
        for key, name in member.outlets:
            seen.see(key, name)
    return seen.count


def mark_retold(transaction: ValueWrites, *, entries: Collection[StoryId], pages: Collection[StoryId]) -> None:
    """Notes that what is published of these stories has to be written again: closed entries and pages, or pages alone."""
    for story in {*entries, *pages}:
        transaction.set_value(RETOLD + story, ENTRY if story in entries else PAGE)


def retold(store: Values) -> tuple[frozenset[StoryId], frozenset[StoryId]]:
    """The stories whose closed entries, and those whose pages have to be written again."""
    marks = {StoryId(key.removeprefix(RETOLD)): mark for key, mark in store.values(RETOLD).items()}
    return frozenset(story for story, mark in marks.items() if mark == ENTRY), frozenset(marks)


def forget_retold(transaction: ValueWrites, stories: Iterable[StoryId]) -> None:
    """Notes that this is done."""
    for story in stories:
        transaction.set_value(RETOLD + story, None)
