"""A PostgreSQL server of the tests' own: in a folder of its own, on a socket and a free port of loopback, without fsync."""

from __future__ import annotations

import atexit
import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

MISSING = "PostgreSQL 15 or newer is not installed here (`apt-get install postgresql`): nothing has tested the store on it"
USER = "news"
QUICK = ("fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB", "autovacuum=off")


def find() -> Path | None:
    """The folder of the server's programs, the newest if there are several."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda program: int(program.parts[-3]))
    if found and int(found[-1].parts[-3]) >= 15:
        return found[-1].parent
    beside = shutil.which("initdb")
    return Path(beside).resolve().parent if beside else None


class Server:
    """A running server. port: on 127.0.0.1, where anybody of this machine is let in: it holds nothing but what tests write."""

    def __init__(self, programs: Path, *settings: str) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="aggregator-postgres-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        if os.geteuid() == 0:
            shutil.chown(self.folder, _unprivileged())
        self._run("initdb", "-D", "data", "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        self.settings = (*QUICK, f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}")
        self.settings = (*self.settings, *settings)
        self._watch()
        self.start()
        self._run("createdb", "-h", str(self.folder), "-p", str(self.port), "-U", USER, "news")

    def start(self) -> None:
        options = " ".join(f"-c {setting}" for setting in self.settings)
        self._run("pg_ctl", "-D", "data", "-w", "-s", "-l", "log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-s", "-m", mode, "stop")

    def end(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _watch(self) -> None:
        """Has the server stopped when this process has ended, in whichever way: its end of a pipe closes then."""
        commands = 'cat >/dev/null; "$0" -D data -s -m immediate stop; rm -rf "$PWD"'
        self._watcher = subprocess.Popen(
            ["sh", "-c", commands, self._programs / "pg_ctl"],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._user(),
        )

    def _user(self) -> dict[str, Any]:
        return {"user": _unprivileged(), "group": _unprivileged(), "extra_groups": []} if os.geteuid() == 0 else {}

    def _run(self, program: str, *arguments: str) -> None:
        ended = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **self._user(),
        )
        if ended.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program}: {ended.stdout}{ended.stderr}{log.read_text() if log.exists() else ''}")

    def address(self, name: str) -> str:
        """The address of a database of its own: a schema, which is made if it is not there."""
        import psycopg

        base = f"postgresql://{USER}:guessed@127.0.0.1:{self.port}/news"
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{name}"'.encode())
        return f"{base}?options=-csearch_path%3D{name}"

    def of_folder(self, folder: Path) -> str:
        """The address of the database that belongs to a test's folder."""
        return self.address("t" + hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest())


def _unprivileged() -> str:
    """Who runs the server for root, which it refuses."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("no unprivileged user to run PostgreSQL")


@cache
def server() -> Server:
    """The server of this process, started on first use. Skips the test where PostgreSQL is not installed."""
    programs = find()
    if programs is None:
        pytest.skip(MISSING)
    started = Server(programs)
    atexit.register(started.end)
    return started
