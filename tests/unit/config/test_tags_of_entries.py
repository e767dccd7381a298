"""Which tags `keep`, `drop` and `dedup: never` may ask for: those that an entry has before rules and hooks are asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.load import load
from aggregator.errors import ConfigError
from aggregator.tag.check import check
from tests.unit.config.conftest import SOURCE

RULES = "tags: {sport: a}\nenrich: {model: {url: 'http://a.example/', tags: [read]}}\n"


def problems(folder: Path, text: str) -> list[str]:
    file = folder / "feeds.yaml"
    file.write_text(text)
    try:
        load(file, check, {})
    except ConfigError as error:
        return [str(problem).removeprefix(f"{file}:") for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "marked",
    [
        "defaults: {drop: 'tag:¦sport'}",
        "defaults: {keep: 'a OR -tag:¦SP*'}",
        "groups: {g: {drop: 'tag:¦read'}}",
        "dedup: {never: ['tag:¦sport']}",
    ],
)
def test_a_tag_that_rules_or_hooks_give_is_refused_at_its_place(tmp_path: Path, marked: str) -> None:
    told = problems(tmp_path, SOURCE + marked.replace("¦", "") + "\n" + RULES)
    assert [one.split(": ")[0] for one in told] == [f"2:{marked.index('¦') + 1}"], told
    assert "is given by a rule or hook once the entry is stored" in told[0] and "(query: -tag:" in told[0]


def test_tags_of_sources_and_mapped_categories_may_be_asked_for_whatever_rules_give(tmp_path: Path) -> None:
    source = "sources: [{url: 'http://a.example/', tags: [b0], drop: 'tag:sport OR tag:b0 OR tag:s*'}]\n"
    mapped = "categories: {map: {Sports: sport}}\ntags: {sport: a, b0: c}\n"
    assert problems(tmp_path, source + mapped) == []
    (told,) = problems(tmp_path, source.replace("b0 OR", "b1 OR") + mapped)
    assert "there is no tag b1; there are b0, sport" in told
