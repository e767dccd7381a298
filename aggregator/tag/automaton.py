"""Finds the words of all queries in one pass over a text (Aho-Corasick). The only module that uses ahocorasick_rs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ahocorasick_rs import AhoCorasick, MatchKind

from aggregator.tag.nodes import Words

_NONE: frozenset[int] = frozenset()


class Vocabulary:
    """Numbers the words, phrases and prefixes of queries. A word in a thousand queries is one pattern."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, words: Words) -> int:
        """The number of a pattern: its tokens between blanks, with no blank at the end of a prefix."""
        pattern = f" {' '.join(words.tokens)}" + ("" if words.prefix else " ")
        return self._numbers.setdefault(pattern, len(self._numbers))

    def automaton(self) -> WordAutomaton:
        return WordAutomaton(list(self._numbers))


class WordAutomaton:
    """Finds which patterns are in a text."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._automaton = AhoCorasick(patterns, matchkind=MatchKind.Standard) if patterns else None

    def find(self, tokens: Iterable[str]) -> frozenset[int]:
        """Numbers of the patterns found in a sequence of tokens."""
        text = " ".join(tokens)
        if self._automaton is None or not text:
            return _NONE
        matches = self._automaton.find_matches_as_indexes(f" {text} ", overlapping=True)
        return frozenset([match[0] for match in matches]) if matches else _NONE


class NamePositions:
    """Finds names exactly as written, with their positions."""

    def __init__(self, names: Sequence[str]) -> None:
        self._automaton = AhoCorasick(names, matchkind=MatchKind.Standard) if names else None

    def find(self, text: str) -> list[tuple[int, int, int]]:
        """(number of the name, start, end) of every occurrence, overlapping ones too."""
        if self._automaton is None:
            return []
        return list(self._automaton.find_matches_as_indexes(text, overlapping=True))
