"""Where words stand in a text, for `a NEAR/5 b`: at most five words between them, in any order.

FTS5 measures the same distance (its NEAR: tokens between the end of the first phrase and the start of the last). It also lets
two phrases share words, which here they must not: `rate NEAR/5 rate` asks for two.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property

from aggregator.tag.nodes import Near, Words
from aggregator.tag.spelling import capitals, spelled
from aggregator.text.words import fold_and_join, tokens


class Spans:
    """The places of a word or phrase: its first token, and the one behind its last. Each list is sorted."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self.spans = sorted(set(spans))
        self.starts = [start for start, _ in self.spans]
        self.ends = sorted(end for _, end in self.spans)


class Places:
    """The words of one text, by their places."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._known: dict[tuple[Words, ...], Spans] = {}

    def of(self, alternatives: tuple[Words, ...]) -> Spans:
        """Where any of these words or phrases stands."""
        if alternatives not in self._known:
            self._known[alternatives] = Spans(
                (start, start + len(words.tokens)) for words in alternatives for start in self._starts(words)
            )
        return self._known[alternatives]

    @cached_property
    def _at(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, token in enumerate(self._tokens):
            found.setdefault(token, []).append(place)
        return found

    def _starts(self, words: Words) -> list[int]:
        asked, length = words.tokens, len(words.tokens)
        whole = asked[: length - 1] if words.prefix else asked
        if whole:
            found = [start for start in self._at.get(whole[0], ()) if self._tokens[start : start + len(whole)] == list(whole)]
        else:
            found = [start for token, starts in self._at.items() if token.startswith(asked[0]) for start in starts]
        if words.prefix and whole:
            found = [start for start in found if "".join(self._tokens[start + length - 1 : start + length]).startswith(asked[-1])]
        return [start for start in found if start in spelled_at] if (spelled_at := self._spelled_at(words)) is not None else found

    def _spelled_at(self, words: Words) -> set[int] | None:
        """The places at which the text shows the signs or capitals of a word; None for a word without any."""
        if words.acronym:
            return _places_of(capitals(words.tokens[0]), self._text)
        if words.spelled is not None:
            return _places_of(spelled(words.spelled, words.prefix), fold_and_join(self._text))
        return None


def has_near(places: Places, near: Near) -> bool:
    """True if the text has both sides with at most `distance` words between."""
    few, many = sorted((places.of(near.left), places.of(near.right)), key=lambda side: len(side.spans))
    return any(
        _has_between(many.starts, end, end + near.distance) or _has_between(many.ends, start - near.distance, start)
        for start, end in few.spans
    )


def _has_between(places: list[int], first: int, last: int) -> bool:
    at = bisect_left(places, first)
    return at < len(places) and places[at] <= last


def _places_of(pattern: re.Pattern[str], text: str) -> set[int]:
    """Where a pattern begins in a text, in words."""
    found, place, read = set(), 0, 0
    for hit in pattern.finditer(text):
        place += len(tokens(text[read : hit.start()]))
        read = hit.start()
        found.add(place)
    return found
