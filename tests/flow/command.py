"""Runs the real command, as a person or an init system would."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds that something may take at most before a test fails. Nothing waits that long when all is well."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_pair() -> int:
    """A port that is free with the one behind it."""
    for _ in range(100):
        port = free_port()
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port + 1))
        except (OSError, OverflowError):
            continue
        return port
    raise AssertionError("no two free ports in a row")


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment without what would change the product's behaviour."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.upper().endswith("_PROXY") and not key.startswith("AGGREGATOR_")
    }
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"} | extra


@dataclass(frozen=True, slots=True)
class Command:
    """`aggregator -c config …`."""

    config: Path

    def line(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "aggregator", "-c", str(self.config), *arguments]

    def run(self, *arguments: str, code: int = 0) -> str:
        """Its output; fails the test if the exit code is another one."""
        done = subprocess.run(
            self.line(*arguments), cwd=self.config.parent, env=clean_environment(), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def fails(self, *arguments: str, code: int = 1) -> str:
        """What it says on standard error when it ends with this code."""
        done = subprocess.run(
            self.line(*arguments), cwd=self.config.parent, env=clean_environment(), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command with `--json` prints, a mapping a line."""
        return [json.loads(line) for line in self.run(*arguments, "--json").splitlines()]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        log = (self.config.parent / "log").open("a")
        return subprocess.Popen(
            self.line(*arguments), cwd=self.config.parent, env=clean_environment(), stdout=log, stderr=log, text=True
        )

    @contextmanager
    def daemon(self, port: int) -> Iterator[subprocess.Popen[str]]:
        """`aggregator run`, ready to be asked; killed at the end if it still runs."""
        process = self.start("run")
        try:
            eventually(lambda: get(f"http://127.0.0.1:{port}/healthz").status == 200, process, self.config.parent / "log")
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; status 0: nobody listens."""

    status: int
    body: bytes


def get(url: str, **headers: str) -> Answer:
    """A plain GET without proxies."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return Answer(answer.status, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read())
    except OSError:
        return Answer(0, b"")


def eventually(
    condition: Any, process: subprocess.Popen[str] | None = None, log: Path | None = None, patience: float = PATIENCE
) -> None:
    """Waits until a condition holds, looking often; fails if it does not, or if the process has ended meanwhile."""
    end = time.monotonic() + patience
    while not condition():
        told = log.read_text()[-3000:] if log and log.exists() else ""
        assert process is None or process.poll() is None, f"it has ended with {process.poll()}\n{told}"
        assert time.monotonic() < end, f"not in {patience:.0f} s\n{told}"
        time.sleep(0.05)
