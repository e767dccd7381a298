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

DURABLE = ("fsync=on", "full_page_writes=on", "shared_buffers=128MB")
"""PostgreSQL's defaults, in place of what makes tests quick. Autovacuum stays off: `cpu_until_idle` does its work at once."""
_TO_VACUUM = """SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables
    WHERE n_dead_tup > 50 + 0.2 * n_live_tup OR n_ins_since_vacuum > 1000 + 0.2 * n_live_tup
        OR n_mod_since_analyze > 50 + 0.1 * n_live_tup"""
"""The tables that autovacuum would take."""


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
    """`cpu_now`, once all connections have ended.

    The server first does what it would do a minute or five later: autovacuum's work, and writing tables to their files, which
    SQLite does at the end of a command, too.
    """
    with psycopg.connect(address, autocommit=True) as connection:
        for (table,) in connection.execute(_TO_VACUUM).fetchall():
            connection.execute(f"VACUUM (ANALYZE) {table}".encode())
        connection.execute("CHECKPOINT")
    eventually(lambda: not any(map(_is_client, children(_pid()))))
    return cpu_now()


def cpu_now() -> float:
    """CPU seconds of the server's processes so far, those of connections that have ended included."""
    return cpu_seconds(_pid())


def _pid() -> int:
    return int((server().folder / "data" / "postmaster.pid").read_text().split()[0])


def _is_client(pid: int) -> bool:
    """Whether a process of the server serves a connection."""
    try:
        return b"127.0.0.1" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True  # it ends at this moment
