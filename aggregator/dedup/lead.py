"""The lead: which of a story's items a subscriber is shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median
from types import MappingProxyType

from aggregator.dedup.standing import Standing, Standings
from aggregator.model import Instant, Item, ItemId, Story
from aggregator.text.times import rfc3339

PINNED = "pinned by a person"
OUTLETS = 4
"""Outlets that must tell a story before its published lead may move."""
MOVES_EVERY = 3 * 3600.0
"""Seconds between two moves of a published lead. A second move seldom shows anything better."""
BETTER, CLEARLY_BETTER = 1.0, 2.0
"""How much closer than a published lead another report must agree with the story to take over, if that lead agrees little, and if
it agrees well enough. Nearly log-odds, as all scores are."""
AS_WELL = 0.5
"""How much less a report in words of its own may agree than a lead whose text another outlet has, too. Nobody can tell which of
the two wrote it, and who copies a text can say that he was first."""
BELIEVED = 3600.0
"""Seconds before its first sight that an item's date is believed, when the earliest of several is to lead: the usual time between
two polls. An older date may be made up to come first."""
ANNOUNCES = re.compile(
    r"\b(?:expected|set|ready|poised|likely|scheduled|preparing) to\b|\bto (?:vote|decide|rule|consider)\b|\bahead of\b",
    re.IGNORECASE,
)
"""How English headlines say what is about to happen ("Council to vote on ..."). Such a report makes room for one that tells it as
done, which no comparison of words can see."""
LIVE = re.compile(
    r"[-–—|] [^-–—|]{0,30}\blive$|\blive(?:blog\b|:| updates\b| blog\b| coverage\b)|\b(?:as it happened|latest updates)\b",
    re.IGNORECASE,
)
"""How English headlines call a page that goes on while the event does ("Budget day – live"). So do addresses: LIVE_ADDRESS."""
LIVE_ADDRESS = "/live/"
NOBODY: Standings = MappingProxyType({})


def choose_lead(
    items: Sequence[Item],
    current: ItemId | None,
    published: bool,
    pinned: ItemId | None = None,
    standings: Standings | None = NOBODY,
) -> tuple[ItemId, str]:
    """Returns (the item to show, why). Order: not astray, first-hand, dated, better rank, not an aggregator, has an address, has
    text, a text that other outlets tell, agrees with the story on the whole, no copy, earliest.

    published: a subscriber may have seen the story, so only an item better by the first four criteria replaces `current`.
    pinned: the item that a person chose: nothing replaces it. standings: None if no item has come or changed, so that `current`
    still agrees as it did.
    """
    if pinned is not None:
        return pinned, PINNED
    if len(items) == 1:
        return items[0].id, "the only item"
    order = _Order(standings or NOBODY)
    best = min(items, key=order)
    holder = next((item for item in items if item.id == current), None)
    if holder is None or best.id == holder.id:
        return best.id, order.reason(best, items)
    if published and _claim(best) >= _claim(holder):
        return holder.id, "kept: it was published, and no item has a better rank"
    if standings is None and _merit(best) >= _merit(holder):
        return holder.id, order.reason(holder, items)
    return best.id, order.reason(best, items)


def move_lead(story: Story, standings: Standings, now: Instant) -> tuple[ItemId, str] | None:
    """Returns the report to which a published story's lead moves, and why; None if it stays.

    It moves when the story has moved on from it: to the report that agrees with the others best. From a text that another outlet
    has, too, it moves to the first report that agrees as well: who copies the lead gains nothing by it.
    """
    holder = story.lead_item
    held = standings.get(holder.id)
    if held is None or len(story.outlets) < OUTLETS:
        return None
    apart = {holder.id, *held.copies}
    rivals = [item for item in story.reports if item.id not in apart and _may_follow(item, holder, standings)]
    rivals = [item for item in rivals if not _is_borrowed(item, standings[item.id], story.reports)]
    if not rivals:
        return None
    best, how = _best_of(rivals, standings), "agrees best with the others"
    why = _why_it_yields(held, standings[best.id], [one.mean for one in standings.values()])
    if why is None and _announces(holder) and not _announces(best) and standings[best.id].mean >= held.mean - AS_WELL:
        why = "announces what others tell as done"
    if why is None:
        copies = [item for item in story.reports if item.id in held.copies]
        as_well = [item for item in rivals if standings[item.id].mean >= held.mean - AS_WELL and _is_apart(item, copies)]
        if not as_well:
            return None
        best, how = min(as_well, key=lambda item: (item.first_seen, item.id)), "is the first in other words that agrees as well"
        why = "has a text that another outlet has, too"
    before = f"“{holder.entry.title}” ({holder.outlet}), which led before, {why}"
    agrees = f"{how} (with {_count(standings[best.id])})"
    return best.id, f"leads since {rfc3339(now)}: of {len(story.outlets)} outlets it {agrees}; {before}"


def _is_live(item: Item) -> bool:
    """True for a live page: it agrees with all others, since it tells a bit of each, and its headline says less than theirs."""
    return LIVE.search(item.title) is not None or LIVE_ADDRESS in (item.entry.url or "")


def _best_of(rivals: Sequence[Item], standings: Standings) -> Item:
    """The report that agrees best. One that only announces it is passed over for one that agrees nearly as well."""
    best = max(rivals, key=lambda item: standings[item.id].mean)
    least = standings[best.id].mean - AS_WELL
    done = [item for item in rivals if standings[item.id].mean >= least and not _announces(item)]
    return max(done, key=lambda item: standings[item.id].mean, default=best)


def _announces(item: Item) -> bool:
    return ANNOUNCES.search(item.title) is not None


def may_move(story: Story, now: Instant) -> bool:
    """True if it is worth asking `move_lead` about a published story."""
    return now - story.lead_moved >= MOVES_EVERY and len(story.outlets) >= OUTLETS


def _may_follow(item: Item, holder: Item, standings: Standings) -> bool:
    """True if an item may take over from a published lead: as good by all that a person sets, with a text that others tell."""
    standing = standings.get(item.id)
    if standing is None or standing.bare or not standing.told or _is_live(item):
        return False
    return _claim(item) == _claim(holder) and item.aggregator <= holder.aggregator and bool(item.entry.url and item.entry.text)


def _is_borrowed(item: Item, standing: Standing, reports: Sequence[Item]) -> bool:
    """True if most of another outlet's text, seen earlier, is in this one: who copies the best report, or all, agrees best."""
    return any(other.id in standing.holds and (other.first_seen, other.id) < (item.first_seen, item.id) for other in reports)


