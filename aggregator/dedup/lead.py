"""The lead: which of a story's items a subscriber is shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.model import Item, ItemId

PINNED = "pinned by a person"


def choose_lead(
    items: Sequence[Item], current: ItemId | None, published: bool, pinned: ItemId | None = None
) -> tuple[ItemId, str]:
    """Returns (the item to show, why). Order: not astray, first-hand, better rank, not an aggregator, has an address, has text,
    earliest.

    published: a subscriber may have seen the story, so only an item better by the first three criteria replaces `current`.
    pinned: the item that a person chose: nothing replaces it.
    """
    if pinned is not None:
        return pinned, PINNED
    if len(items) == 1:
        return items[0].id, "the only item"
    best = min(items, key=_order)
    holder = next((item for item in items if item.id == current), None)
    if holder is None or best.id == holder.id or not (published and _claim(best) >= _claim(holder)):
        return best.id, _reason(best, items)
    return holder.id, "kept: it was published, and no item has a better rank"


def _claim(item: Item) -> tuple[bool, bool, int]:
    """The criteria by which a published lead can be replaced: not astray, first-hand, better rank."""
    return (item.astray, item.second_hand, item.rank)


def _order(item: Item) -> tuple[tuple[bool, bool, int], bool, bool, bool, float, int]:
    return (_claim(item), item.aggregator, not item.entry.url, not item.entry.text, item.published, item.id)


def _reason(lead: Item, items: Sequence[Item]) -> str:
    """The first criterion that separates the lead from all others."""
    rivals = [item for item in items if item.id != lead.id]
    for criterion, reason in (
        (lambda item: item.astray, "the only one that tells the story still"),
        (lambda item: item.second_hand, "first-hand: others link to somebody else's page"),
        (lambda item: item.rank, f"best rank ({lead.rank})"),
        (lambda item: item.aggregator, "not an aggregator"),
        (lambda item: not item.entry.url, "has an address"),
        (lambda item: not item.entry.text, "has text"),
    ):
        rivals = [item for item in rivals if criterion(item) == criterion(lead)]
        if not rivals:
            return reason
    return "earliest of the best"
