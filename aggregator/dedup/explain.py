"""Tells in words why two items are one story or not: each term and rule as a sentence, with the words that differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from aggregator.dedup.compare import FEW_RUNS, Weights
from aggregator.dedup.signature import RUN, STEM, TEXT, FindPlaces, no_places
from aggregator.model import Item
from aggregator.text.function_words import is_function_word
from aggregator.text.newswire import bare_title, without_dateline
from aggregator.text.number_words import number_words
from aggregator.text.words import tokens

MOST_WORDS = 6
"""Words of each side that a sentence names."""
HARDLY = 2.0
"""What speaks for one story, below which two items have hardly a word in common."""
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Told:
    """What an item tells, in words that a person can read. days: weekdays in its headline, 0 is Monday."""

    def __init__(self, item: Item, days: Iterable[int] = (), find_places: FindPlaces = no_places) -> None:
        self.item = item
        self.days = [_DAYS[day] for day in sorted(days)]
        self._find_places = find_places
        self._spelt = number_words(item.language)
        self._headline = bare_title(item.entry.title)
        self._body = without_dateline(item.entry.text[:TEXT])

    @cached_property
    def title(self) -> Mapping[str, str]:
        """Stem → word as written, of the headline, in order."""
        return {stem: word for word in _WORD.findall(self._headline) for stem in self._stems(word)}

    @cached_property
    def stems(self) -> frozenset[str]:
        """Stems of headline and text."""
        return frozenset(self._stems(f"{self._headline} {self._body}"))

    @cached_property
    def numbers(self) -> Mapping[str, None]:
        """Numbers of headline and text, in digits, in order."""
        words = self._spelt.in_digits(tokens(f"{self._headline} {self._body}"))
        found = [number.replace(",", "") for number in _NUMBER.findall(f"{self._headline} {self._body}")]
        return dict.fromkeys([*found, *(word for word in words if word in self._spelt.numbers)])

    @cached_property
    def has_text(self) -> bool:
        return len(tokens(self._body)) >= FEW_RUNS + RUN - 1

    @cached_property
    def countries(self) -> Mapping[str, tuple[str, bool]]:
        """Code → (as written, whether the headline names it)."""
        entry = self.item.entry
        found = self._find_places(entry.title, entry.text, self.item.language)
        return {place.code: (place.written, place.in_title) for place in sorted(found, key=lambda place: place.in_title)}

    def own_words(self, other: Told) -> list[str]:
        """Words of the headline that the other tells nowhere, without numbers and words that say nothing by themselves."""
        own = [word for stem, word in self.title.items() if stem not in other.stems and not any(map(str.isdigit, stem))]
        return [word for word in own if not is_function_word(word, self.item.language)]

    def own_names(self, other: Told) -> list[str]:
        return [word for word in self.own_words(other) if word[0].isupper()]

    def own_numbers(self, other: Told) -> list[str]:
        return [number for number in self.numbers if number not in other.numbers]

    def own_countries(self, other: Told) -> list[str]:
        return [written for code, (written, in_title) in self.countries.items() if in_title and code not in other.countries]

    def _stems(self, text: str) -> list[str]:
        return [token[:STEM] for token in self._spelt.in_digits(tokens(text))]


def because(a: Told, b: Told, rule: str, terms: Sequence[tuple[str, float]], weights: Weights) -> list[str]:
    """Returns what speaks for and against one story, the rule that decided first."""
    said = [_RULES[rule](a, b)] if rule in _RULES else []
    for name, value in terms:
        if name in _TERMS and (sentence := _TERMS[name](a, b, value, weights)):
            said.append(sentence)
    if terms and sum(max(0.0, value) for _, value in terms) < HARDLY:
        said.append("they have hardly a word in common")
    return said


def _either(a: Told, b: Told, own: Callable[[Told, Told], Sequence[str]]) -> str:
    """`: Peru / India`, the words that each has and the other lacks; nothing if neither has any."""
    sides = [", ".join(own(one, other)[:MOST_WORDS]) or "–" for one, other in ((a, b), (b, a))]
    return "" if sides == ["–", "–"] else f": {sides[0]} / {sides[1]}"


def _hours_apart(a: Told, b: Told) -> str:
    minutes = round(abs(a.item.published - b.item.published) / 60)
    if minutes < 90:
        return f"{minutes} minutes apart"
    return f"{minutes / 60:.0f} hours apart" if minutes < 72 * 60 else f"{minutes / 1440:.0f} days apart"


# --- terms
def _title_words(a: Told, b: Told, value: float, weights: Weights) -> str:
    counts = [(sum(stem in other.stems for stem in one.title), len(one.title)) for one, other in ((a, b), (b, a))]
    told, other = (f"{shared} of {whole}" for shared, whole in counts)
    return f"of the headline's words {told} are in the other entry, and {other} the other way round"


def _text_words(a: Told, b: Told, value: float, weights: Weights) -> str:
    return f"headlines and texts are alike by {value / weights.cosine:.0%}"


def _copied(a: Told, b: Told, value: float, weights: Weights) -> str:
    share = value / weights.copy
    if not (a.has_text and b.has_text):
        return f"one has next to no text; the headlines are the same by {share**0.5:.0%}"
    return f"{share:.0%} of the shorter text stands in the other word for word"


_TERMS: Mapping[str, Callable[[Told, Told, float, Weights], str]] = {
    "words of the title": _title_words,
    "words of the text": _text_words,
    "copied runs": _copied,
    "numbers that differ": lambda a, b, *_: f"against: numbers differ{_either(a, b, Told.own_numbers)}",
    "names that differ": lambda a, b, *_: f"against: names differ{_either(a, b, Told.own_names)}",
    "one form, filled in with other words": lambda a, b, *_: (
        f"against: the headlines are one form, filled in with other words{_either(a, b, Told.own_words)}"
    ),
    "time between": lambda a, b, *_: f"against: {_hours_apart(a, b)}",
    "other language": lambda a, b, *_: f"against: two languages ({a.item.language} / {b.item.language})",
    "same outlet": lambda *_: "against: both are of one outlet, which seldom reports one thing twice",
}
"""What each term of a score says to a person. The one that is left out is the same for all pairs: what is needed."""

_RULES: Mapping[str, Callable[[Told, Told], str]] = {
    "another day": lambda a, b: f"kept apart: the headlines name other days: {', '.join(a.days)} / {', '.join(b.days)}",
    "other countries": lambda a, b: (
        f"kept apart: each headline names a country that the other entry doesn't{_either(a, b, Told.own_countries)}"
    ),
    "a version without a name": lambda *_: (
        "kept apart: a headline that is a bare version number doesn't say of what; such entries join by their address alone, "
        "or within one outlet"
    ),
    "a headline that says nothing": lambda *_: (
        "kept apart: the headline says nothing by itself, so that the text must be nearly the same, and it isn't"
    ),
    "two entries of one moment": lambda *_: "kept apart: their outlet published both at once, under unlike headlines",
    "the next of a column": lambda a, b: (
        f"kept apart: like headlines {_hours_apart(a, b)} are the next of a column, or another day's report"
        f"{_either(a, b, Told.own_numbers)}"
    ),
    "one form, other facts": lambda a, b: (
        f"kept apart: both are of one form, and tell other facts{_either(a, b, Told.own_words)}"
        f"{_either(a, b, Told.own_numbers).replace(':', '; numbers:', 1)}"
    ),
    "a correction or an update": lambda *_: (
        "one calls itself a correction or an update of the other, so other numbers don't count"
    ),
}
"""What each rule of `judge` says to a person."""