def _is_apart(item: Item, copies: Sequence[Item]) -> bool:
    """True if a report of another outlet and another source than the item's is among the lead's copies."""
    return any(one.outlet != item.outlet and one.source != item.source for one in copies)


def _why_it_yields(held: Standing, best: Standing, means: Sequence[float]) -> str | None:
    """Says why a published lead gives way to the report that agrees best; None if it doesn't."""
    if held.bare:
        return "has no text besides its headline"
    if not held.told:
        return "has a text that the others don't tell"
    ahead = best.mean - held.mean
    moved_on = held.mean < 0 or held.mean <= median(means) - BETTER
    if ahead >= CLEARLY_BETTER or (moved_on and ahead >= BETTER):
        return f"agrees less (with {_count(held)})"
    return None


def _count(standing: Standing) -> str:
    return f"{standing.agrees} of {standing.asked} reports"


def _believed(item: Item) -> Instant:
    """The oldest date of an item that is believed."""
    return item.first_seen - BELIEVED


def _claim(item: Item) -> tuple[bool, bool, bool, int]:
    """The criteria by which a published lead can be replaced: not astray, first-hand, dated, better rank."""
    return (item.astray, item.second_hand, item.undated, item.rank)


def _merit(item: Item) -> tuple[tuple[bool, bool, bool, int], bool, bool, bool]:
    """All criteria that don't depend on other items."""
    return (_claim(item), item.aggregator, not item.entry.url, not item.entry.text)


class _Order:
    """The order in which items may lead, best first: a key for sorting, and what its parts are called."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings
        self._median = median([one.mean for one in standings.values()]) if standings else 0.0

    def __call__(self, item: Item) -> tuple[object, ...]:
        earliest = max(item.published, _believed(item))
        standing = self._standings.get(item.id)
        closeness = 0.0 if standing is None else -standing.mean
        return (
            _merit(item),
            self._is_untold(item),
            self._agrees_less(item),
            self._is_copied(item),
            earliest,
            closeness,
            item.published,
            item.id,
        )

    def _is_untold(self, item: Item) -> bool:
        standing = self._standings.get(item.id)
        return standing is not None and (standing.bare or not standing.told)

    def _agrees_less(self, item: Item) -> bool:
        """True if the item agrees less than most. One that nothing is known of doesn't come before those that agree."""
        standing = self._standings.get(item.id)
        return bool(self._standings) and (standing is None or standing.mean < self._median)

    def _is_copied(self, item: Item) -> bool:
        standing = self._standings.get(item.id)
        return standing is not None and bool(standing.copies)

    def reason(self, lead: Item, items: Sequence[Item]) -> str:
        """The first criterion that separates the lead from all others."""
        rivals = [item for item in items if item.id != lead.id]
        for criterion, reason in (
            (lambda item: item.astray, "the only one that tells the story still"),
            (lambda item: item.second_hand, "first-hand: others link to somebody else's page"),
            (lambda item: item.undated, "dated: others have no date"),
            (lambda item: item.rank, f"best rank ({lead.rank})"),
            (lambda item: item.aggregator, "not an aggregator"),
            (lambda item: not item.entry.url, "has an address"),
            (lambda item: not item.entry.text, "has text"),
            (self._is_untold, "has a text that the others tell, too"),
            (self._agrees_less, "agrees with the story on the whole"),
            (self._is_copied, "has a text that no other outlet has"),
        ):
            rivals = [item for item in rivals if criterion(item) == criterion(lead)]
            if not rivals:
                return reason
        return "earliest of the best"
