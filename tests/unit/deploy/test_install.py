"""`make install`, and the commands that the program suggests, as they are typed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from aggregator.commands.invocation import own_command
from aggregator.config.load import load
from aggregator.demo.prepare import describe_demo, write_config
from aggregator.tag.check import check
from tests.conftest import CHECKOUT
from tests.flow.command import free_pair

MARK = "EXTERNALLY-MANAGED"


def python_of_the_system() -> str:
    """A Python that takes no packages (PEP 668), as Debian's."""
    where = "import os, sysconfig; print(os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED'))"
    for name in ("/usr/bin/python3", "/usr/bin/python3.11", "/usr/bin/python3.13"):
        if os.access(name, os.X_OK) and Path(subprocess.check_output([name, "-c", where], text=True).strip()).exists():
            return name
    pytest.skip(f"needs a Python that is marked as {MARK}")


def test_a_python_of_the_system_is_refused_with_what_to_do(tmp_path: Path) -> None:
    python = python_of_the_system()
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)}
    made = subprocess.run(
        ["make", "install", f"PYTHON={python}"], cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert made.returncode != 0
    assert "pipx install ." in made.stderr and f"{python} -m venv" in made.stderr
    assert "pip" not in made.stdout, "nothing was tried"


@pytest.mark.parametrize("behind", [0, 1], ids=["the daemon's", "the newsroom's"])
def test_a_taken_port_ends_make_demo_before_anything_is_installed(tmp_path: Path, behind: int) -> None:
    (tmp_path / "Makefile").write_text((CHECKOUT / "Makefile").read_text())
    port = free_pair()
    with socket.create_server(("127.0.0.1", port + behind)):
        made = subprocess.run(
            ["make", "demo", f"PORT={port}", f"PYTHON={sys.executable}"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
    assert made.returncode != 0
    assert f"port {port + behind} can't be used" in made.stderr and "make demo PORT=8090" in made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]


def test_what_is_suggested_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "my bin" / "aggregator"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", os.defpath)
    assert own_command([str(program)]) == f"'{program}'"
    monkeypatch.chdir(tmp_path)
    assert own_command(["my bin/aggregator"]) == f"'{program}'"
    assert own_command(["/x/aggregator/__main__.py"], "/x/bin/python") == "/x/bin/python -m aggregator"
    monkeypatch.setenv("PATH", str(program.parent))
    assert own_command([str(program)]) == "aggregator"
    other = tmp_path / "other" / "aggregator"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    assert own_command([str(other)]) == str(other), "what the PATH has is another one"


def test_the_demo_suggests_commands_as_it_was_called() -> None:
    told = describe_demo(8080, Path("/tmp/d"), "/x/aggregator", "demo --advance")
    assert "  /x/aggregator demo --advance\n" in told
    assert "  aggregator" not in told


def test_the_demo_tells_the_token_that_shows_names_in_its_health_feed(tmp_path: Path) -> None:
    settings = load(write_config(tmp_path, 8080, 8081), check, {})
    assert f"/health.atom?token={settings.server.admin}\n" in describe_demo(8080, tmp_path, "aggregator", "demo --advance")


def test_make_clean_leaves_what_is_tracked_and_the_data_alone(tmp_path: Path) -> None:
    kept = ["Makefile", "aggregator/tag/language_tables.py", "data/aggregator.db"]
    made = [
        "aggregator/tag/language.tables",
        "aggregator/__pycache__/app.pyc",
        "aggregator.egg-info/PKG-INFO",
        ".venv/dev",
        "build/x",
    ]
    for path in (*kept, *made, "tests/__pycache__/x.pyc", "docs/tools/__pycache__/x.pyc", "deploy/audit.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    (tmp_path / "Makefile").write_text((CHECKOUT / "Makefile").read_text())
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {*kept, "deploy/audit.py"}
