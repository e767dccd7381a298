"""The list of public suffixes, a top-level domain at a time, says what the whole list says."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as some
from publicsuffixlist import PSLFILE, PublicSuffixList

from aggregator.text.suffixes import rules_for

WHOLE = PublicSuffixList()
RULES = [
    line.split(" ")[0].lstrip("!*.")
    for line in Path(PSLFILE).read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("//")
]


def same(host: str) -> bool:
    rules = rules_for(host)
    return rules.privatesuffix(host) == WHOLE.privatesuffix(host) and rules.is_public(host) == WHOLE.is_public(host)


def test_every_rule_of_the_list_and_names_below_it() -> None:
    hosts = [rule.encode("idna").decode("ascii") for rule in RULES]
    assert len(hosts) > 8_000
    assert [host for rule in hosts for host in (rule, f"a.{rule}", f"www.b.{rule}") if not same(host)] == []


@given(some.from_regex(r"(?:[a-z0-9-]{1,4}\.){1,3}(?:com|co\.uk|ck|xn--[a-z0-9]{1,6}|xn--|[a-z]{1,3})", fullmatch=True))
def test_names_of_any_kind(host: str) -> None:
    assert same(host)


def test_labels_that_nobody_has_registered_share_one_list() -> None:
    assert rules_for("a.nowhere1") is rules_for("b.c.nowhere2")
    assert rules_for("a.nowhere1") is not rules_for("a.org")
