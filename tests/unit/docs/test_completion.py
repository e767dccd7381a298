"""Completion of commands, as docs/cli.md tells shells to ask for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("aggregator")


def ask(shell: str, instruction: str, **words: str) -> str:
    environment = {**os.environ, "_AGGREGATOR_COMPLETE": f"{shell}_{instruction}", **words}
    return subprocess.run([PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    assert "aggregator" in ask(shell, "source")


@pytest.mark.parametrize(
    ("line", "place", "completed"), [("aggregator sto", "1", "stories"), ("aggregator poll --a", "2", "--all")]
)
def test_commands_and_options_are_completed(line: str, place: str, completed: str) -> None:
    assert f"plain,{completed}" in ask("bash", "complete", COMP_WORDS=line, COMP_CWORD=place).splitlines()
