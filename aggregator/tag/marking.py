"""Marks the words in a text by which a query matched it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aggregator.tag.nodes import Near, Pattern, Term, Words
from aggregator.tag.pattern import compile_pattern
from aggregator.tag.spelling import spelling
from aggregator.text.words import tokens

_PIECES = re.compile(r"[^\s]+|\s+")
_NOTHING = ("\0",)


def marked(text: str, terms: Iterable[Term]) -> list[tuple[str, bool]]:
    """The text in pieces, each with True if it is a deciding word. Joined, the pieces are the text.

    The words of a phrase are marked wherever they occur: enough for a person to see what was found. A word with signs (`C++`) is
    marked as it is spelled.
    """
    terms = [part for term in terms for part in ((*term.left, *term.right) if isinstance(term, Near) else (term,))]
    words = [term for term in terms if isinstance(term, Words)]
    spelled = [spelling(term.spelled, term.prefix) for term in words if term.spelled and " " not in term.spelled.strip()]
    wanted = [term for term in words if not term.spelled or " " in term.spelled.strip()]
    patterns = [found for term in terms if isinstance(term, Pattern) if (found := _found(term, text))]
    whole = {token for term in wanted for token in (term.tokens[:-1] if term.prefix else term.tokens)}
    begun = tuple(term.tokens[-1] for term in wanted if term.prefix)
    pieces: list[tuple[str, bool]] = []
    for piece in _PIECES.findall(text):
        hit = not piece.isspace() and (
            _is_hit(piece, whole, begun) or any(is_in(piece) for is_in in spelled) or any(piece in found for found in patterns)
        )
        if pieces and pieces[-1][1] == hit:
            pieces[-1] = (pieces[-1][0] + piece, hit)
        else:
            pieces.append((piece, hit))
    return pieces


def excerpt(text: str, terms: Iterable[Term], width: int = 160) -> str:
    """At most `width` characters of a text around the first deciding word, or its beginning if there is none."""
    terms = tuple(terms)
    at = 0
    for piece, hit in marked(text, terms):
        if hit:
            break
        at += len(piece)
    else:
        at = 0
    start = max(0, min(at - width // 3, len(text) - width))
    cut = text[start : start + width].strip()
    return ("… " if start else "") + " ".join(cut.split()) + (" …" if start + width < len(text) else "")


def _is_hit(piece: str, whole: set[str], begun: tuple[str, ...]) -> bool:
    return any(token in whole or token.startswith(begun or _NOTHING) for token in tokens(piece))


def _found(term: Pattern, text: str) -> str | None:
    return compile_pattern(term.source, term.ignore_case)(text)
