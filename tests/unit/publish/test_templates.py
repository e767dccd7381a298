"""Compiled templates: kept beside the compiled modules, made anew where they are not whole or of another making."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment

from aggregator.publish import templates


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where compiled templates are kept for a test."""
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    monkeypatch.setattr(templates, "cache_from_source", lambda module: str(tmp_path / "templates.pyc"))
    yield tmp_path


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of templates that were compiled."""
    names: list[str] = []
    plain = Environment.compile

    def noted(self: Environment, source: str, name: str, *rest: object) -> object:
        names.append(name)
        return plain(self, source, name, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", noted)
    return names


def front_page() -> str:
    made = templates.new_environment().get_template("index.html")
    return made.render(
        site_title="News", language="en", root="", home="/", suffix="", policy="", style="", script="", feeds=[], latest={}
    )


def test_templates_are_compiled_once(folder: Path, compiled: list[str]) -> None:
    first = front_page()
    assert compiled and len(list(folder.iterdir())) == len(compiled)
    compiled.clear()
    assert front_page() == first
    assert compiled == []


@pytest.mark.parametrize("damage", [b"", b"j2", b"no template"])
def test_what_is_not_whole_is_made_anew(folder: Path, compiled: list[str], damage: bytes) -> None:
    first = front_page()
    count = len(compiled)
    for kept in folder.iterdir():
        kept.write_bytes(kept.read_bytes()[: len(damage) * 9] if damage == b"j2" else damage)
    assert front_page() == first
    assert len(compiled) == 2 * count
    assert front_page() == first
    assert len(compiled) == 2 * count


def test_another_jinja2_makes_its_own(folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    front_page()
    count = len(compiled)
    monkeypatch.setattr("jinja2.__version__", "99.0")
    front_page()
    assert len(compiled) == 2 * count


def test_where_nothing_can_be_kept_they_are_made_each_time(
    folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "cache_from_source", lambda module: str(folder / "missing" / "templates.pyc"))
    first = front_page()
    count = len(compiled)
    assert front_page() == first
    assert len(compiled) == 2 * count and list(folder.iterdir()) == []
    monkeypatch.setattr(templates, "cache_from_source", lambda module: str(folder / "templates.pyc"))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert front_page() == first
    assert list(folder.iterdir()) == []
