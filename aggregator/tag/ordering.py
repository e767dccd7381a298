"""Orders rules that refer to each other's tags and topics. Circular rules are errors."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from msgspec import Struct

from aggregator.tag.nodes import Node, Value, terms
from aggregator.text.words import fold


class RuleName(Struct, frozen=True, order=True):
    """kind: "tag", "topic" or "output"; or "when", the threshold of an output."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Circular(ValueError):
    """Rules refer to each other in a circle, `names`."""

    def __init__(self, names: tuple[RuleName, ...]) -> None:
        super().__init__(" → ".join(map(str, names)))
        self.names = names


def references(node: Node) -> list[Value]:
    """The terms of a query that refer to tags or topics."""
    return [term for term in terms(node) if isinstance(term, Value) and term.field in ("tag", "topic")]


def levels(rules: Mapping[RuleName, Node]) -> list[list[RuleName]]:
    """Sorts rules into batches: each refers only to tags and topics of earlier batches. Raises Circular."""
    folded = {(name.kind, fold(name.name)): name for name in rules}
    sorter: TopologicalSorter[RuleName] = TopologicalSorter()
    for name, node in rules.items():
        needs = [other for term in references(node) for other in _meant(term, folded)]
        sorter.add(name, *needs)
    try:
        sorter.prepare()
    except CycleError as error:
        raise Circular(tuple(error.args[1])) from None
    batches: list[list[RuleName]] = []
    place = {name: number for number, name in enumerate(rules)}
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        batches.append(ready)
        sorter.done(*ready)
    return batches


def needs(rules: Mapping[RuleName, Node]) -> dict[RuleName, frozenset[RuleName]]:
    """The rules that each rule refers to, directly or by others. The rules must not be circular."""
    folded = {(name.kind, fold(name.name)): name for name in rules}
    found: dict[RuleName, frozenset[RuleName]] = {}
    for batch in levels(rules):
        for name in batch:
            direct = [other for term in references(rules[name]) for other in _meant(term, folded)]
            found[name] = frozenset(direct).union(*(found[other] for other in direct))
    return found


def _meant(term: Value, folded: Mapping[tuple[str, str], RuleName]) -> list[RuleName]:
    """The rules that a term refers to. Tags of sources and groups are no rules."""
    if not term.prefix:
        rule = folded.get((term.field, term.value))
        return [rule] if rule is not None else []
    return [rule for (kind, name), rule in folded.items() if kind == term.field and name.startswith(term.value)]
