"""Tells by its context whether a common word is an organisation: `Apple sues` is, `Apple pie` is not. For English texts.

Texts are as written, apostrophes straight. Positions are character offsets. The words are in `data/acting.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from msgspec import Struct

from aggregator.tag.context import begins_sentence, possessive, word_after, word_before

CAPITAL_IN_TITLES = 5
"""Letters from which words in title case have a capital: a small one of so many before a name says that capitals mark names."""
STEPS = 4
"""Words looked at behind a name for its verb."""
_TOKEN = re.compile(r"[^\W_]+(?:['.-][^\W_]+)*")
_STAKE_IN = re.compile(r"\b(?:stakes?|shares|stock|investments?|trust|jobs|invests?|faith|investors) in $", re.I)
_IN_TALKS = re.compile(r" (?:\w+ )?(?:talks|court|deal|settlement|lawsuit)\b", re.I)
_EX = re.compile(r"\b(?:ex|anti|non)-$", re.I)
_OPEN = re.compile(r"[ ](?:[^\W_]|[$€£¥'\"‘“])")
"""The sentence goes on behind a name without a sign between."""


class Words(Struct, frozen=True):
    """The words of `data/acting.yaml`, which says what each kind is. acts: all forms of the verbs but the infinitive."""

    verbs: frozenset[str]
    doubled: frozenset[str]
    irregular: frozenset[str]
    nouns: frozenset[str]
    auxiliaries: frozenset[str]
    modals: frozenset[str]
    asking: frozenset[str]
    clause: frozenset[str]
    towards: frozenset[str]
    beside: frozenset[str]
    objects: frozenset[str]
    seems: frozenset[str]
    determiners: frozenset[str]
    hyphened: frozenset[str]
    small: frozenset[str]
    acts: frozenset[str] = frozenset()


@cache
def _words() -> Words:
    loaded = yaml.load(Path(__file__).with_name("data").joinpath("acting.yaml").read_text("utf-8"), yaml.CSafeLoader)
    kinds = {kind: frozenset(words.split()) for kind, words in loaded.items()}
    forms = frozenset(form for verb in kinds["verbs"] for form in _forms(verb, verb in kinds["doubled"]))
    return Words(**kinds, acts=forms | kinds["irregular"])


def _forms(verb: str, is_doubled: bool) -> Iterator[str]:
    """A verb's regular forms."""
    stem = verb + verb[-1] if is_doubled else verb.removesuffix("e")
    if verb.endswith(("sh", "ch", "ss", "x", "z", "o")):
        yield verb + "es"
    elif verb[-1] == "y" and verb[-2] not in "aeou":
        yield from (verb[:-1] + "ies", verb[:-1] + "ied")
    else:
        yield verb + "s"
    yield from (stem + "ed", stem + "ing")


def acts_as_organisation(text: str, start: int, end: int, capitals_tell: bool) -> bool:
    """True if a word is an organisation here: possessive, before a verb or noun of organisations, behind one that acts on it.

    capitals_tell: capitals mark names here, as in a title in sentence case.
    """
    if not may_be_organisation(text, start, end):
        return False
    if text.startswith("-", end):
        found = _TOKEN.match(text, end + 1)
        return found is not None and found[0].lower() in _words().hyphened
    before = word_before(text, start)
    asked = before is not None and before.lower() in _words().asking
    if possessive(text, end) or _has_verb_or_noun(text, end, asked):
        return True
    return before is not None and _is_acted_on(text, start, end, before, capitals_tell)


def may_be_organisation(text: str, start: int, end: int) -> bool:
    """False if the words around a name make something else of it: a determiner, another capital, a hyphen before it."""
    words = _words()
    if start and text[start - 1] in "-/#@":
        return _EX.search(text, max(0, start - 5), start) is not None
    before, after = word_before(text, start), word_after(text, end)
    low = before.lower() if before is not None else ""
    if after == "of" and low not in words.objects:
        return False
    if before is None:
        return True
    if low in words.determiners or low.endswith("'s"):
        return False
    if before[0].islower():
        return True
    return any(low in kind for kind in (words.clause, words.towards, words.objects, words.acts))


def _has_verb_or_noun(text: str, end: int, auxiliary: bool) -> bool:
    """True if a verb of organisations, or a noun of theirs, follows: `Meta will not say`, `Intel CEO`.

    auxiliary: one stands before the name.
    """
    words = _words()
    for _ in range(STEPS):
        found = _TOKEN.match(text, end + 1) if text.startswith(" ", end) else None
        if found is None:
            return False
        word, end = found[0].lower().removesuffix("'s"), found.end()
        if word in words.modals or word in words.acts or word in (words.verbs if auxiliary else words.nouns):
            return True
        if word == "in":
            return _IN_TALKS.match(text, end) is not None
        if word not in words.auxiliaries and not word.endswith("ly"):
            return False
        auxiliary = True
    return False


def _is_acted_on(text: str, start: int, end: int, before: str, capitals_tell: bool) -> bool:
    """True if the word before a name is a verb or preposition that shows an organisation: `Honeywell sues Apple`, `at Amazon`."""
    words, low = _words(), before.lower()
    after = (word_after(text, end) or "").lower()
    if low == "and" and after in words.verbs:
        return True
    if _OPEN.match(text, end) and not _may_follow(after):
        return False
    if low == "in":
        return _STAKE_IN.search(text, max(0, start - 30), start) is not None
    if low in words.objects or low in words.acts or (low in words.verbs and low not in words.seems):
        return True
    if before[0].islower() and (capitals_tell or len(before) >= CAPITAL_IN_TITLES):
        return low in words.towards
    is_first = begins_sentence(text, start - len(before) - 1)
    return low in words.beside and not is_first and not text.startswith(" and ", end)


def _may_follow(after: str) -> bool:
    """True if a word after a name doesn't make it a part of something: `at Apple for`, not `with Apple jam`."""
    words = _words()
    kinds = (words.towards, words.clause, words.small, words.verbs)
    return not after or after[0].isdigit() or any(after in kind for kind in kinds)
