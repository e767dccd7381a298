"""Compiles a query's tree to a function that returns which of a story's items match (a bit mask, 0 for none)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import TypeAlias

from msgspec import Struct

from aggregator.model import Item
from aggregator.model.stories import first_of_outlets
from aggregator.tag.automaton import Vocabulary
from aggregator.tag.facts import Facts
from aggregator.tag.near import Places, has_near
from aggregator.tag.nodes import All, Any, Compare, Counted, Dated, Lead, Near, Node, Not, Pattern, Term, Value, Words
from aggregator.tag.pattern import compile_pattern
from aggregator.tag.spelling import Spelling, capitals, spelling

Matcher: TypeAlias = Callable[[Facts], int]

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
        case Near():
            return _near(term, vocabulary)
        case Pattern():
            return _pattern(term)
        case Value():
            return _value(term)
        case Compare():
            return _compare(term)
        case Dated(since, until):
            return lambda facts: facts.everything if since <= facts.published < until else 0


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
    reads = isinstance(node, Pattern | Near) or (isinstance(node, Words) and node.needs_text)
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


def _near(node: Near, vocabulary: Vocabulary) -> Matcher:
    """Looks for the distance only in texts that have both sides."""
    left, right = (tuple(map(vocabulary.number, side)) for side in (node.left, node.right))

    def match(facts: Facts) -> int:
        mask = 0
        for name in node.fields:
            found = facts.words[name]
            both = _any_of(found, left) & _any_of(found, right) & ~mask
            for number in range(len(facts.items) if both else 0):
                if both >> number & 1 and any(has_near(places, node) for places in _places(facts, number, name)):
                    mask |= 1 << number
        return mask

    return match


def _any_of(found: dict[int, int], numbers: tuple[int, ...]) -> int:
    return reduce(operator.or_, (found.get(number, 0) for number in numbers), 0)


def _places(facts: Facts, number: int, field: str) -> list[Places]:
    """The places of the words of an item's texts in a field, read once for all queries."""
    key = (number, field)
    if key not in facts.places:
        facts.places[key] = [Places(text) for text in texts(facts.items[number], (field,))]
    return facts.places[key]


def _spelling(node: Words) -> Spelling | None:
    """What a text must show besides the tokens, if anything."""
    if node.spelled is not None:
        return spelling(node.spelled, node.prefix)
    if not node.acronym:
        return None
    search = capitals(node.tokens[0]).search
    return lambda text: search(text) is not None


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
        case "words":
            return lambda facts: sum(1 << at for at, count in enumerate(facts.counts) if holds(count, number))
        case unknown:
            raise AssertionError(unknown)


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
                found.append(item.text)
            case "author":
                found.extend(item.entry.authors)
            case _:
                found.extend(url for url in (item.entry.url, item.canonical) if url)
    return found
