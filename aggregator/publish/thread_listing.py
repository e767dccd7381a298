"""What may be seen of a thread, and by what it is called: entries, pages and the thread's own feed say the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from aggregator.model import SHOWN_FROM, OutletsSeen, Slug, StoryId
from aggregator.ports import ThreadStory, Values, ValueWrites
from aggregator.publish import characters

RETOLD = "publish.retold."
"""Prefix of the keys of stories whose closed entries and pages named a story that was taken down since."""


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


def title_of(members: Sequence[ThreadStory]) -> str:
    """The headline of the story that most outlets tell, and of several the first one's."""
    return headline(max(members, key=lambda one: len(one.outlets)))


def headline(member: ThreadStory) -> str:
    return characters.plain(member.title) or characters.plain(member.outlet)


def count_outlets(members: Sequence[ThreadStory]) -> int:
    """How many outlets tell of the thread."""
    seen = OutletsSeen()
    for member in members:
        for key, name in member.outlets:
            seen.see(key, name)
    return seen.count


def mark_retold(transaction: ValueWrites, stories: Iterable[StoryId]) -> None:
    """Stores that what is published of these stories has to be written again. See RETOLD."""
    for story in stories:
        transaction.set_value(RETOLD + story, "1")


def retold(store: Values) -> frozenset[StoryId]:
    """The stories that are marked so."""
    return frozenset(StoryId(key.removeprefix(RETOLD)) for key in store.values(RETOLD))


def forget_retold(transaction: ValueWrites, stories: Iterable[StoryId]) -> None:
    """Takes the marks away, once that is done."""
    for story in stories:
        transaction.set_value(RETOLD + story, None)
