"""What one source may bring on one day (UTC): entries that enter feeds, and entries that are stored at all. Pure.

A feed that sends new guids, new links or huge texts at each poll would push all others out of the feeds, and fill archive pages,
which stay for good. Beyond `budget` its entries are stored for grouping alone; beyond `STORED` times that they are counted and
left, and stored when they are still there on a later day. A new source's backlog costs nothing: it enters no feed that is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Entry, Instant, SourceId
from aggregator.ports import Values, ValueWrites
from aggregator.stories.identify import Changed, Decision, New, Rekeyed, Same

DAY = 86_400.0
UNIT = 20_000
"""Bytes of an entry that one unit of the budget pays for: of 7,958 entries of 370 real feeds, 1 in 500 has more."""
STORED = 2
"""Times the budget that are stored, grouped ones included."""
KEY = "budget."
"""Prefix of the stored values, by source. Not in its state, which a poll that began before a push would write back as it was."""


class Spent(Struct, frozen=True):
    """Units of one day. day: since the epoch; entered: of what may enter feeds; over: when some of it was last beyond."""

    day: int = 0
    entered: int = 0
    stored: int = 0
    over: Instant | None = None


class Allotted(Struct, frozen=True):
    """A document's decisions within the budget. grouped: entries that enter no feed; refused: entries and edits not stored."""

    decisions: tuple[Decision, ...]
    spent: Spent = Spent()
    grouped: int = 0
    refused: int = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """As the counters of a source name them."""
        return {f"budget:{name}": count for name, count in (("grouped", self.grouped), ("refused", self.refused)) if count}


def allot(decisions: Sequence[Decision], spent: Spent, budget: int, now: Instant) -> Allotted:
    """Pays for what is new, the newest first, and for long texts that are edited.

    An edit costs its whole units alone, so that ordinary ones are free; one that can't be paid for is left for another day.
    """
    purse = _Purse(spent, budget, now)
    kept: dict[int, Decision] = {}
    for place in sorted(range(len(decisions)), key=lambda place: _oldness(decisions[place])):
        if (decision := purse.pay(decisions[place])) is not None:
            kept[place] = decision
    return purse.closed(tuple(kept[place] for place in sorted(kept)), now)


class _Purse:
    """What is left of a day's budget while a document is gone through."""

    def __init__(self, spent: Spent, budget: int, now: Instant) -> None:
        day = int(now // DAY)
        self._spent = spent if spent.day == day else Spent(day, over=spent.over)  # whichever way the clock went
        self._budget = budget
        self._grouped = self._refused = 0

    def pay(self, decision: Decision) -> Decision | None:
        """The decision as it is paid for; None for an entry that is not stored."""
        units, spent = _units(decision), self._spent
        if not units:
            return decision
        if spent.stored + units > self._budget * STORED:
            self._refused += 1
            return _unpaid(decision)
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
    """Bytes of all that is stored of an entry; its text can be made from the rest."""
    return len(msgspec.json.encode(replace(entry, text="")))


def _unpaid(decision: Decision) -> Decision | None:
    """What is left of a decision that is not paid for: a known item stays as it is."""
    match decision:
        case Changed(item):
            return Same(item, "an edit beyond the source's budget of the day")
        case Rekeyed():
            return replace(decision, changed=False)
        case _:
            return None


# --- in the store
def known(store: Values, source: SourceId) -> Spent:
    """What the source has spent; of whatever day."""
    return _read(store.value(KEY + source))


def all_known(store: Values) -> dict[SourceId, Spent]:
    """Of all sources that ever brought something."""
    return {SourceId(key.removeprefix(KEY)): _read(value) for key, value in store.values(KEY).items()}


def save(transaction: ValueWrites, source: SourceId, spent: Spent) -> None:
    """Inside the transaction of what was paid for."""
    transaction.set_value(KEY + source, json.dumps(msgspec.structs.astuple(spent)))


def _read(value: str | None) -> Spent:
    return Spent(*json.loads(value)) if value else Spent()
