"""Checks a query without running it, as reading a config needs."""

from __future__ import annotations

from functools import lru_cache

from aggregator.errors import QueryError
from aggregator.ports import QueryNames
from aggregator.tag.fields import STORY_FIELDS, SUBJECTS, language_error, suggest
from aggregator.tag.nodes import Compare, Lead, Term, Value, of_stories, terms
from aggregator.tag.syntax import parse
from aggregator.text.words import fold

MAX_NAMED = 8
"""Names that an error lists when none is similar."""

_WHERE = {"topic": ": topics can be asked for in outputs and in search", "group": ": no source has a group"}


def check(text: str, names: QueryNames, *, rolling: bool, entry: bool) -> list[QueryError]:
    """Returns a query's syntax error, or an error for each unknown name in it (a ports.QueryChecker)."""
    try:
        node = parse(text)
    except QueryError as error:
        return [error]
    if entry and (chosen := of_stories(node)):
        name = "lead" if isinstance(chosen[0], Lead) else "outlets"
        return [QueryError(f"{name} belongs to a story; keep and drop look at a single entry", chosen[0].offset)]
    found = (_check_term(term, names, rolling, entry) for term in terms(node))
    return [error for error in found if error is not None]


def _check_term(term: Term, names: QueryNames, rolling: bool, entry: bool) -> QueryError | None:
    match term:
        case Compare(field="age") if not rolling:
            return QueryError(
                "age can be used in outputs and in search only: elsewhere an answer must not change with time", term.offset
            )
        case Value(field=field) | Compare(field=field) if entry and field in STORY_FIELDS:
            return QueryError(f"{field} belongs to a story; keep and drop look at a single entry", term.offset)
        case Value(field="lang"):
            return language_error(term.value, term.offset)
        case Value(field="tag") if _is_given_later(term, names):
            return QueryError(
                f"{term.text} is given by a rule or hook once the entry is stored, so no entry has it here: "
                f"ask for what the rule asks (words, url:, …), or leave the stories out of a feed (query: -{term.text})",
                term.offset,
            )
        case Value(field="source" | "group" | "tag" | "topic" | "subject"):
            return _check_name(term, _known(term.field, names))
        case Value(field="entity"):
            return _check_entity(term, names)
        case _:
            return None


def _is_given_later(term: Value, names: QueryNames) -> bool:
    """True if only rules and hooks give this tag, and these are asked later than the query."""
    if not names.given_later:
        return False
    now, later = _folded(names.tags), _folded(names.given_later)
    if term.prefix:
        return not any(name.startswith(term.value) for name in now) and any(name.startswith(term.value) for name in later)
    return term.value in later and term.value not in now


def _check_entity(term: Value, names: QueryNames) -> QueryError | None:
    from aggregator.tag.entities import entity_called, known_entities  # here: the lists are large, and few queries name one

    known = known_entities() | (names.entities or frozenset())
    if term.value in known or (term.prefix and any(name.startswith(term.value) for name in known)):
        return None
    meant = entity_called(term.value)
    if meant is None and names.entities is None and len(term.value) != len("ua"):
        return None
    hint = f"; did you mean {meant}?" if meant else suggest(term.value, known) if len(term.value) > len("ua") else ""
    rest = hint or "; countries are ISO 3166 codes (ua, gb), organisations short names (nato)"
    return QueryError(f"there is no entity {term.value}{rest}", term.offset)


def _known(field: str, names: QueryNames) -> frozenset[str]:
    match field:
        case "source":
            return names.sources
        case "group":
            return names.groups
        case "tag":
            return names.tags
        case "topic":
            return names.topics
        case _:
            return frozenset(SUBJECTS)


def _check_name(term: Value, known: frozenset[str]) -> QueryError | None:
    folded = _folded(known)
    if term.prefix:
        if any(name.startswith(term.value) for name in folded):
            return None
        return QueryError(f"no {term.field} begins with {term.value}", term.offset)
    if term.value in folded:
        return None
    if not known:
        return QueryError(f"{term.text}: no {term.field} can be named here{_WHERE.get(term.field, '')}", term.offset)
    some = ", ".join(sorted(known)[:MAX_NAMED]) + (" …" if len(known) > MAX_NAMED else "")
    hint = suggest(term.value, known) or f"; there are {some}"
    return QueryError(f"there is no {term.field} {term.value}{hint}", term.offset)


@lru_cache(maxsize=8)
def _folded(known: frozenset[str]) -> frozenset[str]:
    """The names folded. Cached, because each query that names a source needs all of them."""
    return frozenset(map(fold, known))


def ages(text: str) -> tuple[tuple[str, float], ...]:
    """The ages in a query, as (operator, seconds). With an age, the answer changes as time passes."""
    return tuple((term.operator, term.number) for term in terms(parse(text)) if isinstance(term, Compare) and term.field == "age")
