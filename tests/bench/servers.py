"""The PostgreSQL server of a benchmark: durable, as one in use is, and its CPU is counted."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path

import psycopg

from tests import postgres
from tests.bench.daemon import cpu_seconds
from tests.faults.processes import children
from tests.flow.command import eventually

DURABLE = ("fsync=on", "full_page_writes=on", "autovacuum=on", "shared_buffers=128MB")
"""PostgreSQL's defaults, in place of what makes tests quick."""


@cache
def server() -> postgres.Server:
    """Started on first use. Ends the benchmark where PostgreSQL is not installed."""
    programs = postgres.find()
    if programs is None:
        raise SystemExit(postgres.MISSING)
    started = postgres.Server(programs, *DURABLE)
    atexit.register(started.end)
    return started


def address_of_its_own(folder: Path) -> str:
    """The address of an empty database that belongs to this folder."""
    return server().of_folder(folder)


def cpu_until_idle(address: str) -> float:
    """CPU seconds of the server's processes so far, with what it takes to write all that is stored to the tables' files.

    SQLite does that at the end of a command, too. Connections that have ended are in the figure.
    """
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    pid = int((server().folder / "data" / "postmaster.pid").read_text().split()[0])
    eventually(lambda: not any(map(_is_client, children(pid))))
    return cpu_seconds(pid)


def _is_client(pid: int) -> bool:
    """Whether a process of the server serves a connection."""
    try:
        return b"127.0.0.1" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True  # it ends at this moment
