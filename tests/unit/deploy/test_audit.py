"""`make check` says what was audited, fails for what is known to be vulnerable, and for nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import audit
from tests.conftest import CHECKOUT

CLEAN = {"name": "lxml", "version": "6.0", "vulns": []}
FLAWED = {"name": "jinja2", "version": "3.0", "vulns": [{"id": "CVE-2024-1", "fix_versions": ["3.1.4"], "aliases": []}]}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("dependencies", "told", "code"),
    [
        ([CLEAN], "no known vulnerability in 1 packages", 0),
        ([CLEAN, UNKNOWN], "no known vulnerability in 1 packages; not looked at: own", 0),
        ([UNKNOWN], "SKIPPED", 0),
        ([CLEAN, FLAWED], "jinja2 3.0: CVE-2024-1, mended in 3.1.4", 1),
    ],
)
def test_what_is_told_and_what_fails(
    dependencies: list[object], told: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = subprocess.CompletedProcess([], code, json.dumps({"dependencies": dependencies, "fixes": []}), "")
    assert audit.main(["requirements.lock"], lambda *_, **__: answer) == code
    assert told in capsys.readouterr().out


def test_a_service_that_hangs_or_fails_is_told_and_fails_nothing() -> None:
    def hangs(line: list[str], timeout: float, **_: object) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired(line, timeout)

    assert "within 15 s" in str(audit.ask(["requirements.lock"], hangs))
    broken = subprocess.CompletedProcess([], 1, "", "Traceback …\nConnectionError: cannot reach https://host.example/")
    told = audit.ask(["requirements.lock"], lambda *_, **__: broken)
    assert told == "the service of advisories could not be asked (ConnectionError)"


def test_off_line_it_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real program, with a proxy that is not there in the way of everything."""
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"six==1.16.0 --hash=sha256:{'0' * 64}\n")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = subprocess.run(
        [sys.executable, CHECKOUT / "deploy" / "audit.py", lock], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("audit: SKIPPED, the service of advisories could not be asked")
