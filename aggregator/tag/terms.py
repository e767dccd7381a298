"""Parses the terms of a query: words, phrases, patterns, values, numbers. Each raises QueryError with its position."""

from __future__ import annotations

import re

from aggregator.errors import QueryError
from aggregator.tag.dates import dated
from aggregator.tag.fields import (
    DATE_FIELDS,
    FIRST_OF,
    NUMBER_FIELDS,
    OUTLETS,
    TEXT_FIELDS,
    VALUE_FIELDS,
    WHOLE_FIELDS,
    language,
    suggest,
    unknown_field,
)
from aggregator.tag.foreign import check_small, check_word
from aggregator.tag.nodes import ANYWHERE, Any, Compare, Dated, Near, Node, Pattern, Term, Value, Words, of_stories, show, terms
from aggregator.tag.pattern import BadPattern, compile_pattern
from aggregator.tag.spelling import has_signs
from aggregator.text.words import fold, is_unspaced, tokens

MAX_PATTERN = 1_000
"""Characters of a regular expression."""
MAX_DISTANCE = 100
"""Words between two that are near: more is a text of its own."""

_ACRONYM = re.compile(r"(?:[^\W\d_]\.){2,}[^\W\d_]?")
_REGEX = re.compile(r"/(.+)/([a-z]*)", re.DOTALL)
_PATH = re.compile(r"[\w./~%+=&,@-]+")
_COMPARE = re.compile(r"([a-z_]+)\s*([<>=]+)\s*(.*)", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,3})?")
_AGE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([a-z]*)", re.IGNORECASE)
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}


def bare_word(text: str, offset: int) -> Words:
    """A word without a field: searched in title and body."""
    return _words(text, ANYWHERE, text, offset, offset)


def bare_phrase(text: str, offset: int) -> Words:
    """Words in quotes: adjacent in title or body."""
    return _phrase(text, ANYWHERE, text, offset, offset)


def field_term(field: str, kind: str, text: str, start: int, offset: int, timezone: str) -> Term:
    """A term with a field. start: position of the field; offset: position of its value; kind: the token's kind.

    timezone: in which the days of dates are.
    """
    whole = f"{field}:{text}"
    if kind not in ("WORD", "PHRASE", "REGEX"):
        raise QueryError(f"{text} can't stand inside {field}:(…)", offset)
    if field in TEXT_FIELDS:
        match kind:
            case "REGEX":
                return pattern(text, (field,), whole, offset)
            case "PHRASE":
                return _phrase(text, (field,), whole, start, offset)
            case _:
                return _words(text, (field,), whole, start, offset)
    if field in DATE_FIELDS:
        return dated(field, kind, text, whole, start, offset, timezone)
    if field in NUMBER_FIELDS:
        example = {"age": "age<2d", "rank": "rank<=1"}.get(field, f"{field}>=3")
        raise QueryError(f"{field} is a number: write {example}", start)
    if field not in VALUE_FIELDS:
        raise unknown_field(field, start)
    if field == "url":
        return _url(kind, text, whole, offset)
    if kind == "REGEX":
        raise QueryError(f"{field}: takes no regular expression (title:, body:, author: and url: do)", offset)
    return _value(field, kind, text, whole, offset)


def pattern(text: str, fields: tuple[str, ...], whole: str, offset: int) -> Pattern:
    """A regular expression between slashes; a trailing `i` ignores case."""
    found = _REGEX.fullmatch(text)
    assert found is not None
    source, flags = found[1].replace("\\/", "/"), found[2]
    if flags not in ("", "i"):
        hint = f'; to look for the text itself, write "{text}" in quotes'
        raise QueryError(f"a regular expression has no flag {flags}, only i{hint}", offset + len(text) - len(flags))
    if len(source) > MAX_PATTERN:
        raise QueryError(f"the regular expression is too long: at most {MAX_PATTERN:,} characters", offset)
    try:
        compile_pattern(source, flags == "i")
    except BadPattern as error:
        raise QueryError(f"bad regular expression: {error}", offset) from None
    return Pattern(source, fields, flags == "i", whole, offset)


