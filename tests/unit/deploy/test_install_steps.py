"""The steps of deploy/install.md are run, twice, on a machine that is a folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

GUIDE = (CHECKOUT / "deploy" / "install.md").read_text("utf-8")
PLACES = re.compile(r"(?<![\w.~-])/(opt|etc|usr/local|var/lib)/")
LEFT_OUT = re.compile(r"^.*/pip install |^python3 -m venv |tag\.language_model", re.M)
"""What fetches packages or fills the virtual environment; both may be run again by themselves."""


def block(heading: str, number: int = 0) -> str:
    """A block of commands under a heading."""
    section = re.split(r"^## ", GUIDE, flags=re.M)
    (text,) = [one for one in section if one.startswith(heading + "\n")]
    found: str = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)[number]
    return found


class Machine:
    """A folder that stands for `/`, where systemd's tools only note how they are called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("opt/aggregator/bin", "etc/systemd/system", "usr/local/bin", "var/lib/private", "tools"):
            (root / name).mkdir(parents=True)
        program = root / "opt/aggregator/bin/aggregator"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m aggregator "$@"\n')
        (root / "tools/systemctl").write_text(f'#!/bin/sh\necho "$@" >> {root}/called\n')
        for file in (program, root / "tools/systemctl"):
            file.chmod(0o755)

    def types(self, commands: str) -> None:
        """Runs commands as a person who stops at the first that fails."""
        lines = [line for line in commands.splitlines() if not LEFT_OUT.search(line)]
        script = PLACES.sub(rf"{self.root}/\1/", "\n".join(lines))
        environment = os.environ | {"PATH": f"{self.root}/tools:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-euc", script], cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    def files(self) -> list[str]:
        """Everything that lies there, but for the tools."""
        found = [path.relative_to(self.root) for path in self.root.rglob("*") if path.is_symlink() or path.is_file()]
        return sorted(str(path) for path in found if path.parts[0] not in ("tools", "called"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_installing_again_keeps_what_was_edited(machine: Machine) -> None:
    config, unit = machine.root / "etc/aggregator/feeds.yaml", machine.root / "etc/systemd/system/aggregator.service"
    machine.types(block("systemd"))
    first = machine.files()
    config.write_text("sources: [https://mine.example/feed]\n")
    unit.write_text("of an older release\n")
    machine.types(block("systemd"))
    machine.types(block("systemd"))
    assert machine.files() == first
    assert config.read_text() == "sources: [https://mine.example/feed]\n"
    assert unit.read_bytes() == (CHECKOUT / "deploy" / "aggregator.service").read_bytes()
    assert (machine.root / "usr/local/bin/aggregator").resolve() == machine.root / "opt/aggregator/bin/aggregator"


def test_removing_leaves_nothing(machine: Machine) -> None:
    """With all that the guide makes a person write, and all that systemd makes for the unit."""
    machine.types(block("systemd"))
    state = machine.root / "var/lib/private/aggregator"
    (state / "public").mkdir(parents=True)
    (state / "aggregator.db").write_text("")
    (machine.root / "var/lib/aggregator").symlink_to(state)
    for name in ("etc/aggregator/secrets/feed-token", "etc/systemd/system/aggregator.service.d/override.conf"):
        (machine.root / name).parent.mkdir(parents=True)
        (machine.root / name).write_text("")
    machine.types(block("Removing"))
    assert machine.files() == []
    assert not (machine.root / "etc/aggregator").exists()
    called = (machine.root / "called").read_text().splitlines()
    assert called[0] == "disable --now aggregator"
    assert "daemon-reload" in called


def test_a_start_for_a_container_does_not_overwrite_an_edited_config(tmp_path: Path) -> None:
    steps = block("Container").replace("docker build", "true docker build")
    (tmp_path / "feeds.yaml").write_text("sources: []\n")
    for _ in range(2):
        subprocess.run(["bash", "-euc", steps], cwd=tmp_path, check=True, timeout=60)
        config = tmp_path / "deploy/config/feeds.yaml"
        config.write_text(config.read_text() + "# mine\n")
    assert config.read_text().count("# mine") == 2
