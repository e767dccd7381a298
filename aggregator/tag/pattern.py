"""Regular expressions by RE2, which matches in linear time whatever the pattern. The only module that uses RE2."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import re2

MAX_MEMORY = 1 << 20
"""Most bytes of a compiled pattern. Larger counted repetitions are refused."""


class BadPattern(ValueError):
    """RE2 refuses a pattern; the message says why."""


@lru_cache(maxsize=4096)
def compile_pattern(source: str, ignore_case: bool) -> Callable[[str], str | None]:
    """Returns a search function, which returns the first match's text or None. Raises BadPattern."""
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
