"""Singular and plural: `plurals:en` lets each word of a query match the other form, too, by a light rule for English.

The endings are those of Harman's S-stemmer (D. Harman, How Effective Is Suffixing?, JASIS 42(1), 1991): -s, -ies for -y; and
beyond it -es after s, x, z, ch, sh and o (taxes, crashes, vetoes), and -ies for -ie (movies). They know no words: *men* and
*crises* stay apart from *man* and *crisis*, and *news* finds *new*. A stemmer cuts both words; here the query's word is
written in its forms instead, so that the words of texts and of the index stay as they are.
"""

from __future__ import annotations

import re

from aggregator.errors import QueryError
from aggregator.tag.grammar import Branch, Either
from aggregator.tag.nodes import AUTHOR, Any, Node, Words

OPTION = "plurals"
LANGUAGE = "en"

SHORTEST = 3
"""Letters of a singular: shorter ones are mostly no nouns (`hi`, `his`)."""

_TAKES_ES = re.compile(r".+(?:as|ss|us|x|z|ch|sh|o)")


def without_option(either: Either) -> tuple[Either, bool]:
    """The query without `plurals:en`, which may stand anywhere in it outside of brackets, and whether it was there."""
    rest = [[branch for branch in every if not _is_option(branch)] for every in either]
    for every, kept in zip(either, rest, strict=True):
        if not kept:
            raise QueryError(f"{OPTION}:{LANGUAGE} is an option: there is nothing to look for beside it", every[0].first.start)
    return rest, sum(map(len, rest)) < sum(map(len, either))


def _is_option(branch: Branch) -> bool:
    first, value = branch.first, branch.value
    if first.kind != "FIELD" or first.text.lower() != f"{OPTION}:" or value is None:
        return False
    if value.start != first.end:
        raise QueryError(f"{first.text} needs its value right behind it", first.start)
    if value.text.lower() != LANGUAGE:
        raise QueryError(f"plurals are known of English alone: write {OPTION}:{LANGUAGE}", value.start)
    return True


def with_forms(word: Node) -> Node:
    """A word in all of its forms; what is a prefix, has signs, or is no English word stays as it is."""
    if not isinstance(word, Words) or word.prefix or word.needs_text or word.fields == (AUTHOR,):
        return word
    *before, last = word.tokens
    name = f"{word.fields[0]}:" if len(word.fields) == 1 else ""
    others = [
        Words((*before, form), word.fields, False, False, name + "-".join((*before, form)), word.offset)
        for form in forms(last)
        if form != last
    ]
    return Any((word, *others)) if others else word


def forms(word: str) -> list[str]:
    """The word, its plurals, and the words that it is a plural of."""
    if not word.isascii() or not word.isalpha():
        return [word]
    candidates = [word + "s", word + "es", word[:-1] + "ies", word[:-1], word[:-2], word[:-3] + "y"]
    return [word, *(form for form in dict.fromkeys(candidates) if is_plural(form, word) or is_plural(word, form))]


def is_plural(word: str, singular: str) -> bool:
    """True if a word is a plural of another one by its ending."""
    if len(singular) < SHORTEST:
        return False
    if word == singular + "s":
        return not word.endswith(("us", "ss"))
    if word == singular + "es":
        return _TAKES_ES.fullmatch(singular) is not None
    return singular.endswith("y") and word == singular[:-1] + "ies" and not word.endswith(("eies", "aies"))
