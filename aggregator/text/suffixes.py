"""The Public Suffix List, loaded one top-level domain at a time, because all of it takes 40 ms."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from publicsuffixlist import PSLFILE, PublicSuffixList

_RULE = re.compile(r"^(?!//)\S+", re.MULTILINE)


def rules_for(host: str) -> PublicSuffixList:
    """The rules that can apply to a host name: those of its last label."""
    top = _in_unicode(host.rpartition(".")[2].lower())
    return _rules(top if top in _lines() else "")  # unknown labels share one: there is no end of them


def is_private(suffix: str) -> bool:
    """True for a suffix below which its owner gives names away: `blogspot.com`, `github.io`; False for `co.uk`."""
    return suffix in _private()


@cache
def _private() -> frozenset[str]:
    return frozenset(_RULE.findall(Path(PSLFILE).read_text("utf-8").partition("BEGIN PRIVATE DOMAINS")[2]))


def _in_unicode(label: str) -> str:
    """The label in Unicode, as in the list."""
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
    """The rules of the list by their last label, in Unicode."""
    found: dict[str, list[str]] = {}
    for rule in _RULE.findall(Path(PSLFILE).read_text("utf-8")):
        found.setdefault(rule.rpartition(".")[2], []).append(rule)
    return found
