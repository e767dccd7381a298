"""Regular expressions by RE2, the only module that knows it: matching takes time linear in the text, whatever the pattern."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import re2

MAX_MEMORY = 1 << 20
"""Bytes that one compiled pattern may take: counted repetitions beyond it are refused."""


class BadPattern(ValueError):
    """A pattern that RE2 does not take; the text says why."""


@lru_cache(maxsize=4096)
def compile_pattern(source: str, ignore_case: bool) -> Callable[[str], str | None]:
    """A search function: the first match's text, or None. Raises BadPattern."""
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        compiled = re2.compile(source, options=options)
    except re2.error as error:
        raise BadPattern(_reason(error)) from None

    def search(text: str) -> str | None:
        found = compiled.search(text)
        return None if found is None else found[0]

    return search


def _reason(error: Exception) -> str:
    argument = error.args[0] if error.args else error
    text = argument.decode("utf-8", "replace") if isinstance(argument, bytes) else str(argument)
    return " ".join(text.split())
