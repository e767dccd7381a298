"""`aggregator run --role`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.presses import Presses
from tests.flow.command import free_port


@pytest.mark.parametrize("role", ["fetch", "lead", "web"])
def test_a_daemon_on_sqlite_has_every_role(tmp_path: Path, role: str) -> None:
    command = Presses().configure(tmp_path, free_port(), free_port())
    told = command.fails("run", "--role", role, code=2)
    assert told.startswith(f"--role {role} needs a database on PostgreSQL")
