"""How this program was called, so that a command which it suggests exists when it is typed."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path


def own_command(arguments: Sequence[str] = sys.argv, executable: str = sys.executable) -> str:
    """Returns `aggregator` if a shell finds this very program under that name, else the whole path to it."""
    called = Path(arguments[0]).absolute()
    if called.name != "aggregator" or not called.is_file():  # `python -m aggregator`
        return f"{shlex.quote(executable)} -m aggregator"
    found = shutil.which("aggregator")
    return "aggregator" if found is not None and called.samefile(found) else shlex.quote(str(called))
