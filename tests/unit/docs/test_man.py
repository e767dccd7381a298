"""The manual page (docs/man/aggregator.1): as the commands are, and as `man` and mandoc want it."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from aggregator.cli import COMMANDS
from tests.conftest import CHECKOUT

PAGE = CHECKOUT / "docs" / "man" / "aggregator.1"
MAN = runpy.run_path(str(CHECKOUT / "docs" / "tools" / "man.py"))


def test_the_page_says_what_the_commands_say() -> None:
    assert PAGE.read_text("ascii") == MAN["manual"](), "out of date: run `make man`"


def test_help_is_no_option_of_the_page_whoever_called_the_command_before() -> None:
    """click keeps the option that a command's first call made."""
    command = click.Command("try")
    assert CliRunner().invoke(command, ["--help"]).exit_code == 0
    assert list(MAN["options"](click.Context(command, help_option_names=["-h", "--help"]))) == []


def test_every_command_has_its_section() -> None:
    sections = re.findall(r"^\.SS (\w+)$", PAGE.read_text("ascii"), flags=re.MULTILINE)
    assert sections == list(COMMANDS)


@pytest.mark.parametrize("text", [".SH a trap", "'de", "\\fBbold\\fR", "--all", "a…b", "it's `code` ~/x^2"])
def test_no_text_is_taken_for_a_request(text: str, tmp_path: Path) -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    page = tmp_path / "page.1"
    page.write_text(f".TH T 1\n.SH NAME\n{MAN['escape'](text)}\n")
    shown = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-P-c", page], capture_output=True, check=True, timeout=60)
    assert not shown.stderr
    assert text in shown.stdout.decode()


@pytest.mark.parametrize(
    "command",
    [["man", "--warnings", "-l", "-Tutf8"], ["mandoc", "-Tlint", "-Wstyle"]],
    ids=lambda command: command[0],
)
def test_nothing_is_wrong_with_it(command: list[str]) -> None:
    """No date is in it, on purpose: it would change without a change."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    found = subprocess.run([*command, PAGE], capture_output=True, text=True, timeout=60, check=False)
    told = found.stdout if command[0] == "mandoc" else found.stderr
    assert [line for line in told.splitlines() if "missing date" not in line] == []
