"""Reads a person's stored decisions on entries as grouping (drop, split, merge) and display (pin, title) respect them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.model import Instant, Item, ItemId, Story
from aggregator.ports import Override
from aggregator.ports.decisions import CORRECTIONS, OF_THREADS

SPLIT = "split by hand"
"""The rule by which an entry is in the story that a person made of it (`Evidence.rule`)."""


class ActiveOverrides(Struct, frozen=True):
    """The overrides that bind, by `override_key`. The later of two overrides of an item binds.

    dropped: as `drop_key` says; split: keys of items that join no story, while later reports may join theirs; merged: for each
    key, the key that stands for all items that it was merged with. stored: all of them, in the order of time.
    """

    dropped: frozenset[str] = frozenset()
    split: frozenset[str] = frozenset()
    merged: Mapping[str, str] = field(default_factory=dict)
    stored: tuple[Override, ...] = ()

    def is_dropped(self, item: Item) -> bool:
        return item.canonical in self.dropped or override_key(item) in self.dropped

    def is_placed(self, key: str) -> bool:
        """True if a person put the item into its story, or lets it lead it: an edit of its text doesn't take it out of there."""
        return key in self.merged or any(one.kind == "pin" and one.a == key for one in self.stored)

    def headline(self, key: str) -> Override | None:
        """What a person's last headline for this item says, unless it has lapsed."""
        titles = [one for one in self.stored if one.kind == "title" and one.a == key]
        return titles[-1] if titles and titles[-1].b is not None else None

    def transfer(self, old: str, new: str, now: Instant) -> Iterator[Override]:
        """Yields the overrides to store when an item's key changes, so that those of the old key stay in force."""
        if old in self.split:
            yield Override("split", new, old, now, self._decision("split", old))
        elif old in self.merged:
            yield Override("merge", old, new, now, self._decision("merge", old))
        if old in self.dropped:
            yield Override("drop", new, None, now, self._decision("drop", old))
        yield from (replace(one, a=new) for one in self.stored if one.kind in (*CORRECTIONS, *OF_THREADS) and one.a == old)

    def _decision(self, kind: str, key: str) -> int | None:
        """The last decision of this kind on an item, whose undoing ends what is transferred, too."""
        return next((one.decision for one in reversed(self.stored) if one.kind == kind and key in (one.a, one.b)), None)


class Correction(Struct, frozen=True):
    """What a person chose for a story to show: the item that leads, and the headline. None: nothing was chosen."""

    lead: ItemId | None = None
    headline: str | None = None


_NOTHING = Correction()


def corrections_of(story: Story, overrides: Sequence[Override]) -> Correction:
    """Returns the correction that binds a story. Of several pins, or titles, of its items the last one does."""
    if not overrides:  # as nearly always
        return _NOTHING
    items = {override_key(item): item.id for item in story.items}
    found = Correction()
    for override in sorted(overrides, key=lambda override: override.at):
        if override.a in items and override.kind == "pin":
            found = replace(found, lead=items[override.a])
        elif override.a in items and override.kind == "title":
            found = replace(found, headline=override.b)
    return found


def override_key(item: Item) -> str:
    """Returns the key by which overrides name an item; unlike its id, it outlives the item's row."""
    return f"{item.source} {item.guid}"


def drop_key(item: Item) -> str:
    """Returns what a drop of an item binds: its address, whoever links to it; of somebody else's page, the item alone."""
    return override_key(item) if item.second_hand or item.canonical is None else item.canonical


def active_overrides(overrides: Iterable[Override]) -> ActiveOverrides:
    """Applies stored overrides in the order of time, and returns those that bind in the end."""
    dropped: set[str] = set()
    split: set[str] = set()
    merged: dict[str, set[str]] = {}
    stored = tuple(sorted(overrides, key=lambda override: override.at))
    for override in stored:
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
    binding = {key: min(whole) for key, whole in merged.items()}
    return ActiveOverrides(frozenset(dropped), frozenset(split), binding, stored)
