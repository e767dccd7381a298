"""Limits what one source may add on one day (UTC): entries that enter feeds, and entries that are stored at all.

A feed with new guids, new links or huge texts at each poll would push all others out of the feeds and fill archive pages, which
stay for good. Beyond `budget`, entries are stored for grouping only. Beyond `STORED` times that, they are counted and skipped;
a later day stores them if the feed still lists them. A new source's backlog is free: it enters no feed that people read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Entry, Instant, SourceId
from aggregator.ports import Values, ValueWrites
from aggregator.settings import DAY
from aggregator.stories.identity.identify import Changed, Decision, New, Rekeyed, Same

UNIT = 20_000
"""Bytes of an entry that one unit of the budget covers: of 7,958 entries of 370 real feeds, 1 in 500 is larger."""
STORED = 2
"""Entries stored at most, in times the budget; includes those stored for grouping only."""
KEY = "budget."
"""Prefix of the stored values, by source. The source's state can't hold them: a poll that began before a push would restore the
older value."""


class Spent(Struct, frozen=True):
    """Units spent on one day. day: since the epoch; entered: by entries that may enter feeds; over: when it was last exceeded."""

    day: int = 0
    entered: int = 0
    stored: int = 0
    over: Instant | None = None


class Allotted(Struct, frozen=True):
    """A document's decisions within the budget. grouped: number of entries that enter no feed; refused: of those not stored."""

    decisions: tuple[Decision, ...]
    spent: Spent = Spent()
    grouped: int = 0
    refused: int = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """The counts under the names of a source's counters."""
        return {f"budget:{name}": count for name, count in (("grouped", self.grouped), ("refused", self.refused)) if count}


def allot(decisions: Sequence[Decision], spent: Spent, budget: int, now: Instant) -> Allotted:
    """Spends the budget on new entries, newest first, and on edits of long texts.

    An edit costs only its whole units, so ordinary ones are free. An edit beyond the budget waits for another day.
    """
    purse = _Purse(spent, budget, now)
    kept: dict[int, Decision] = {}
    for place in sorted(range(len(decisions)), key=lambda place: _oldness(decisions[place])):
        if (decision := purse.pay(decisions[place])) is not None:
            kept[place] = decision
    return purse.closed(tuple(kept[place] for place in sorted(kept)), now)


class _Purse:
    """Keeps account of a day's budget over one document."""

    def __init__(self, spent: Spent, budget: int, now: Instant) -> None:
        day = int(now // DAY)
        self._spent = spent if spent.day == day else Spent(day, over=spent.over)  # also if the clock went back
        self._budget = budget
        self._grouped = self._refused = 0

    def pay(self, decision: Decision) -> Decision | None:
        """Returns the decision that the budget allows; None if the entry is not to be stored."""
        units, spent = _units(decision), self._spent
        if not units:
            return decision
        if spent.stored + units > self._budget * STORED:
            self._refused += 1
            return _without_storing(decision)
        self._spent = spent = replace(spent, stored=spent.stored + units)
        if not isinstance(decision, New):
            return decision
        if spent.entered + units <= self._budget:
            self._spent = replace(spent, entered=spent.entered + units)
            return decision
        self._grouped += 1
        return replace(decision, item=replace(decision.item, excess=True))

    def closed(self, decisions: tuple[Decision, ...], now: Instant) -> Allotted:
        over = now if self._grouped or self._refused else self._spent.over
        return Allotted(decisions, replace(self._spent, over=over), self._grouped, self._refused)


def _oldness(decision: Decision) -> float:
    return -decision.item.published if isinstance(decision, New) else 0.0


def _units(decision: Decision) -> int:
    match decision:
        case New(item):
            return 0 if item.old else 1 + _size(item.entry) // UNIT
        case Changed(item) | Rekeyed(item, True):
            return _size(item.entry) // UNIT
        case _:
            return 0


def _size(entry: Entry) -> int:
    """Returns the bytes stored for an entry; its text is derived from the rest."""
    return len(msgspec.json.encode(replace(entry, text="")))


def _without_storing(decision: Decision) -> Decision | None:
    """Returns the decision without new content: a known item stays as it is, a new one is skipped (None)."""
    match decision:
        case Changed(item):
            return Same(item, "an edit beyond the source's budget of the day")
        case Rekeyed():
            return replace(decision, changed=False)
        case _:
            return None


# --- stored values
def known(store: Values, source: SourceId) -> Spent:
    """Returns what a source spent on the last day that it spent anything."""
    return _read(store.value(KEY + source))


def all_known(store: Values) -> dict[SourceId, Spent]:
    """Returns what each source spent on its last day."""
    return {SourceId(key.removeprefix(KEY)): _read(value) for key, value in store.values(KEY).items()}


def save(transaction: ValueWrites, source: SourceId, spent: Spent) -> None:
    """Stores what a source has spent; to be called in the transaction that stores its entries."""
    transaction.set_value(KEY + source, json.dumps(msgspec.structs.astuple(spent)))


def _read(value: str | None) -> Spent:
    return Spent(*json.loads(value)) if value else Spent()
