"""In which order rules are asked when they speak of each other's tags and topics; rules that go in circles are errors."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from msgspec import Struct

from aggregator.tag.nodes import Node, Value, terms
from aggregator.text.words import fold


class RuleName(Struct, frozen=True, order=True):
    """kind: "tag", "topic" or "output"."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Circular(ValueError):
    """Rules that need each other; `names` is the circle."""

    def __init__(self, names: tuple[RuleName, ...]) -> None:
        super().__init__(" → ".join(map(str, names)))
        self.names = names


def references(node: Node) -> list[Value]:
    """The terms of a query that speak of tags or topics."""
    return [term for term in terms(node) if isinstance(term, Value) and term.field in ("tag", "topic")]


def levels(rules: Mapping[RuleName, Node]) -> list[list[RuleName]]:
    """Rules in batches: each speaks only of tags and topics of batches before its own. Raises Circular."""
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


def _meant(term: Value, folded: Mapping[tuple[str, str], RuleName]) -> list[RuleName]:
    """The rules that a term speaks of; source and group tags are none."""
    if not term.prefix:
        rule = folded.get((term.field, term.value))
        return [rule] if rule is not None else []
    return [rule for (kind, name), rule in folded.items() if kind == term.field and name.startswith(term.value)]
