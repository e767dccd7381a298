"""Finds the stories and entries that a person names, and tells what stands nearest to a name that nothing has."""

from __future__ import annotations

import difflib

from aggregator.errors import UsageError
from aggregator.model import Item, Story
from aggregator.ports import Stories
from aggregator.text.urls import canonical

NEAR = 0.8
"""Share of characters in common (difflib's ratio) from which an address is offered in place of a mistyped one."""


def find_story(store: Stories, named: str) -> Story:
    """Returns the story with this id, an article's address or a guid. Raises UsageError if there is none, or none to be seen."""
    found = store.story_of(named)
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


def find_entries(store: Stories, named: str) -> tuple[Story, list[Item]]:
    """Returns the entries at an article's address, or with a guid, and their story. Raises UsageError if there are none."""
    if store.story_of(named) is None:
        raise UsageError(f"no entry {named!r}: give the address of its article, or its guid{nearest(store, named)}")
    story = find_story(store, named)
    exact = [item for item in story.items if named in (item.guid, item.entry.guid, item.entry.url)]
    address = canonical(named)
    items = exact + [item for item in story.items if item not in exact and address and item.canonical == address]
    if not items:
        raise UsageError("that names a story; name one of its entries")
    return story, items


def nearest(store: Stories, named: str) -> str:
    """Returns `; did you mean …?` with the stored address that is nearest; empty if none is near."""
    host = (canonical(named) or "").partition("/")[0]
    addresses = dict.fromkeys(store.addresses(host)) if "." in named else {}
    found = difflib.get_close_matches(named, addresses, n=1, cutoff=NEAR)
    return f"; did you mean {found[0]}?" if found else ""
