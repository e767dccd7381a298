"""What the container files of a cluster say, as the program reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aggregator.commands.run import command
from aggregator.config.load import load
from aggregator.settings import Settings
from aggregator.tag.check import check


def role_of(arguments: Sequence[str]) -> str:
    """The role in which `aggregator ARGUMENTS` runs. Fails if the program would refuse such a line."""
    assert arguments[0] == "run"
    role: str = command.make_context("run", list(arguments[1:])).params["role"]
    return role


def read_config(config: Path, folder: Path, mounted: str, secrets: dict[str, str]) -> Settings:
    """The settings of a config whose secrets are mounted there. folder: where files may be written."""
    text = config.read_text("utf-8")
    for name, value in secrets.items():
        assert f"file:{mounted}/{name}" in text, "it is named in the config"
        (folder / name).write_text(value)
    copy = folder / "feeds.yaml"
    copy.write_text(text.replace(mounted, str(folder)))
    return load(copy, check, {})
