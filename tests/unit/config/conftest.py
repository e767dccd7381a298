"""Configs as text, loaded from a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from aggregator.config.load import load
from aggregator.errors import ConfigError, QueryError
from aggregator.ports import QueryNames
from aggregator.settings import Settings

Loader = Callable[..., Settings]
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no defect."""
SOURCE = "sources: [{id: one, url: 'http://a.example/1.xml'}]\n"


def marks(text: str, names: QueryNames, *, rolling: bool, entry: bool) -> list[QueryError]:
    """A checker that dislikes the character `!` and names of sources that don't exist."""
    found = [QueryError("there is a `!`", place) for place, character in enumerate(text) if character == "!"]
    word = text.removeprefix("source:")
    if word != text and word not in names.sources:
        found.append(QueryError(f"no source {word}", len("source:")))
    if "age<" in text and not rolling:
        found.append(QueryError("age is for outputs", text.index("age<")))
    return found


@pytest.fixture
def config(tmp_path: Path) -> Loader:
    """Loads a text as feeds.yaml."""

    def loaded(text: str | bytes, environ: Mapping[str, str] | None = None) -> Settings:
        file = tmp_path / "feeds.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(file, marks, environ or {})

    return loaded


@pytest.fixture
def problems(config: Loader, tmp_path: Path) -> Callable[..., list[str]]:
    """The problems of a text as `LINE:COL: message`; none: it is fine."""

    def told(text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
        try:
            config(text, environ)
        except ConfigError as error:
            return [str(problem).removeprefix(f"{tmp_path / 'feeds.yaml'}:") for problem in error.problems]
        return []

    return told
