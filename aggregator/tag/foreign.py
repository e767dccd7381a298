"""Operators of other query languages (Lucene, FTS5, Google, LexisNexis, SQL), which would silently be words or nothing here."""

from __future__ import annotations

import re

from aggregator.errors import QueryError

_SMALL = {"or": "OR", "and": "AND", "not": "NOT"}
_AT_START = {
    "&": "words beside each other are both needed: leave it out", "+": "words beside each other are all needed: leave it out",
    "!": "write -word to exclude",
}  # fmt: skip
_ANYWHERE = {
    "|": "write OR for either", "&&": "words beside each other are both needed: leave it out",
    "~": "there are no near matches: write word* for all that begin so", "^": "words can't weigh more or less: leave it out",
}  # fmt: skip
_ALL_OF_ONE = re.compile(r"[&|]+")
_MARK = re.compile(r"\|\|?|&&|[~^]")
_DISTANCE = re.compile(r"(?:NEAR|ONEAR|AROUND|ADJ)(?:\d*|/.*)|(?i:near|onear|around|within|adj|pre|w|n|p)/\d+")
_WILDCARD = re.compile(r"\?|(?<=[^\W\d_])%")
_PATTERN_SIGN = re.compile(r"[\\\[\]{}]")


def check_word(text: str, offset: int) -> None:
    """Raises QueryError if a word without quotes is, or has, an operator that this language doesn't know."""
    _check_pattern(text, offset)
    _check_marks(text, offset)
    if text[0] == "#":
        raise QueryError(f'write tag:{text[1:] or "…"} for a tag; the hashtag itself is looked for in quotes: "{text}"', offset)
    if _DISTANCE.fullmatch(text):
        raise QueryError(
            f'there is no {text}: write nato NEAR/5 ukraine for at most five words between; the word itself is "{text}"',
            offset,
        )
    if found := _WILDCARD.search(text):
        raise QueryError(
            f"{found[0]} stands for nothing: write {_begun(text, found)}* for all words that begin so, or a pattern in slashes, "
            f'/{text[: found.start()]}.{text[found.end() :]}/; as punctuation leave it out, or write "{text}"',
            offset + found.start(),
        )


def check_small(text: str, offset: int) -> None:
    """Raises QueryError for an operator in small letters."""
    if text in _SMALL:
        big = _SMALL[text]
        raise QueryError(f'{text} in small letters would be a word to look for; write {big}, or "{text}" if it is meant', offset)


def _check_marks(text: str, offset: int) -> None:
    whole = _ALL_OF_ONE.match(text)
    found = whole or _MARK.search(text)
    mark = found[0] if found else text[0]
    hint = _ANYWHERE.get(mark) or _ANYWHERE.get(mark[0]) or (_AT_START.get(mark) if text.startswith(mark) else None)
    if hint is not None and len(text) > 1 and not text.strip("+"):
        raise QueryError(f"{text!r} has no letter or digit to look for", offset)
    if hint is not None:
        raise QueryError(f"{mark} means nothing here; {hint}", offset + (found.start() if found else 0))


def _check_pattern(text: str, offset: int) -> None:
    """A pattern that is not closed, not opened, or without its slashes."""
    if text[0] == "/" and text != "/":
        raise QueryError(
            f'this pattern is not closed: write /{text.strip("/")}/, or "{text}" for the text itself (url:{text} for an address)',
            offset,
        )
    if text[-1] == "/" and text != "/":
        raise QueryError(f'a pattern has a slash at either end: /{text}; to look for the text itself, write "{text}"', offset)
    if found := _PATTERN_SIGN.search(text):
        raise QueryError(
            f'{found[0]} means nothing outside a pattern: write /{text}/; to look for the text itself, write "{text}"',
            offset + found.start(),
        )


def _begun(text: str, found: re.Match[str]) -> str:
    return text[: found.start()] or "word"
