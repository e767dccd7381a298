"""What a story follows: chosen until it is published, then fixed, save for what is taken down (decision 060)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from aggregator.model import EARLIER, Earlier, EarlierStory, Slug, Story, StoryId
from aggregator.ports import Fate, ThreadStory, ThreadWrites, Transaction
from aggregator.publish.entry import characters
from aggregator.publish.selection import thread_listing

LINKED = 8
"""The stories that a story is linked to most strongly. Of these, the ones that most outlets tell are shown."""


def find_earlier(transaction: Transaction, story: Story, public: Collection[Slug]) -> Earlier | None:
    """What a story that is not published yet follows; None if it is in no thread that its readers may see.

    public: the feeds without a token. A private story, which no public feed shows, may name whatever is in any feed.
    """
    if story.thread is None:
        return None
    members = transaction.thread_members(story.thread.id)
    feeds = transaction.members_of([one.story for one in members])
    if story.private:
        seen = [one for one in members if one.story == story.id or feeds[one.story]]
    else:
        seen = thread_listing.visible(members, feeds, public, also=story.id)
    if not seen:
        return None
    before = [one for one in seen if one.published < story.published]
    head = thread_listing.head_of(seen)
    shown = choose(before, strengths(transaction, story.id))
    return Earlier(
        thread=story.thread.id,
        title=thread_listing.headline(head),
        head=head.story,
        stories=len(seen),
        outlets=thread_listing.count_outlets(seen),
        first=before[0].story if before else story.id,
        shown=tuple(EarlierStory(one.story, thread_listing.headline(one), one.url) for one in shown),
    )


def strengths(transaction: ThreadWrites, story: StoryId) -> dict[StoryId, float]:
    """The stories that one is linked to, with how alike they are. Of a link found from both sides the stronger counts."""
    found: dict[StoryId, float] = {}
    for link in transaction.links(story):  # the strongest first
        found.setdefault(link.story if link.other == story else link.other, link.likeness)
    return found


def choose(before: Sequence[ThreadStory], likeness: Mapping[StoryId, float]) -> list[ThreadStory]:
    """The stories to show, the newest first: of those linked most strongly the ones that most outlets tell.

    Where too few are linked, others of the thread follow, those of most outlets and the newest of these first.
    """
    linked = sorted((one for one in before if one.story in likeness), key=lambda one: -likeness[one.story])[:LINKED]
    others = [one for one in before if one.story not in likeness]
    linked.sort(key=lambda one: (-len(one.outlets), -likeness[one.story], -one.published))
    others.sort(key=lambda one: (-len(one.outlets), -one.published))
    return sorted((linked + others)[:EARLIER], key=lambda one: -one.published)


def still_shown(transaction: ThreadWrites, story: Story) -> Earlier | None:
    """What a published story goes on to show, without headlines of stories that were taken down, turned private or became itself.

    A headline that a person corrected is shown as corrected; those that outlets edit stay as they were.
    """
    told = story.earlier
    if told is None:
        return None
    fates = transaction.fates(told.named)
    shown = [_as_decided(one.title, fates.get(one.story), story) for one in told.shown]
    kept = tuple(replace(one, title=title) for one, title in zip(told.shown, shown, strict=True) if title)
    head = fates.get(told.head)
    title = _as_decided(told.title, head, story) if head is None or head.story != story.id else head.headline or told.title
    return replace(told, title=title, shown=kept)


def _as_decided(title: str, fate: Fate | None, story: Story) -> str:
    """A headline that a story shows of another one; "" if it may not any more."""
    if fate is None:  # retention has removed it
        return title
    if fate.dropped or fate.story == story.id or (fate.private and not story.private):
        return ""
    return title if fate.headline is None else characters.plain(fate.headline)


def retell(transaction: Transaction, stories: Collection[Story]) -> list[StoryId]:
    """Has closed entries and pages that name these stories written again. Returns the stories that show them as earlier."""
    showing = transaction.stories_showing([story.id for story in stories]) if stories else []
    threads = {story.thread.id for story in stories if story.thread is not None}
    listing = [one.story for thread in threads for one in transaction.thread_members(thread)]
    thread_listing.mark_retold(transaction, entries=showing, pages=listing)
    return showing
