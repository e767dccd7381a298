"""Signs that belong to a word: `C++`, `C#`, `.NET`, `Node.js`, `AT&T`, `3.5`.

Texts are indexed by their letters and digits alone, so a query that has such a sign looks at what the index finds once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from aggregator.text.words import WORD_CHARACTER, fold_and_join

_MONEY = "$€£¥"
_INNER = frozenset("+#&.@%/" + _MONEY)
"""Signs that count between two letters. Others (hyphens, apostrophes, commas) only separate words."""
_CORE = re.compile(rf"(?:(?<!\.)\.|[#@+{_MONEY}]+)?(?=[^\W_]).*[^\W_][+#%{_MONEY}]*")
"""A word without the punctuation around it: a dot before it counts, one behind it ends a sentence."""
_PIECES = re.compile(r"[^\W_]+|[\W_]+")
_GAP = r"[\W_]+"

Spelling = Callable[[str], bool]
"""True if a text has the word as it is spelled."""


def has_signs(text: str) -> bool:
    """True if a word or phrase has signs that its tokens don't show."""
    return any(_is_sign(piece, core) for core in _cores(text) for piece in _PIECES.findall(core))


def spelling(text: str, prefix: bool) -> Spelling:
    """Finds the word or phrase with its signs, in any case and without accents. prefix: its last word may go on."""
    search = spelled(text, prefix).search
    return lambda text: search(fold_and_join(text)) is not None


def spelled(text: str, prefix: bool) -> re.Pattern[str]:
    """The word or phrase with its signs, as a pattern on a folded text."""
    cores = _cores(text)
    words = [_pattern(core, is_open=prefix and core is cores[-1]) for core in cores]
    return re.compile(_GAP.join(words))


def capitals(word: str) -> re.Pattern[str]:
    """`US` or `U.S.` in capitals, which a query written with dots asks for."""
    letters = [re.escape(letter.upper()) for letter in word]
    return re.compile(rf"(?<!\w)(?:{''.join(letters)}|{'[.]'.join(letters)}[.]?)(?!\w)")


def _cores(text: str) -> list[str]:
    return [found[0] for chunk in fold_and_join(text).split() if (found := _CORE.search(chunk))]


def _is_sign(piece: str, core: str) -> bool:
    if piece[0].isalnum():
        return False
    is_edge = core.startswith(piece) or core.endswith(piece)
    return is_edge or (not _INNER.isdisjoint(piece) and ".." not in piece)


def _pattern(core: str, is_open: bool) -> str:
    """A word's pattern. It starts and ends as the word: `C+` is not in `C++`, and `.NET` not in `planet.net`."""
    written = "".join(
        re.escape(piece) if piece[0].isalnum() or _is_sign(piece, core) else _GAP for piece in _PIECES.findall(core)
    )
    first, last = core[0], core[-1]
    before = f"(?<!{WORD_CHARACTER})" if first == "." or re.match(WORD_CHARACTER, first) else ""
    if first.isdigit():
        before += r"(?<!\d[.,])"
    if is_open:
        return before + written
    ends_in_sign = not last.isalnum()
    return before + written + (f"(?!{re.escape(last)})" if ends_in_sign else _end_of_word(last))


def _end_of_word(last: str) -> str:
    return f"(?!{WORD_CHARACTER})" if re.match(WORD_CHARACTER, last) else ""
