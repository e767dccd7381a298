"""Explains why a query matches a story or not, by the branch that decided."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from aggregator.tag.automaton import Vocabulary
from aggregator.tag.dates import day_of
from aggregator.tag.facts import Facts
from aggregator.tag.matcher import Compiled, compile_node, count_outlets
from aggregator.tag.nodes import (
    All,
    Any,
    Compare,
    Counted,
    Dated,
    Lead,
    Near,
    Node,
    Not,
    Pattern,
    Term,
    Value,
    Words,
    positive_terms,
    show,
)

MAX_NAMED = 6
"""Failed alternatives that are named."""


class Explanation(Struct, frozen=True):
    """branch: the part of the query that matched (and where), or failed; terms: the terms that decided.

    place: the number among the story's items, from 0, of the one whose words decided; None where no single one did.
    """

    matched: bool
    branch: str
    terms: tuple[Term, ...]
    place: int | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The terms that decided, as written."""
        return tuple(term.text for term in self.terms)

    def __str__(self) -> str:
        return self.branch


def explain(compiled: Compiled, facts: Facts, vocabulary: Vocabulary) -> Explanation:
    """Explains by the first matching item; if none matches, by the part that no item (or not the same item) meets."""
    return _Explainer(facts, vocabulary).of(compiled)


class _Explainer:
    def __init__(self, facts: Facts, vocabulary: Vocabulary) -> None:
        self.facts = facts
        self.vocabulary = vocabulary

    def of(self, compiled: Compiled) -> Explanation:
        mask = compiled.match(self.facts)
        if not mask:
            return self.failed(compiled)
        bit = mask & -mask
        explanation = self.matched(compiled, bit)
        if (
            isinstance(compiled.node, Lead)
            or len(self.facts.items) == 1
            or not any(isinstance(term, Words | Near | Pattern) for term in explanation.terms)
        ):
            return explanation
        place = bit.bit_length() - 1
        return Explanation(True, f"{explanation.branch} [{self.facts.items[place].source}]", explanation.terms, place)

    def matched(self, compiled: Compiled, bit: int) -> Explanation:
        match compiled.node:
            case All():
                each = [self.matched(part, bit) for part in compiled.parts]
                decided = tuple(term for explanation in each for term in explanation.terms)
                return Explanation(True, ", ".join(explanation.branch for explanation in each), decided)
            case Any():
                return self.matched(next(part for part in compiled.parts if part.match(self.facts) & bit), bit)
            case Not(Not()):
                return self.included(compiled.parts[0].parts[0], bit)
            case Not(part):
                return Explanation(True, f"no {show(part, True)}", ())
            case Lead():
                found = self.matched(compiled.parts[0], self.facts.lead)
                return Explanation(True, f"the lead has {found.branch}", found.terms)
            case Counted() as counted:
                return Explanation(True, f"{counted.text}{self.count(compiled)}", _terms(counted))
            case Words(fields=fields) | Near(fields=fields) | Pattern(fields=fields) as term if len(fields) > 1:
                where = next((name for name in fields if self.is_in(term, name, bit)), fields[0])
                return Explanation(True, f"{term.text} in the {where}", (term,))
            case term:
                return Explanation(True, term.text, (term,))

    def included(self, compiled: Compiled, bit: int) -> Explanation:
        """Of a double exclusion, which asks for what any item of the story has: by the item at hand, if that has it."""
        mask = compiled.match(self.facts)
        found = self.matched(compiled, mask & bit or mask & -mask)
        return found if mask & bit else Explanation(True, f"another entry has {found.branch}", found.terms)

    def is_in(self, term: Words | Near | Pattern, field: str, bit: int) -> bool:
        if isinstance(term, Words) and not term.needs_text:
            return bool(self.facts.words[field].get(self.vocabulary.number(term), 0) & bit)
        return bool(compile_node(replace(term, fields=(field,)), self.vocabulary).match(self.facts) & bit)

    def failed(self, compiled: Compiled) -> Explanation:
        node = compiled.node
        match node:
            case All():
                missing = [part for part in compiled.parts if not part.match(self.facts)]
                if missing:
                    return self.failed(missing[0])
                return Explanation(False, f"{show(node)}: each is there, but never in the same item", _terms(node))
            case Any(parts):
                named = ", ".join(show(part) for part in parts[:MAX_NAMED])
                more = f" and {len(parts) - MAX_NAMED} more" if len(parts) > MAX_NAMED else ""
                return Explanation(False, f"none of {named}{more}", _terms(node))
            case Not(Not()):
                return self.failed(compiled.parts[0].parts[0])
            case Not():
                found = self.of(compiled.parts[0])
                return Explanation(False, f"excluded by {found.branch}", found.terms)
            case Lead():
                return Explanation(False, f"the lead does not meet {node.text}", _terms(node))
            case Counted():
                return Explanation(False, f"not {node.text}{self.count(compiled)}", _terms(node))
            case Compare():
                return Explanation(False, f"not {node.text}{self.actual(node)}", (node,))
            case Value():
                return Explanation(False, f"not {node.text}{self.thread(node)}", (node,))
            case Dated():
                day = day_of(self.facts.published, node.timezone)
                return Explanation(False, f"not {node.text} (it is of {day})", (node,))
            case Near(left, right):
                both = compile_node(All((Any(left), Any(right))), self.vocabulary).match(self.facts)
                return Explanation(False, f"no {node.text}{' (both are there, not so near)' if both else ''}", (node,))
            case _:
                return Explanation(False, f"no {node.text}", (node,))

    def count(self, compiled: Compiled) -> str:
        return f" (it has {count_outlets(self.facts, compiled.parts[0].match(self.facts))})"

    def thread(self, node: Value) -> str:
        """What is known of the story's thread, where a query asks for it."""
        thread = self.facts.thread
        match node.field:
            case "thread":
                return f" (it is in thread {thread.id})" if thread else " (it is in no thread)"
            case "first":
                return f" (its thread began with {thread.first})" if thread else ""
            case _:
                return ""

    def actual(self, node: Compare) -> str:
        match node.field:
            case "outlets":
                return f" (it has {self.facts.outlets})"
            case "thread_outlets":
                return f" ({'its thread' if self.facts.thread else 'it is in no thread, and'} has {self.facts.thread_outlets})"
            case "items":
                return f" (it has {len(self.facts.items)})"
            case "rank":
                return f" (at best {min((item.rank for item in self.facts.items), default=0)})"
            case "words":
                return f" (at most {max(self.facts.counts, default=0)})"
            case "thread_age":
                hours = (self.facts.as_of - self.facts.newest) / 3600
                return f" (the newest report of {'its thread' if self.facts.thread else 'it'} is {hours:.0f}h old)"
            case "age":
                return f" (it is {(self.facts.as_of - self.facts.published) / 3600:.0f}h old)"
            case unknown:
                raise AssertionError(unknown)


def _terms(node: Node) -> tuple[Term, ...]:
    return tuple(positive_terms(node))
