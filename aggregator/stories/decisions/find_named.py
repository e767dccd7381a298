"""Finds the stories and entries that a person names, and tells what stands nearest to a name that nothing has."""

from __future__ import annotations

import difflib
import re

from aggregator.errors import UsageError
from aggregator.model import Item, Story, StoryId, ThreadId
from aggregator.ports import StoreView, Stories
from aggregator.text.canonical import canonical

NEAR = 0.8
"""Share of characters in common (difflib's ratio) from which an address is offered in place of a mistyped one."""


_BEGINNING = re.compile(r"(?=.{6,35}$)[0-9a-f]{1,8}(?:-[0-9a-f]{0,4}){0,3}(?:-[0-9a-f]{0,12})?")
"""The beginning of an id: six characters are enough for most databases, and fewer may be a word."""
_LOWEST, _HIGHEST = ("-".join(digit * length for length in (8, 4, 4, 4, 12)) for digit in "0f")
SEVERAL = 8
"""Ids that are listed where several begin alike."""

BY_ID = "name one by its id"
WITHIN = "choose one by `--story ID`"


def full_id(store: StoreView, named: str) -> str:
    """Returns the id of the story or thread that begins with these characters, or what is named as it is.

    Raises UsageError if several do. An id is written in full in feeds alone; in a terminal its beginning does.
    """
    begins = named.removeprefix("urn:uuid:").lower()
    if not _BEGINNING.fullmatch(begins) or store.story_of(named) is not None:
        return named
    found = store.ids_from(begins + _LOWEST[len(begins) :], begins + _HIGHEST[len(begins) :], SEVERAL + 1)
    if len(found) > 1:
        listed = "".join(f"\n  {id}  {_title(store, id)}" for id in found[:SEVERAL])
        more = "\n  …" if len(found) > SEVERAL else ""
        raise UsageError(f"several ids begin with {named}; write more of the one that you mean:{listed}{more}")
    return found[0] if found else named


def _title(store: StoreView, id: str) -> str:
    """The headline of a story or thread, for a list."""
    thread = store.thread(ThreadId(id))
    living = thread.head if thread is not None else store.story_of(id)
    story = store.story(living) if living is not None else None
    title = story.title if story is not None and story.items else ""
    return f"thread: {title}" if thread is not None else title


def find_id(store: StoreView, named: str, choice: str = BY_ID) -> StoryId | None:
    """Returns the id of the story with this id, an article's address or a guid; None if there is none.

    Raises UsageError if several stories have the address: any feed can link to a page of another one. choice: how to name one.
    """
    named = full_id(store, named)
    found = store.story_of(named)
    if found is None or store.whereabouts(StoryId(named.removeprefix("urn:uuid:"))) is not None:
        return found
    several = store.stories(store.stories_named(named))
    if len(several) > 1:
        listed = "".join(f"\n  {story.id}  {story.title}" for story in several)
        raise UsageError(f"{named} is in {len(several)} stories; {choice}:{listed}")
    return several[0].id if several else found


def find_story(store: StoreView, named: str, choice: str = BY_ID) -> Story:
    """Returns the story with this id, an article's address or a guid. Raises UsageError if there is none, or none to be seen."""
    found = find_id(store, named, choice)
    story = store.story(found) if found else None
    if story is None:
        raise UsageError(f"no story {named!r}: give a story's id, or the address of one of its articles{nearest(store, named)}")
    if story.dropped:
        raise UsageError("that story was taken down by hand: `aggregator stories decisions` has the id by which to undo it")
    if not story.items:
        for item in store.stories([story.id], hidden=True)[0].items:
            raise UsageError(f"that story was taken out by a rule of {item.source}: {item.hidden}")
        raise UsageError("that story has no entries any more: they are older than storage.keep allows")
    return story


def find_entries(store: StoreView, named: str, within: str | None = None, choice: str = WITHIN) -> tuple[Story, list[Item]]:
    """Returns the entries at an article's address, or with a guid, and their story. Raises UsageError if there are none.

    within: the id of their story, where several have the address. choice: how else a person names one then.
    """
    if store.story_of(named) is None and full_id(store, named) == named:
        raise UsageError(f"no entry {named!r}: give the address of its article, or its guid{nearest(store, named)}")
    story = find_story(store, within or named, choice)
    exact = [item for item in story.items if named in (item.guid, item.entry.guid, item.entry.url)]
    address = canonical(named)
    items = exact + [item for item in story.items if item not in exact and address and item.canonical == address]
    if not items:
        raise UsageError(f"that story has no entry {named!r}" if within else "that names a story; name one of its entries")
    return story, items


def nearest(store: Stories, named: str) -> str:
    """Returns `; did you mean …?` with the stored address that is nearest; empty if none is near."""
    host = (canonical(named) or "").partition("/")[0]
    addresses = dict.fromkeys(store.addresses(host)) if "." in named else {}
    found = difflib.get_close_matches(named, addresses, n=1, cutoff=NEAR)
    return f"; did you mean {found[0]}?" if found else ""
