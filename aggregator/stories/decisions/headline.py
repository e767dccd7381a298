"""Checks a headline that a person typed."""

from __future__ import annotations

import re

from aggregator.errors import UsageError
from aggregator.text.chars import one_line, scrub

LONGEST = 300
"""Characters of a headline: three times what outlets write, and a line that readers still show."""

_LINE_BREAKS = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>?|<[!?]|&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")


def checked_headline(text: str) -> str:
    """Returns the headline on one line, with single spaces. Raises UsageError if it can't be shown as it is written."""
    line = one_line(text)
    if _LINE_BREAKS.search(text.strip()) or scrub(text) != text:
        raise UsageError("the headline has a line break, or a character that can't be printed: write it on one line")
    if not line:
        raise UsageError("the headline is empty; to have the article's own again, undo the decision that changed it")
    if found := _MARKUP.search(line):
        raise UsageError(
            f"the headline has markup ({found.group()[:40]}): a headline is plain text, write the characters themselves"
        )
    if len(line) > LONGEST:
        raise UsageError(f"the headline has {len(line):,} characters; at most {LONGEST} can be shown")
    return line
