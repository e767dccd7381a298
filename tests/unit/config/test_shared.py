"""The bad files kept beside the project: each refused at the right line with the right words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aggregator.config.load import load
from aggregator.errors import ConfigError
from aggregator.tag.check import check


def judged(file: Path, lines: str, least: int, words: str) -> list[str]:
    """What is wrong with the answer to one file."""
    try:
        load(file, check, {})
    except ConfigError as error:
        told, places = str(error), {problem.line for problem in error.problems}
        found = [] if len(error.problems) >= least else [f"{len(error.problems)} problems, not {least}"]
    else:
        return [] if least < 0 else ["accepted"]
    first, _, last = lines.partition("-")
    if lines != "0" and not places & set(range(int(first), int(last or first) + 1)):
        found.append(f"lines {sorted(places)}, not {lines}")
    found += [f"lacks {group}" for group in words.split() if not re.search(group, told, re.IGNORECASE)]
    return found + (["a secret is shown"] if "hunter2" in told else [])


@pytest.mark.shared
def test_bad_configurations(shared: Path) -> None:
    folder = shared / "lab/bad_configs"
    rows = [row.split("\t") for row in (folder / "expected.txt").read_text().splitlines() if row and not row.startswith("#")]
    wrong = {}
    for name, lines, least, words in rows:
        if (folder / name).exists() and (found := judged(folder / name, lines, int(least), words)):
            wrong[name] = found
    assert len(rows) > 70
    assert wrong == {}
