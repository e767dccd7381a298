"""The lead: which of a story's items a subscriber is shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.model import Item, ItemId


def choose_lead(items: Sequence[Item], current: ItemId | None, published: bool) -> tuple[ItemId, str]:
    """(the item to show, why): better rank, then not an aggregator, then has text, then earliest.

    published: a subscriber may have seen the story, so only an item of better rank takes the lead from `current`.
    """
    if len(items) == 1:
        return items[0].id, "the only item"
    best = min(items, key=_order)
    holder = next((item for item in items if item.id == current), None)
    if holder is None:
        return best.id, _reason(best, items)
    if best.id == holder.id or (published and best.rank >= holder.rank):
        return holder.id, _reason(
            holder, items
        ) if best.id == holder.id else "kept: it was published, and no item has a better rank"
    return best.id, _reason(best, items)


def _order(item: Item) -> tuple[int, bool, bool, float, int]:
    return (item.rank, item.aggregator, not item.entry.text, item.published, item.id)


def _reason(lead: Item, items: Sequence[Item]) -> str:
    """The first rule that tells the lead from all others."""
    others = [item for item in items if item.id != lead.id]
    if not others:
        return "the only item"
    if all(item.rank > lead.rank for item in others):
        return f"best rank ({lead.rank})"
    rivals = [item for item in others if item.rank == lead.rank]
    if any(item.aggregator != lead.aggregator for item in rivals):
        rivals = [item for item in rivals if item.aggregator == lead.aggregator]
        if not rivals:
            return "not an aggregator"
    if rivals and all(bool(item.entry.text) != bool(lead.entry.text) for item in rivals):
        return "has text"
    return "earliest of the best"
