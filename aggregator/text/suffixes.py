"""The list of public suffixes in the package, given to its library one top-level domain at a time: all of it costs 40 ms."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from publicsuffixlist import PSLFILE, PublicSuffixList

_RULE = re.compile(r"^(?!//)\S+", re.MULTILINE)


def rules_for(host: str) -> PublicSuffixList:
    """The list as far as it can say anything of a host name: the rules of its last label."""
    top = _written(host.rpartition(".")[2].lower())
    return _rules(top if top in _lines() else "")  # one for all labels that nobody has registered: there is no end of them


def _written(label: str) -> str:
    """The label in its own script, as the list has it."""
    if not label.startswith("xn--"):
        return label
    try:
        return label.encode("ascii").decode("idna")
    except UnicodeError:
        return label


@cache
def _rules(top: str) -> PublicSuffixList:
    return PublicSuffixList(source=_lines().get(top, []))


@cache
def _lines() -> dict[str, list[str]]:
    """The rules of the list by their last label, which is written in its own script."""
    found: dict[str, list[str]] = {}
    for rule in _RULE.findall(Path(PSLFILE).read_text("utf-8")):
        found.setdefault(rule.rpartition(".")[2], []).append(rule)
    return found