def compare(text: str, offset: int) -> Compare:
    """A number compared: `outlets>=3`, `age<2d` (units s, m, h, d, w)."""
    found = _COMPARE.fullmatch(text)
    assert found is not None
    field, operator, number = found[1].lower(), found[2], found[3]
    if field in DATE_FIELDS:
        raise QueryError(f"{field} is not a number: write date:…, before:… or after:…", offset)
    if field in TEXT_FIELDS or field in VALUE_FIELDS:
        number_of = {"outlet": "outlets", "thread": "thread_outlets"}.get(field)
        meant = f"; did you mean {number_of}{operator}{number}?" if number_of else f": write {field}:…"
        raise QueryError(f"{field} is not a number{meant}", offset)
    if field not in NUMBER_FIELDS:
        raise QueryError(
            f"there is no number {field}{suggest(field, NUMBER_FIELDS)} (to look for a text, put it in quotes)", offset
        )
    if operator not in ("<", "<=", ">", ">=", "="):
        meant = {"=>": ">=", "=<": "<=", "==": "="}.get(operator, ">=")
        raise QueryError(f"{operator} is no comparison; did you mean {meant}?", offset + found.start(2))
    value = _age(number, operator, offset + found.start(3)) if field == "age" else _number(field, number, offset + found.start(3))
    return Compare(field, operator, value, re.sub(r"\s+", "", text), offset)


def counted(name: str, text: str, start: int, offset: int) -> tuple[str, float, str]:
    """The comparison behind `outlets(…)`: operator, number, and how they are written. start, offset: of the name and of it."""
    if name.lower() != OUTLETS:
        raise QueryError(f"{name}(…) counts nothing; did you mean outlets(…)>=2?", start)
    if not text:
        raise QueryError("outlets(…) needs a number behind it: outlets(group:wires)>=2", start)
    found = compare(OUTLETS + text, offset - len(OUTLETS))
    return found.operator, found.number, found.text.removeprefix(OUTLETS)


def check_of_entries(node: Node, where: str) -> None:
    """Refuses what single entries don't have, in a query that chooses among a story's entries."""
    if inner := of_stories(node):
        raise QueryError(f"{inner[0].text} can't stand inside {where}: it asks for the whole story", inner[0].offset)
    for term in terms(node):
        if isinstance(term, Dated) or (isinstance(term, Value | Compare) and term.field in WHOLE_FIELDS):
            name = term.text.partition(":")[0] if isinstance(term, Dated) else term.field
            raise QueryError(f"{name} belongs to the whole story: ask for it outside of {where}", term.offset)


def near(left: Node, right: Node, text: str, places: tuple[int, int, int]) -> Near:
    """Two words or phrases near each other. text: the operator; places: of the operands, and of the operator between."""
    distance = int(text.removeprefix("NEAR/")[:9])
    if distance > MAX_DISTANCE:
        raise QueryError(f"{text} is too far: at most NEAR/{MAX_DISTANCE}, which is so many words between", places[2])
    sides = [_words_of(side, text, place) for side, place in ((left, places[0]), (right, places[1]))]
    if len(fields := {word.fields for side in sides for word in side}) > 1:
        raise QueryError(f"{text} looks in one field: write title:(nato {text} ukraine)", places[2])
    written = [show(side, inside=True) for side in (left, right)]
    return Near(sides[0], sides[1], distance, fields.pop(), f"{written[0]} NEAR/{distance} {written[1]}", places[0])


def _words_of(node: Node, operator: str, place: int) -> tuple[Words, ...]:
    """The alternatives on one side of NEAR."""
    words = node.parts if isinstance(node, Any) else (node,)
    found = tuple(word for word in words if isinstance(word, Words))
    if len(found) < len(words):
        raise QueryError(f'{operator} joins words and phrases, "red line" {operator} (nato OR ukraine), and nothing else', place)
    return found


def _number(field: str, text: str, offset: int) -> float:
    if not _NUMBER.fullmatch(text):
        raise QueryError(f"{field} needs a number, such as {field}>=3" if not text else f"{text} is not a number", offset)
    return float(text)


def _age(text: str, operator: str, offset: int) -> float:
    found = _AGE.fullmatch(text)
    if found is None:
        raise QueryError("age needs a duration, such as age<2d or age<90m", offset)
    if not found[2]:
        raise QueryError(f"{text} of what? write {text}d for days, {text}h for hours, {text}m for minutes", offset)
    if found[2].lower() not in _UNITS:
        raise QueryError(f"{found[2]} is no unit of time: s, m, h, d or w", offset + found.start(2))
    if operator == "=":
        raise QueryError("an age is never exact: write age<… or age>…", offset)
    return float(found[1]) * _UNITS[found[2].lower()]


