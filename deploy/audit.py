"""Asks whether a package that the lock files pin has a known vulnerability: `python deploy/audit.py requirements.lock …`.

Exit code 1 if one has. Where the service of advisories does not answer, or knows none of the packages, that is said, and nothing
fails: a build machine without a way out must not stop anyone. What was not looked at is never called clean.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Run = Callable[..., "subprocess.CompletedProcess[str]"]

PATIENCE = 15.0
"""Seconds for all of it; it usually takes five."""
SOCKET_PATIENCE = "5"


@dataclass(frozen=True, slots=True)
class Audit:
    """audited: packages that were looked up; unknown: names of those that could not be; found: a line for each vulnerability."""

    audited: int
    unknown: tuple[str, ...]
    found: tuple[str, ...]

    def __str__(self) -> str:
        if not self.audited:
            return "audit: SKIPPED, the service of advisories knows none of the packages from here"
        left_out = f"; not looked at: {', '.join(self.unknown)}" if self.unknown else ""
        if self.found:
            return "\n".join([f"audit: {len(self.found)} known vulnerabilities{left_out}", *self.found])
        return f"audit: no known vulnerability in {self.audited} packages{left_out}"


def judged(document: dict[str, Any]) -> Audit:
    """What pip-audit's JSON says."""
    audited = [one for one in document["dependencies"] if "skip_reason" not in one]
    found = [
        f"  {one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no release yet'}"
        for one in audited
        for flaw in one["vulns"]
    ]
    unknown = tuple(one["name"] for one in document["dependencies"] if "skip_reason" in one)
    return Audit(len(audited), unknown, tuple(found))


def ask(locks: Sequence[str], run: Run = subprocess.run) -> Audit | str:
    """The audit of these lock files, or why there is none. run: starts pip-audit."""
    line = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
    line += ["--progress-spinner", "off", "--timeout", SOCKET_PATIENCE]
    for lock in locks:
        line += ["--requirement", lock]
    try:
        done = run(line, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return f"the service of advisories did not answer within {PATIENCE:.0f} s"
    try:
        return judged(json.loads(done.stdout))
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return f"the service of advisories could not be asked ({last.partition(':')[0][:80]})"


def main(locks: Sequence[str], run: Run = subprocess.run) -> int:
    """Tells what is known of these lock files' packages. Returns the exit code."""
    result = ask(locks, run)
    print(result if isinstance(result, Audit) else f"audit: SKIPPED, {result}")  # noqa: T201
    return bool(isinstance(result, Audit) and result.found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
