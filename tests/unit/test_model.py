"""What the nouns say of themselves."""

from __future__ import annotations

import pytest

from aggregator.model import Entry, Item, ItemId, SourceId, Story, StoryId


def item(number: int, outlet: str, key: str) -> Item:
    entry = Entry(guid=str(number), url=None, title="A title")
    return Item(ItemId(number), SourceId(f"s{number}"), str(number), entry, None, outlet, key, 0.0, 0.0, b"")


@pytest.mark.parametrize(
    ("carried", "outlets"),
    [
        ([("Post", "post"), ("Ledger", "ledger"), ("Post", "post")], ("Post", "Ledger")),
        ([("Northwire", "northwire"), ("Northwire", "northwire.example")], ("Northwire",)),
        ([("northwire.example", "northwire.example"), ("Northwire", "northwire.example")], ("northwire.example",)),
        ([("The Herald", "herald.example"), ("The Herald", "theherald.test")], ("The Herald", "The Herald")),
        ([("The Herald", "herald.example"), ("The Herald", "the herald"), ("The Herald", "herald.test")], ("The Herald",)),
        ([("BBC", "bbc"), ("bbc", "bbc.co.uk"), ("Post", "post")], ("BBC", "Post")),
    ],
)
def test_outlets_are_publishers_not_feeds(carried: list[tuple[str, str]], outlets: tuple[str, ...]) -> None:
    items = tuple(item(number, *one) for number, one in enumerate(carried))
    assert Story(StoryId("x"), items, ItemId(0), 0.0, 0.0, 0.0).outlets == outlets
