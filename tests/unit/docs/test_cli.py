"""docs/cli.md and the commands agree: each command has its section, which names each of its options, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from aggregator.cli import COMMANDS, root
from tests.conftest import CHECKOUT

TEXT = (CHECKOUT / "docs" / "cli.md").read_text("utf-8")
SECTIONS = {part.split("\n", 1)[0].strip(): part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]}


def commands(name: str) -> Iterator[tuple[str, click.Command]]:
    """A command and its subcommands, each with what stands before its name in the text."""
    command = root.get_command(click.Context(root), name)
    assert command is not None
    yield name, command
    if isinstance(command, click.Group):
        for sub, found in command.commands.items():
            yield f"{name} {sub}", found


def options(command: click.Command) -> set[str]:
    return {
        word for option in command.params if isinstance(option, click.Option) for word in option.opts if word.startswith("--")
    }


def test_the_sections_are_the_commands_in_their_order() -> None:
    assert list(SECTIONS) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_told_and_no_other(name: str) -> None:
    section, known = SECTIONS[name], set[str]()
    for spelled, command in commands(name):
        assert spelled in section, f"`{spelled}` is not in docs/cli.md"
        known |= options(command)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", section))
    assert named == known


def test_the_options_of_all_commands_are_told() -> None:
    head = TEXT.split("\n## ", 1)[0]
    for word in options(root):
        assert f"`{word}`" in head
