"""Which stories a query need not be asked of: those that have none of its anchors."""

from __future__ import annotations

from typing import TypeAlias

from aggregator.tag.automaton import Vocabulary
from aggregator.tag.nodes import All, Any, Counted, Lead, Near, Node, Value, Words

Key: TypeAlias = int | tuple[str, str]
"""What a story must have for a query to match: a pattern's number, or (field, value)."""

USUAL_WORD = 6
"""Letters of a word of average rarity: longer words, and phrases, are rarer."""
_COST = {
    "entity": 2.0, "origin": 4.0, "category": 4.0, "site": 5.0, "outlet": 5.0, "tag": 6.0, "topic": 6.0, "source": 6.0,
    "subject": 8.0, "thread": 1.0,
}  # fmt: skip
_COST_OF_COMMON_VALUE = 20.0
"""For group, lang and first: half of all stories share a value."""


def anchors(node: Node, vocabulary: Vocabulary) -> tuple[float, frozenset[Key]] | None:
    """(cost, keys of which a matching story has at least one); None if a story may match without any. Rare keys are cheap.

    Of thousands of queries, only those with an anchor in the story are tested.
    """
    match node:
        case Words():
            rare = sum(map(len, node.tokens)) / USUAL_WORD
            return (2.0 if node.prefix or node.needs_text else 1.0) / rare, frozenset((vocabulary.number(node),))
        case Near(left, right):
            return anchors(All((Any(left), Any(right))), vocabulary)
        case Value() if node.field != "url" and not node.prefix:
            return _COST.get(node.field, _COST_OF_COMMON_VALUE), frozenset(((node.field, node.value),))
        case Lead(part):
            return anchors(part, vocabulary)
        case Counted(part) if node.operator[0] == ">" and node.number >= 1:
            return anchors(part, vocabulary)
        case All(parts):
            known = [found for part in parts if (found := anchors(part, vocabulary)) is not None]
            return min(known, key=lambda found: found[0]) if known else None
        case Any(parts):
            each = [anchors(part, vocabulary) for part in parts]
            if any(found is None for found in each):
                return None
            sure = [found for found in each if found is not None]
            return sum(cost for cost, _ in sure), frozenset().union(*(keys for _, keys in sure))
        case _:
            return None
