"""Sources are added to a file without touching another byte of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aggregator.config.document import plain
from aggregator.config.edit import NewSource, add_sources, with_sources
from aggregator.config.tree import compose
from aggregator.errors import ConfigError
from tests.unit.config.conftest import PATIENT

ONE = NewSource("https://new.example/feed.xml")
FULL = NewSource("https://new.example/?a=1#b", "new", 'He said: "no" # really', "Wires: all")

FILES = [
    (
        "behind the last, and its comments",
        "sources:\n  - a  # one\n  - url: b\n    # every: 5m\n  # - c\ntags: {}\n",
        "    # every: 5m\n",
        "  - {}\n",
    ),
    ("a list without indentation", "sources:\n- a\n\n# end\n", "- a\n", "- {}\n"),
    ("the last line has no end", "sources:\n    - a", "    - a", "\n    - {}"),
    ("behind a block of text", "sources:\n  - url: a\n    drop: |\n      x\n\ntags: {}\n", "      x\n", "  - {}\n"),
    ("an empty list", "sources: []  # none\ntags: {}\n", "sources: ", None),
    ("a key without a value", "sources:  # none yet\ntags: {}\n", "# none yet\n", "  - {}\n"),
    ("no such key", "site: {title: a}\n", "{title: a}\n", "sources:\n  - {}\n"),
]


@pytest.mark.parametrize(("text", "before", "line"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_where_a_source_is_put(text: str, before: str, line: str | None) -> None:
    edited = with_sources("f", text, [ONE])
    if line is None:
        assert edited == "sources:\n  - https://new.example/feed.xml  # none\ntags: {}\n"
        return
    at = text.index(before) + len(before)
    assert edited == text[:at] + line.format(ONE.url) + text[at:]


def test_lists_in_brackets_and_json() -> None:
    assert with_sources("f", "sources: [a, b] # c\n", [ONE]) == 'sources: [a, b, "https://new.example/feed.xml"] # c\n'
    assert with_sources("f", '{"sources": [\n {"url": "a"}\n]}', [FULL]).count("\n") == 2


def test_line_ends_stay() -> None:
    assert with_sources("f", "sources:\r\n  - a\r\n", [ONE, FULL]).count("\r\n") == 7


texts = some.text(some.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1, max_size=40)


@PATIENT
@given(texts, texts, some.sampled_from([row[1] for row in FILES] + ["sources: [a]\n"]))
def test_what_is_added_is_read_as_it_was_meant(title: str, group: str, text: str) -> None:
    root, problems = compose("f", with_sources("f", text, [NewSource(FULL.url, "x", title, group)]))
    assert not problems
    assert root is not None
    assert plain(root)["sources"][-1] == {"id": "x", "url": FULL.url, "title": title, "group": group}


def test_a_broken_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "feeds.yaml"
    file.write_text("sources: [a\n")
    with pytest.raises(ConfigError):
        add_sources(file, [ONE], lambda _: None)
    assert file.read_text() == "sources: [a\n"
    assert os.listdir(tmp_path) == ["feeds.yaml"]


def test_mode_mark_and_link_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_bytes(b"\xef\xbb\xbfsources:\n  - a\n")
    real.chmod(0o640)
    link = tmp_path / "feeds.yaml"
    link.symlink_to("real.yaml")
    add_sources(link, [ONE], lambda _: None)
    assert link.is_symlink()
    assert real.read_bytes() == b"\xef\xbb\xbfsources:\n  - a\n  - https://new.example/feed.xml\n"
    assert real.stat().st_mode & 0o777 == 0o640
