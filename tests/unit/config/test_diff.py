"""What a reload changes, in names; never in values, which may be secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.diff import compare
from aggregator.config.load import load
from aggregator.stories.upkeep.adopt_config import fingerprints
from tests.unit.config.conftest import Loader, marks

BEFORE = """
site: {title: A}
sources:
  - {id: one, url: "http://a.example/"}
  - {id: two, url: "http://b.example/", every: 15m}
tags: {x: a}
topics: [{slug: t, query: a, expect: {match: [a]}}]
outputs: [{slug: o, query: b}]
hosts: {reddit.com: {gap: 5s}}
"""


def test_the_same_file_changes_nothing(config: Loader) -> None:
    difference = compare(config(BEFORE), config("# a line more moves places\n" + BEFORE))
    assert not difference
    assert str(difference) == "nothing"


def test_everything_that_differs_is_named(config: Loader) -> None:
    after = (
        BEFORE.replace("title: A", "title: B")
        .replace('  - {id: one, url: "http://a.example/"}\n', "")
        .replace("every: 15m}", "every: 20m, headers: {X-A: secret99}}\n  - {id: three, url: 'http://c.example/'}")
        .replace("tags: {x: a}", "tags: {y: a}")
        .replace("query: a, expect: {match: [a]}", "query: c, expect: {match: [c]}")
        .replace("query: b", "query: b, items: 3")
        .replace("{gap: 5s}", "{gap: 6s}")
    )
    difference = compare(config(BEFORE), config(after))
    assert difference.lines() == [
        "+ source three",
        "- source one",
        "~ source two (every, headers)",
        "+ tag y",
        "- tag x",
        "~ topic t (query, expect)",
        "~ output all (title)",
        "~ output o (items)",
        "~ site (title)",
        "~ hosts (reddit.com)",
    ]
    assert "secret99" not in str(difference)


FILES = """
sources: [{id: one, url: "http://a.example/"}]
storage: {database: data/news.db, backup: {directory: copies}}
publish: {directory: site, private: inner}
entities: {file: names.yaml}
"""


@pytest.mark.parametrize("text", [BEFORE, FILES])
def test_a_config_is_the_same_from_whichever_folder_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Loader, text: str
) -> None:
    (tmp_path / "names.yaml").write_text("organisations: {}\n")
    named = config(text)
    monkeypatch.chdir(tmp_path)
    beside = load(Path("feeds.yaml"), marks, {})
    assert compare(named, beside).lines() == []
    assert fingerprints(named) == fingerprints(beside)
    moved = config(text.replace("site,", "news,"))
    assert compare(named, moved).lines() == (["~ publish (directory)"] if text == FILES else [])
