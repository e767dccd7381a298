"""The words of items for PostgreSQL: our own tokens as lexemes, without its parser and its dictionaries.

Where words stand is not stored, which would double the table. So a phrase selects the items that have all of its words: the
query's predicate decides, as for every `StoryFilter`. What is stored as a position says how often a word is told, which `ts_rank`
counts, and, by its weight, that it is in the title.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from struct import pack
from typing import Any

from aggregator.ports import COLUMNS, AnyOf, EveryOf, Nearby, Phrase, WordQuery

LONGEST = 200
"""Characters of a lexeme: PostgreSQL takes 2,046 bytes, and no word is that long."""
_AS_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum()}
COUNTED = 5
"""How often a word counts at most: a text that repeats it more is about nothing else either way."""


def search_words(row: Sequence[Any]) -> tuple[int, bytes]:
    """The row of table `search` for (item, title, text, author), the words as `tsvector` in its binary form.

    That is the number of words, then each word, a zero byte, the number of its marks and these, in two bytes each.
    """
    item, title, text, author = row
    named, told = frozenset(_words(title)), Counter(_words(text) + _words(author))
    marked = named.union([word for word, times in told.items() if times > 1])
    once = told.keys() - marked
    parts = [word.encode() + _marks(word in named, min(told[word], COUNTED)) for word in marked]
    return item, b"".join((pack(">i", len(once) + len(marked)), _UNMARKED.join((*once, "")).encode(), *parts))


_UNMARKED = "\0\0\0"
_IN_TITLE = 3 << 14 | 1
"""The first place, with weight A."""


def _words(text: str) -> list[str]:
    """The words of a text as `text.words.searchable` gives it, which leaves it to the index to split plain ASCII."""
    words = (text.translate(_AS_BLANKS) if text.isascii() else text).split()
    return words if max(map(len, words), default=0) <= LONGEST else [word[:LONGEST] for word in words]


@cache
def _marks(is_in_title: bool, times: int) -> bytes:
    """What stands behind a word in the title, or one that is told several times, which are COUNTED at most."""
    marks = [_IN_TITLE] if is_in_title else []
    if is_in_title or times > 1:
        marks += range(2, 2 + times)
    return b"\0" + pack(f">H{len(marks)}H", len(marks), *marks)


def expression(words: WordQuery) -> str:
    """The words as a tsquery that matches every item that they match, and more."""
    match words:
        case Phrase():
            return _all_words(words)
        case Nearby(first, second, _):
            return f"({_all_words(first)} & {_all_words(second)})"
        case EveryOf(parts, without):
            excluded = [f"!{expression(part)}" for part in without if _is_exact(part)]
            return f"({' & '.join([*map(expression, parts), *excluded])})"
        case AnyOf(parts):
            return f"({' | '.join(map(expression, parts))})"


def _is_exact(words: WordQuery) -> bool:
    """Whether the tsquery matches no more than the words do: only then may it exclude something."""
    match words:
        case Phrase(tokens, columns, _):
            return len(tokens) == 1 and len(tokens[0]) < LONGEST and set(columns) == set(COLUMNS)
        case Nearby():
            return False
        case EveryOf(parts, without):
            return all(map(_is_exact, (*parts, *without)))
        case AnyOf(parts):
            return all(map(_is_exact, parts))


def _all_words(phrase: Phrase) -> str:
    """The words of a phrase, with the weight of the title if it is looked for there alone."""
    weight = "A" if phrase.columns == ("title",) else ""
    last = len(phrase.tokens) - 1
    return f"({' & '.join(_lexeme(token, phrase.prefix and at == last, weight) for at, token in enumerate(phrase.tokens))})"


def _lexeme(token: str, prefix: bool, weight: str) -> str:
    marks = ("*" if prefix else "") + weight
    return _quoted(token) + (f":{marks}" if marks else "")


def _quoted(word: str) -> str:
    cut = word[:LONGEST].replace("\\", "\\\\").replace("'", "''")
    return f"'{cut}'"
