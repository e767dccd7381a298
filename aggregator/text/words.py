"""Folds and splits text into words, in the same way for queries, the index and comparisons.

Tokens consist of `a`–`z`, `0`–`9` and characters beyond ASCII, never of blanks or ASCII punctuation. SQLite's FTS5 with
`tokenize='ascii'` keeps exactly these whole, because it takes every character beyond ASCII as part of a token. So an index
column is `" ".join(tokens(text))`. Its `unicode61` knows an older Unicode and must not be used.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

_LETTERS = {
    "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "ŧ": "t", "ŋ": "n", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ŀ": "l",
    "ƒ": "f", "ə": "e", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ȼ": "c", "ɨ": "i", "ʉ": "u",
    "ى": "ي", "ی": "ي", "ک": "ك", "ـ": None, "٪": " ",
    "’": "'", "‘": "'", "ʼ": "'", "ʻ": "'", "ʹ": "'", "′": "'", "`": "'", "´": "'", "‛": "'",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "\u00ad": None, "\u200c": None, "\u200d": None, "\u2060": None, "\ufeff": None, "\u034f": None,
}  # fmt: skip
"""Letters that Unicode doesn't decompose, letters that only differ by keyboard, quotes, dashes, invisible joiners."""

_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670\u06d6-\u06dc\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
"""Accents, Arabic and Hebrew points. Vowel signs of Indic scripts and Thai stay: they are not accents."""

_CYRILLIC = re.compile("[\u0400-\u052f]")
_CYRILLIC_FOLDED = {"ё": "е", "ѐ": "е", "ѝ": "и", "ӣ": "и", "ӯ": "у"}
"""й, ї, ў, ѓ and ќ are letters of their own, not accented ones."""

_UNSPACED_RANGES = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u3130-\u318f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48f\ua960-\ua97f\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Scripts without spaces between words (Thai, Lao, Burmese, Khmer, Tai, Han, kana, Yi), and Korean, which attaches particles."""
WORD_CHARACTER = rf"[^\W_{_UNSPACED_RANGES}]"
"""A letter or digit of a script with spaces between words, as part of a regular expression."""

_BEYOND_ASCII = re.compile("[^\x00-\x7f]+")
_FIRST_UNSPACED = "\u0e00"
_DOTTED = re.compile(r"(?<![\w.])(?:[^\W\d_]\.){2,}(?:[^\W\d_](?!\w))?(?!\w|\.\w)")
_DOT_LETTER_DOT = re.compile(r"\.[^\W\d_]\.")
"""Part of every dotted word: searching for it first is ten times as fast."""
_POSSESSIVE = re.compile(r"'s(?<=[^\W_]'s)(?!\w)")
"""Looks at the letter before the `'s` last: what begins with known characters is searched for ten times as fast. So below."""
_COMMA_DIGIT = re.compile(r",\d")
_THOUSANDS = re.compile(r"\d(?<![\d,.]\d)\d{0,2}(?:,\d{3})+(?![\d,])")


@cache
def _runs() -> re.Pattern[str]:
    """Runs of unspaced scripts and of others. Compiled on first use, because that takes 2 ms."""
    return re.compile(f"[{_UNSPACED_RANGES}]+|[^{_UNSPACED_RANGES}]+")


@cache
def _unspaced() -> re.Pattern[str]:
    """A character of an unspaced script."""
    return re.compile(f"[{_UNSPACED_RANGES}]")


class _FoldTable(dict[int, str | int | None]):
    """Caches what each character folds to."""

    def __missing__(self, code: int) -> str | int | None:
        folded = _fold_character(chr(code))
        self[code] = folded
        return folded


class _WordTable(dict[int, int | str]):
    """Keeps characters of words and turns all others into a blank."""

    def __missing__(self, code: int) -> int | str:
        kept = code if code > 127 and unicodedata.category(chr(code))[0] in "LNM" else " "
        self[code] = kept
        return kept


def _fold_character(character: str) -> str | int | None:
    if character in _LETTERS:
        return _LETTERS[character]
    if _MARKS.fullmatch(character):
        return None
    if _CYRILLIC.fullmatch(character):
        return _CYRILLIC_FOLDED.get(character, character)
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    parts = unicodedata.normalize("NFD", character)
    base = _MARKS.sub("", parts)
    if base == parts or not base:
        return ord(character)
    return "".join(str(_LETTERS.get(letter, letter)) for letter in unicodedata.normalize("NFC", base))


_FOLDS = _FoldTable()
_WORDS = _WordTable({code: chr(code) if chr(code).isalnum() else " " for code in range(128)})


def _fold_run(run: re.Match[str]) -> str:
    return run[0].translate(_FOLDS)


def fold(text: str) -> str:
    """The text without differences of case, accents, width, script of digits and typography. Folding twice changes nothing."""
    if text.isascii():
        return text.lower().replace("`", "'")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).replace("`", "'")
    folded = _BEYOND_ASCII.sub(_fold_run, folded)
    return folded if folded.isascii() or unicodedata.is_normalized("NFC", folded) else unicodedata.normalize("NFC", folded)


def tokens(text: str) -> list[str]:
    """The words of a text, folded, in order.

    Hyphens and apostrophes separate words (`al-Shabaab` is two, `l'Ukraine` too); a possessive `'s` is dropped; dotted letters
    are one word (`U.S.` is `us`), `1,000` is `1000`. A run of an unspaced script becomes overlapping pairs of characters and its
    last character (ABC: AB, BC, C), so that any part of it can be found: as a phrase of pairs, or as a prefix if it is one
    character.
    """
    if text.isascii() and text.isalnum():
        return [text.lower()]
    return _words(fold_and_join(text))


def searchable(text: str) -> str:
    """The text for an index column, in which FTS5 finds exactly `tokens(text)`. ASCII stays whole: FTS5 splits it as we do."""
    joined = fold_and_join(text)
    return joined if joined.isascii() else " ".join(_words(joined))


@lru_cache(maxsize=128)
def fold_and_join(text: str) -> str:
    """The folded text with dotted words and thousands joined into one piece, punctuation and all.

    Cached, because search, queries and what a reader sees are made from the same titles and texts, one after another.
    """
    folded = fold(text)
    if _DOT_LETTER_DOT.search(folded):
        folded = _DOTTED.sub(lambda found: found[0].replace(".", ""), folded)
    if "'s" in folded:
        folded = _POSSESSIVE.sub(" ", folded)
    if "," in folded and _COMMA_DIGIT.search(folded):
        folded = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), folded)
    return folded


def _words(joined: str) -> list[str]:
    words = joined.translate(_WORDS).split()
    if joined.isascii() or max(joined) < _FIRST_UNSPACED:
        return words
    return [token for word in words for token in _cut(word)]


def _cut(word: str) -> list[str]:
    unspaced = _unspaced()
    if not unspaced.search(word):
        return [word]
    cut: list[str] = []
    for run in _runs().findall(word):
        if unspaced.match(run):
            cut.extend(run[start : start + 2] for start in range(len(run)))
        else:
            cut.append(run)
    return cut


def is_unspaced(token: str) -> bool:
    """True if a token comes from a script without spaces (see `tokens`)."""
    return token >= _FIRST_UNSPACED and _unspaced().match(token) is not None
