"""Compiles a query's tree to a function that returns which of a story's items match (a bit mask, 0 for none)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import reduce
from typing import TypeAlias

from msgspec import Struct

from aggregator.model import Item
from aggregator.model.stories import first_of_outlets
from aggregator.tag.automaton import Vocabulary
from aggregator.tag.facts import Facts
from aggregator.tag.nodes import All, Any, Compare, Counted, Lead, Node, Not, Pattern, Term, Value, Words
from aggregator.tag.pattern import compile_pattern
from aggregator.tag.spelling import Spelling, spelling

Matcher: TypeAlias = Callable[[Facts], int]
Key: TypeAlias = int | tuple[str, str]
"""What a story must have for a query to match: a pattern's number, or (field, value)."""

LONG_LIST = 8
"""Words from which testing all at once is faster than one by one."""

SEARCH = 16
"""Terms that are tested in the time a regular expression takes to search an item's texts."""

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq,
}  # fmt: skip


class Compiled(Struct, frozen=True):
    """A query, or a part of one, with its predicate. parts: of its node, in order."""

    node: Node
    match: Matcher
    parts: tuple[Compiled, ...] = ()


def compile_node(node: Node, vocabulary: Vocabulary, *, by_item: bool = False) -> Compiled:
    """Compiles a query. `Not` looks at the whole story: it excludes the story if any item matches its part.

    by_item: it looks at each item alone, as inside of `lead:` and `outlets(…)`.
    """
    match node:
        case All(nodes):
            parts = tuple(compile_node(part, vocabulary, by_item=by_item) for part in nodes)
            return Compiled(node, _all([part.match for part in sorted(parts, key=_size)]), parts)
        case Any(nodes):
            parts = tuple(compile_node(part, vocabulary, by_item=by_item) for part in nodes)
            return Compiled(node, _any_word(nodes, vocabulary) or _any([part.match for part in parts]), parts)
        case Not(part):
            excluded = compile_node(part, vocabulary, by_item=by_item)
            inner = excluded.match
            if by_item:
                return Compiled(node, lambda facts: facts.everything & ~inner(facts), (excluded,))
            return Compiled(node, lambda facts: 0 if inner(facts) else facts.everything, (excluded,))
        case Lead(part):
            asked = compile_node(part, vocabulary, by_item=True)
            return Compiled(node, _lead(asked.match), (asked,))
        case Counted(part):
            asked = compile_node(part, vocabulary, by_item=True)
            return Compiled(node, _counted(node, asked.match), (asked,))
        case _:
            return Compiled(node, _term(node, vocabulary))


def _lead(asked: Matcher) -> Matcher:
    return lambda facts: facts.everything if asked(facts) & facts.lead else 0


def _counted(node: Counted, asked: Matcher) -> Matcher:
    holds, number = _COMPARE[node.operator], node.number
    return lambda facts: facts.everything if holds(count_outlets(facts, asked(facts)), number) else 0


def count_outlets(facts: Facts, mask: int) -> int:
    """How many outlets the items in a mask are of."""
    return len(first_of_outlets(item for at, item in enumerate(facts.items) if mask >> at & 1))


def _term(term: Term, vocabulary: Vocabulary) -> Matcher:
    match term:
        case Words():
            return _words(term, vocabulary.number(term))
        case Pattern():
            return _pattern(term)
        case Value():
            return _value(term)
        case Compare():
            return _compare(term)


def _all(parts: list[Matcher]) -> Matcher:
    def match(facts: Facts) -> int:
        mask = facts.everything
        for part in parts:
            mask &= part(facts)
            if not mask:
                return 0
        return mask

    return match


def _any(parts: list[Matcher]) -> Matcher:
    def match(facts: Facts) -> int:
        mask = 0
        for part in parts:
            mask |= part(facts)
            if mask == facts.everything:
                return mask
        return mask

    return match