def _words(text: str, fields: tuple[str, ...], whole: str, start: int, offset: int) -> Words:
    if fields == ANYWHERE:
        check_small(text, offset)
    if "://" in text:
        raise QueryError(f"to look for an address, write url:{text}", offset)
    check_word(text, offset)
    if _ACRONYM.fullmatch(text):
        return Words(tuple(tokens(text)), fields, False, True, whole, start)
    return _cut(text, fields, whole, start, offset)


def _phrase(text: str, fields: tuple[str, ...], whole: str, start: int, offset: int) -> Words:
    return _cut(text[1:-1], fields, whole, start, offset + 1)


def _cut(text: str, fields: tuple[str, ...], whole: str, start: int, offset: int) -> Words:
    """The tokens of a word or phrase, split as texts are. A trailing star makes the last one a prefix."""
    star = text.find("*")
    prefix = star >= 0
    if prefix and star != len(text.rstrip()) - 1:
        raise QueryError("* stands only at the end of a word: all words that begin so", offset + star)
    found = tokens(text[:star] if prefix else text)
    if not found:
        raise QueryError(
            f"{text.strip()!r} has no letter or digit to look for" if text.strip() else "empty quotes: nothing to look for", start
        )
    found, prefix = _open_end(found, prefix)
    if prefix and len(found[-1]) < 2 and not is_unspaced(found[-1]):
        raise QueryError("a prefix needs at least two characters", offset)
    spelled = text[:star] if star >= 0 else text
    return Words(tuple(found), fields, prefix, False, whole, start, spelled if has_signs(spelled) else None)


def _open_end(found: list[str], prefix: bool) -> tuple[list[str], bool]:
    """In a script without spaces a query may end inside a word: its last character alone is dropped, or made a prefix."""
    last = found[-1]
    if len(last) > 1 or not is_unspaced(last):
        return found, prefix
    if len(found) > 1 and len(found[-2]) == 2 and found[-2][1] == last and is_unspaced(found[-2]):
        return found[:-1], False
    return found, True


def _url(kind: str, text: str, whole: str, offset: int) -> Pattern | Value:
    """Part of the address, ignoring case, or a regular expression on it.

    Slashes around plain characters are part of the path: `url:/live/` does not match `/deliver/`.
    """
    found = _REGEX.fullmatch(text) if kind in ("REGEX", "WORD") else None
    if found is not None and (found[2] == "i" or (not found[2] and not _PATH.fullmatch(found[1]))):
        return pattern(text, ("url",), whole, offset)
    piece = text[1:-1] if kind == "PHRASE" else text
    if not piece.strip():
        raise QueryError("empty quotes: nothing to look for", offset)
    if "*" in piece:
        raise QueryError(
            "url: finds its text anywhere in the address: leave * out, or write url:/…/ as a regular expression", offset
        )
    return Value("url", piece.lower(), False, whole, offset)


def _value(field: str, kind: str, text: str, whole: str, offset: int) -> Value:
    value = text[1:-1] if kind == "PHRASE" else text
    star = value.find("*")
    if star >= 0 and (star != len(value) - 1 or field in ("lang", "site", "subject", "thread", "first")):
        raise QueryError(
            "* stands only at the end of a name" if star != len(value) - 1 else f"{field}: takes no *", offset + star
        )
    name = fold(value[:star] if star >= 0 else value).strip()
    if field == "lang":
        name = language(name)
    if field == "site":
        name = name.removeprefix("www.").strip(".")
    if not name and star < 0:
        raise QueryError("empty quotes: nothing to look for", offset)
    if field == "first" and name != FIRST_OF:
        raise QueryError(f"first:{name} finds nothing; did you mean first:{FIRST_OF}, the first story of each thread?", offset)
    if field == "thread" and not _ID.fullmatch(name):
        raise QueryError(f"{name} is no thread's id: `aggregator stories --json` names the threads of stories", offset)
    return Value(field, name, star >= 0, whole, offset)
