"""What /proc says of a process."""

from __future__ import annotations

import os
from pathlib import Path


def children(pid: int) -> set[int]:
    """The processes that it started and that have not ended: the worker that reads documents."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        state, parent = _state(path)
        if parent == pid and state != "Z":
            found.add(int(path.parent.name))
    return found


def is_running(pid: int) -> bool:
    """Whether it is there and does more than wait for its parent to notice its end."""
    return _state(Path(f"/proc/{pid}/stat"))[0] not in ("Z", "")


def _state(path: Path) -> tuple[str, int]:
    """The state's letter and the parent; nothing of a process that is gone."""
    try:
        state, parent = path.read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return "", 0
    return state, int(parent)


def resident(pid: int) -> int:
    """Bytes of memory; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