def _size(compiled: Compiled) -> int:
    """Rough cost of a part: cheap parts are tested first."""
    node = compiled.node
    reads = isinstance(node, Pattern) or (isinstance(node, Words) and node.needs_text)
    return (SEARCH if reads else 1) + sum(map(_size, compiled.parts))


def _any_word(nodes: tuple[Node, ...], vocabulary: Vocabulary) -> Matcher | None:
    """One predicate for a long list of plain words in the same fields; None for anything else."""
    words = [node for node in nodes if isinstance(node, Words) and not node.needs_text]
    fields = {node.fields for node in words}
    if len(words) < max(len(nodes), LONG_LIST) or len(fields) != 1:
        return None
    numbers = frozenset(map(vocabulary.number, words))
    (names,) = fields

    def match(facts: Facts) -> int:
        mask = 0
        for name in names:
            found = facts.words[name]
            for number in found.keys() & numbers:
                mask |= found[number]
        return mask

    return match


def _words(node: Words, number: int) -> Matcher:
    fields = node.fields
    is_spelled = _spelling(node)

    def match(facts: Facts) -> int:
        mask = 0
        for name in fields:
            mask |= facts.words[name].get(number, 0)
        if is_spelled is not None and mask:
            mask &= _items_with(facts, lambda item: any(is_spelled(text) for text in texts(item, fields)))
        return mask

    return match


def _spelling(node: Words) -> Spelling | None:
    """What a text must show besides the tokens, if anything."""
    if node.spelled is not None:
        return spelling(node.spelled, node.prefix)
    if not node.acronym:
        return None
    capitals = _capitals(node.tokens[0])
    return lambda text: capitals.search(text) is not None


def _capitals(word: str) -> re.Pattern[str]:
    """`US` or `U.S.` in capitals, which a query written with dots asks for."""
    letters = [re.escape(letter.upper()) for letter in word]
    return re.compile(rf"(?<!\w)(?:{''.join(letters)}|{'[.]'.join(letters)}[.]?)(?!\w)")


def _pattern(node: Pattern) -> Matcher:
    search = compile_pattern(node.source, node.ignore_case)
    fields = node.fields
    return lambda facts: _items_with(facts, lambda item: any(search(text) is not None for text in texts(item, fields)))


def _value(node: Value) -> Matcher:
    name, value = node.field, node.value
    if name == "url":
        return lambda facts: _items_with(facts, lambda item: any(value in url.lower() for url in texts(item, ("url",))))
    if not node.prefix:
        key = (name, value)
        return lambda facts: facts.values.get(key, 0)
    return lambda facts: reduce(
        operator.or_,
        (mask for (field, found), mask in facts.values.items() if field == name and found.startswith(value)),
        0,
    )


def _compare(node: Compare) -> Matcher:
    holds, number = _COMPARE[node.operator], node.number
    match node.field:
        case "outlets":
            return lambda facts: facts.everything if holds(facts.outlets, number) else 0
        case "thread_outlets":
            return lambda facts: facts.everything if holds(facts.thread_outlets, number) else 0
        case "items":
            return lambda facts: facts.everything if holds(len(facts.items), number) else 0
        case "age":
            return lambda facts: facts.everything if holds(facts.as_of - facts.published, number) else 0
        case "thread_age":
            return lambda facts: facts.everything if holds(facts.as_of - facts.newest, number) else 0
        case "rank":
            return lambda facts: _items_with(facts, lambda item: holds(item.rank, number))
        case _:
            return lambda facts: sum(1 << at for at, count in enumerate(facts.counts) if holds(count, number))


def _items_with(facts: Facts, test: Callable[[Item], bool]) -> int:
    return sum(1 << number for number, item in enumerate(facts.items) if test(item))


def texts(item: Item, fields: tuple[str, ...]) -> list[str]:
    """The unchanged texts of an item in these fields."""
    found: list[str] = []
    for name in fields:
        match name:
            case "title":
                found.append(item.title)
            case "body":
                found.append(item.entry.text)
            case "author":
                found.extend(item.entry.authors)
            case _:
                found.extend(url for url in (item.entry.url, item.canonical) if url)
    return found


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
