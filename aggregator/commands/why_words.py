"""How `aggregator why` tells rules and scores of grouping to people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Item
    from aggregator.ports import Attempt

RULES = {
    "new": "began a story: no other told the same",
    "same address": "joined by its address, which an entry of the story has, too",
    "one pair is sure": "joined, because it surely tells the same as an entry of the story",
    "most of the story agrees": "joined, because most entries of the story tell the same",
    "its source has told the story often enough": "stands alone: its source has enough entries in the story that it tells",
    "never joins": "stands alone, as `dedup: false` or `dedup.never` wants it",
    "merged by hand": "joined by hand (`stories merge`)",
    "split by hand": "taken out of its story by hand (`stories split`)",
}
"""How the rules of grouping are told to people; others are told as they are stored."""
ASTRAY = (
    "astray: its text tells something else than the story's other entries; it counts as no outlet and doesn't lead while they do "
    "(if it does belong here, `stories pin` or `stories merge` says so)"
)

KEPT_OUT = {
    "outvoted": "{matches}; half of them must match",
    "second text of its outlet": "{matches}, and not clearly; its outlet has told that story in other words already",
    "only round-ups agree": "{matches}, which may be round-ups: all others tell something else",
    "agrees better elsewhere": "{matches}, but the story that it joined better",
    "no room": "it matches one of the story's reports, but that story is full, or began too long ago",
    "taken down": "a person took that story down, which its outlet told alone",
    "parted": "a person took that story out of this one, or this one out of that (`stories split`)",
    "unlike": "it matches none of the story's reports",
    "another day": "their headlines name other days",
    "other countries": "each headline names a country that the other entry doesn't",
    "a version without a name": "a headline that is a bare version number doesn't say of what",
    "a headline that says nothing": "the headline says nothing by itself, and the text is another",
    "two entries of one moment": "its outlet published both at once, under unlike headlines",
    "the next of a column": "it is the next of a column, or another day's report under a like headline",
    "one form, other facts": "both are of one form, and tell other facts",
}
"""What kept an entry out of a story, by `Evidence.nearest_rule`. {matches}: see `tell_matches`."""

Teller: TypeAlias = "Callable[[Item, Item, str, Sequence[tuple[str, float]]], list[str]]"
"""Tells in sentences why two entries are one story or not, by the rule that decided (or "") and the terms of their score."""


def tell_matches(agrees: int, asked: int) -> str:
    """Tells how many of a story's reports an entry matches, of those that it was compared with."""
    if asked == 1:
        return "it matches the story's only report" if agrees else "it doesn't match the story's only report"
    return f"it matches {agrees or 'none'} of the story's {asked} reports"


def teller(application: Application) -> Teller:
    """Returns what tells sentences under this config."""
    from aggregator.dedup.engine import Engine
    from aggregator.dedup.explain import Told, because
    from aggregator.tag.places import find_places

    engine = Engine(application.settings.dedup, find_places)

    def tell(a: Item, b: Item, rule: str, terms: Sequence[tuple[str, float]]) -> list[str]:
        one, other = (Told(item, engine.prepare(item).days, find_places) for item in (a, b))
        return because(one, other, rule, terms, engine.weights)

    return tell


def tell_article(attempt: Attempt | None) -> str | None:
    """Tells in one line whether an entry's article was fetched, when, or why not; None if it was never wanted."""
    if attempt is None:
        return None
    when = f" {rfc3339(attempt.asked)}" if attempt.asked is not None else ""
    if attempt.due is not None:
        return "not asked for yet" + (f": {attempt.outcome}" if attempt.outcome else "")
    if attempt.outcome is None:
        return f"asked for{when}; the program ended before it came, and it is asked for once only"
    if not attempt.outcome:
        return f"fetched{when}"
    return f"asked for{when}, but {attempt.outcome}" if when else f"not asked for: {attempt.outcome}"


def format_score(terms: dict[str, float], score: float) -> str:
    """Formats a score with its terms; says if the sum was limited (`dedup.compare.LIMIT`)."""
    whole = sum(terms.values())
    limited = f"; the sum is {whole:+.2f}, and no pair counts for more" if abs(whole - score) > 0.1 else ""
    return f"score {score:+.2f} (0 or more tells the same{limited}): " + ", ".join(
        f"{name} {value:+.2f}" for name, value in terms.items()
    )
