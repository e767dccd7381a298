"""What YAML makes of a plain word: the traps by which `no` becomes false, `12:30` becomes 750 and `0123` becomes 83.

YAML 1.1 and 1.2 and their libraries differ; what any of them reads as something else than text counts here, so that
a file means the same to every editor and checker.
"""

from __future__ import annotations

import re

from msgspec import Struct

FALSE, TRUE = frozenset({"no", "off", "false"}), frozenset({"yes", "on", "true"})
NULL = frozenset({"", "~", "null", "Null", "NULL"})
NUMERIC = frozenset("0123456789+-.")
SUSPECT = NUMERIC | frozenset("~nNyYtTfFoO")
"""No other first character can begin anything but text; no other than the numeric ones one of FORMS."""

WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F_]+"), "a hexadecimal number"),
    (re.compile(r"[-+]?0b[01_]+"), "a binary number"),
    (re.compile(r"[-+]?0o?[0-7_]+"), "an octal number"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), "a number in base 60"),
    (re.compile(r"[-+]?[0-9][0-9_]*"), "a number"),
    (re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"), "a number"),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), "a number"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"), "a date"),
)


class Trap(Struct, frozen=True):
    """A plain word that YAML reads as something of little use here. reads_as: "a date", "the number 750 (base 60)", …"""

    written: str
    reads_as: str


Plain = str | int | bool | Trap | None


def reading(text: str) -> Plain:
    """A plain (unquoted) scalar as text, whole number, truth value, nothing or a trap."""
    if text in NULL:
        return None
    if text[0] not in SUSPECT:
        return text
    if text.lower() in TRUE | FALSE and text in (text.lower(), text.upper(), text.capitalize()):
        return text.lower() in TRUE
    if text[0] not in NUMERIC:
        return text
    if WHOLE.fullmatch(text) and text != "-0":
        return int(text)
    for form, name in FORMS:
        if form.fullmatch(text):
            return Trap(text, _worth(text, name) or name)
    return text


def _worth(text: str, name: str) -> str:
    """The number that YAML would silently take, where that tells something."""
    digits = text.replace("_", "")
    if len(digits) > 18:
        return ""
    try:
        if name == "a number in base 60":
            total = 0
            for part in digits.lstrip("+-").split(":"):
                total = total * 60 + int(part)
            return f"the number {total} (base 60)"
        bases = {"a hexadecimal number": 16, "a binary number": 2, "an octal number": 8}
        if name in bases:
            return f"the number {int(digits.lower().replace('0o', '0'), bases[name])} ({name.split()[1]})"
    except ValueError:
        pass
    return ""
