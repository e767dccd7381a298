"""With real servers behind private addresses: not one connection is made to them. In a network namespace of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("namespace_program.py")
PRIVATE = "10.255.255.1/32 100.64.0.1/32 169.254.169.254/32 192.168.1.1/32 172.16.0.1/32 198.18.0.1/32 fd12::1/128 fec0::1/128"


@pytest.fixture(scope="module")
def report() -> dict[str, list[str]]:
    """What the program saw: outcomes by address, and the addresses that were connected to."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("needs unshare and ip")
    adding = "; ".join(f"ip addr add {address} dev lo" for address in PRIVATE.split())
    script = f"ip link set lo up; {adding}; exec {sys.executable} -m tests.unit.fetch.{PROGRAM.stem}"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(["unshare", "-rn", "sh", "-c", script], cwd=root, capture_output=True, text=True, timeout=60)
    if "unshare" in done.stderr and done.returncode:
        pytest.skip(f"no network namespace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_private_addresses_are_never_connected_to(report: dict[str, list[str]]) -> None:
    assert report["connected"] == ["127.0.0.2"], "and the allowed one was, so the servers do listen"


def test_each_refusal_is_told_as_one(report: dict[str, list[str]]) -> None:
    assert report["not refused"] == []
    assert int(report["tried"][0]) > 60
