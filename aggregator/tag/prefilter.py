"""Turns a query into a filter for the store: it lets through every story that the query matches, and few others."""

from __future__ import annotations

import math
from collections.abc import Iterable

from aggregator.model import Instant
from aggregator.ports import AnyOf, EveryOf, Nearby, Phrase, QueryNames, StoryFilter, WordQuery
from aggregator.ports.search import EVER, Column
from aggregator.tag.fields import SAME_LANGUAGE
from aggregator.tag.nodes import AUTHOR, All, Any, Compare, Dated, Lead, Near, Node, Not, Value, Words, positive_terms
from aggregator.text.words import fold

MAX_PAIRS = 50
"""Pairs of words that NEAR is looked for of in the index; of more, it looks for both sides."""
_COLUMNS: dict[str, Column] = {"title": "title", "body": "text", "author": "author"}


def story_filter(node: Node, names: QueryNames, as_of: Instant) -> StoryFilter:
    """The filter of a query. Patterns, exclusions and numbers are left to the query's predicate.

    names: known names as the config spells them. An unknown name narrows nothing.
    """
    parts = node.parts if isinstance(node, All) else (node,)
    since = [
        as_of - part.number for part in parts if isinstance(part, Compare) and part.field == "age" and part.operator[0] == "<"
    ]
    topics = _spelt(_only(parts, "topic"), names.topics)
    languages = _only(parts, "lang")
    return StoryFilter(
        words=word_query(node) or _of_the_story(parts),
        sources=_spelt(_only(parts, "source"), names.sources),
        groups=_spelt(_only(parts, "group"), names.groups),
        tags=_spelt(_only(parts, "tag"), names.tags),
        topic=_alone(topics),
        thread=_alone(_only(parts, "thread")),
        language=_alone(languages) if languages is not None and languages.isdisjoint(SAME_LANGUAGE.values()) else None,
        since=max(since) if since else None,
        published=_published(node),
    )


def _of_the_story(parts: Iterable[Node]) -> WordQuery | None:
    """The words of a double exclusion or of the lead, which any item may meet. They can't be ANDed with words of one item."""
    inner = [part.part.part for part in parts if isinstance(part, Not) and isinstance(part.part, Not)]
    inner += [part.part for part in parts if isinstance(part, Lead)]
    known = [found for part in inner if (found := word_query(part))]
    return min(known, key=_size) if known else None


def _size(words: WordQuery) -> int:
    """Number of phrases: fewer let fewer stories through."""
    return 1 if isinstance(words, Phrase | Nearby) else sum(map(_size, words.parts))


def _alone(values: frozenset[str] | None) -> str | None:
    return next(iter(values)) if values is not None and len(values) == 1 else None


def _spelt(values: frozenset[str] | None, known: frozenset[str]) -> frozenset[str] | None:
    """Folded values as the config spells them; None if one is unknown."""
    if values is None:
        return None
    spellings: dict[str, set[str]] = {}
    for name in known:
        spellings.setdefault(fold(name), set()).add(name)
    if not all(value in spellings for value in values):
        return None
    return frozenset(name for value in values for name in spellings[value])


def word_query(node: Node) -> WordQuery | None:
    """The words of a query for the full-text index; None if words alone don't decide.

    The index answers item by item, for exclusions, too. So it finds a superset: the query excludes by the whole story.
    """
    match node:
        case All(parts):
            known = tuple(_sure(parts))
            excluded = [part.part for part in parts if isinstance(part, Not) and answered_by_index(part.part)]
            return EveryOf(known, tuple(_sure(excluded))) if known else None
        case Any(parts):
            sure = tuple(_sure(parts))
            return AnyOf(sure) if len(sure) == len(parts) else None
        case Words():
            return _phrase(node)
        case Near(left, right):
            if len(left) * len(right) > MAX_PAIRS:
                return EveryOf((AnyOf(tuple(map(_phrase, left))), AnyOf(tuple(map(_phrase, right)))))
            return AnyOf(tuple(Nearby(_phrase(one), _phrase(other), node.distance) for one in left for other in right))
        case _:
            return None


def relevant_words(node: Node) -> WordQuery | None:
    """What a search by relevance weighs: the words outside any exclusion, each once."""
    found = [term for term in positive_terms(node) if isinstance(term, Words | Near)]
    words = [word for term in found for word in ((*term.left, *term.right) if isinstance(term, Near) else (term,))]
    return AnyOf(tuple(dict.fromkeys(map(_phrase, words)))) if words else None


def _phrase(words: Words) -> Phrase:
    return Phrase(words.tokens, tuple(_COLUMNS[name] for name in words.fields), words.prefix)


def _sure(nodes: Iterable[Node]) -> list[WordQuery]:
    return [found for node in nodes if (found := word_query(node)) is not None]


def answered_by_index(node: Node) -> bool:
    """True if the index finds exactly the matching stories: words of titles and texts with AND and OR."""
    match node:
        case Words():
            return not node.needs_text and AUTHOR not in node.fields
        case All(parts) | Any(parts):
            return all(answered_by_index(part) for part in parts)
        case _:
            return False


def answered_for_one_item(node: Node) -> bool:
    """True if the index answers exactly for stories of one item, where excluding the story is excluding the item."""
    match node:
        case All(parts):
            excluded = [part.part for part in parts if isinstance(part, Not)]
            needed = [part for part in parts if not isinstance(part, Not)]
            return bool(needed) and all(map(answered_by_index, excluded)) and all(map(answered_for_one_item, needed))
        case Any(parts):
            return all(map(answered_for_one_item, parts))
        case _:
            return answered_by_index(node)


def _published(node: Node) -> tuple[Instant, Instant]:
    """Since when and before when every matching story was published."""
    match node:
        case Dated(since, until):
            return since, until
        case Not(Dated(since, until)) if since == -math.inf:
            return until, math.inf
        case Not(Dated(since, until)) if until == math.inf:
            return -math.inf, since
        case All(parts):
            firsts, lasts = zip(*map(_published, parts), strict=True)
            return max(firsts), min(lasts)
        case Any(parts):
            firsts, lasts = zip(*map(_published, parts), strict=True)
            return min(firsts), max(lasts)
        case _:
            return EVER


def _only(parts: Iterable[Node], field: str) -> frozenset[str] | None:
    """Values of a field of which every matching story has at least one, or None."""
    sets = [found for part in parts if (found := _values(part, field)) is not None]
    return min(sets, key=len) if sets else None


def _values(node: Node, field: str) -> frozenset[str] | None:
    match node:
        case Value() if node.field == field and not node.prefix:
            return frozenset((node.value,))
        case Any(parts):
            each = [_values(part, field) for part in parts]
            sure = [found for found in each if found is not None]
            return frozenset().union(*sure) if len(sure) == len(each) else None
        case All(parts):
            return _only(parts, field)
        case Not() | _:
            return None
