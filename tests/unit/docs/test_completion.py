"""Completion of commands, as docs/cli.md tells shells to ask for it, in the shells themselves where they are installed."""

from __future__ import annotations

import os
import shutil
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


IN_SHELLS = {
    "bash": (
        'eval "$(_AGGREGATOR_COMPLETE=bash_source aggregator)"; COMP_WORDS=(aggregator sto); COMP_CWORD=1;'
        ' "$(complete -p aggregator | sed -E "s/.*-F ([^ ]+).*/\\1/")" aggregator; printf "%s\\n" "${COMPREPLY[@]}"'
    ),
    "zsh": (
        'compdef() { :; }; _describe() { print -l -- "${(P@)3}" }; words=(aggregator sto); CURRENT=2;'
        ' eval "$(_AGGREGATOR_COMPLETE=zsh_source aggregator)"; _aggregator_completion'
    ),
    "fish": '_AGGREGATOR_COMPLETE=fish_source aggregator | source; complete -C "aggregator sto"',
}


@pytest.mark.parametrize("shell", IN_SHELLS)
def test_the_line_of_the_docs_works_in_the_shell(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    arguments = {"bash": ["--norc", "-c"], "zsh": ["-f", "-c"], "fish": ["--no-config", "-c"]}[shell]
    shown = subprocess.run(
        [shell, *arguments, IN_SHELLS[shell]], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert "stories" in shown.stdout, shown.stderr
