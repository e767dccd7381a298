"""Texts of others, as a language model may read them: what a person can't see, and what looks like markup, is taken out.

Hidden characters carry orders that no person sees (Unicode TR 36, 2.11; "ASCII smuggling" by tag characters and variation
selectors), and escape sequences reach the terminal of whoever reads an assistant's log.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from aggregator.text.chars import shorten

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\x9c]{0,2000}(?:\x07|\x1b\\|\x9c)?|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]"
)
"""Escape sequences of terminals (ECMA-48 5.4, and strings of 5.6), whole: without ESC alone, "[31m" would stay."""
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0d\U000e0000-\U000e0fff\U0001d173-\U0001d17a]"
)
"""Characters without a shape that Unicode doesn't call format characters (DerivedCoreProperties, Default_Ignorable), and the
empty Braille pattern."""
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"
"""Needed by scripts and emoji, one at a time; in a row they are a code."""
_ROWS_OF_JOINERS = re.compile(f"[{_JOINERS}]{{2,}}")
_DROPPED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
"""General categories: controls, format characters, surrogates, private use, unassigned."""
_TAG_LIKE = re.compile(r"[<＜﹤]([^\s=\d<>＜＞﹤﹥][^<>＜＞﹤﹥]*)[>＞﹥]")
_OPENING_LIKE = re.compile(r"[<＜﹤](?=[^\s=\d])")
"""What looks like a tag, also of a model's own markup (`<|…|>`). A comparison (`a < b`, `outlets>=3`) does not."""


def clean(text: str, limit: int) -> str:
    """The text on one line, of what a person sees alone; what looks like a tag has other brackets. Cut with an ellipsis."""
    seen = text if text.isascii() and text.isprintable() else _visible(text)
    line = _OPENING_LIKE.sub("‹", _TAG_LIKE.sub(r"‹\1›", " ".join(seen.split())))
    return shorten(line, limit)


def _visible(text: str) -> str:
    spaced = _ESCAPES.sub("", text).translate(dict.fromkeys((9, 10, 11, 12, 13, 133, 8232, 8233), " "))
    bare = _ROWS_OF_JOINERS.sub("", _INVISIBLE.sub("", spaced))
    return "".join(one for one in bare if one in _JOINERS or unicodedata.category(one) not in _DROPPED)


def clean_all(value: Any, limit: int) -> Any:
    """All texts in lists and mappings cleaned."""
    if isinstance(value, str):
        return clean(value, limit)
    if isinstance(value, dict):
        return {key: clean_all(one, limit) for key, one in value.items()}
    return [clean_all(one, limit) for one in value] if isinstance(value, list | tuple) else value
