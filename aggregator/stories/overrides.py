"""Reads a person's stored decisions on entries (drop, split, merge) as the engine must respect them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from aggregator.model import Instant, Item
from aggregator.ports import Override


class ActiveOverrides(Struct, frozen=True):
    """The overrides that bind, by `override_key`. The later of two overrides of an item binds.

    dropped: canonical URLs, or keys; split: keys of items that join nothing; merged: for each key, the key that stands for all
    items that it was merged with.
    """

    dropped: frozenset[str] = frozenset()
    split: frozenset[str] = frozenset()
    merged: Mapping[str, str] = field(default_factory=dict)

    def is_dropped(self, item: Item) -> bool:
        return item.canonical in self.dropped or override_key(item) in self.dropped

    def transfer(self, old: str, new: str, now: Instant) -> Iterator[Override]:
        """Yields the overrides to store when an item's key changes, so that those of the old key stay in force."""
        if old in self.split:
            yield Override("split", new, old, now)
        elif old in self.merged:
            yield Override("merge", old, new, now)
        if old in self.dropped:
            yield Override("drop", new, None, now)


def override_key(item: Item) -> str:
    """Returns the key by which overrides name an item; unlike its id, it outlives the item's row."""
    return f"{item.source} {item.guid}"


def active_overrides(overrides: Iterable[Override]) -> ActiveOverrides:
    """Applies stored overrides in the order of time, and returns those that bind in the end."""
    dropped: set[str] = set()
    split: set[str] = set()
    merged: dict[str, set[str]] = {}
    for override in sorted(overrides, key=lambda override: override.at):
        match override.kind:
            case "drop":
                dropped.add(override.a)
            case "split":
                split.add(override.a)
                merged.pop(override.a, set()).discard(override.a)
                if override.b is not None and override.b != override.a:
                    whole = merged.get(override.b, {override.b}) | {override.a}
                    merged.update(dict.fromkeys(whole, whole))
            case "merge" if override.b is not None:
                split -= {override.a, override.b}
                whole = merged.get(override.a, {override.a}) | merged.get(override.b, {override.b})
                merged.update(dict.fromkeys(whole, whole))
    return ActiveOverrides(frozenset(dropped), frozenset(split), {key: min(whole) for key, whole in merged.items()})
