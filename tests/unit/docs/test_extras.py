"""deploy/install.md#extras: every extra, and what the program says where it is missing."""

from __future__ import annotations

import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.channels import senders
from aggregator.cli import root
from aggregator.commands import mcp
from aggregator.errors import ConfigError
from tests.conftest import CHECKOUT

SECTION = (CHECKOUT / "deploy" / "install.md").read_text("utf-8").split("\n## Extras\n")[1].split("\n## ")[0]
TABLE = {row[1].strip(" `"): row for row in (line.split("|") for line in SECTION.splitlines() if line.startswith("| `"))}
CONFIG = """storage: {database: "postgresql://news@db.example/news"}
publish: {directory: "s3://news"}
sources: [{url: "https://paper.example/feed", full_text: true}]
"""


def test_every_extra_is_listed() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    assert TABLE.keys() == project["optional-dependencies"].keys()


def test_a_database_on_a_server_needs_both_of_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.config.extras.find_spec", lambda name: None if name == "procrastinate" else find_spec(name))
    (tmp_path / "feeds.yaml").write_text(CONFIG.replace("s3://news", "public"))
    refused = CliRunner().invoke(root, ["-c", str(tmp_path / "feeds.yaml"), "check"]).exception
    assert isinstance(refused, ConfigError)
    [problem] = refused.problems
    assert "procrastinate is not installed" in problem.message and "'psycopg[binary]' procrastinate`" in problem.message


def test_what_is_said_without_it_is_what_the_program_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.config.extras.find_spec", lambda name: None)
    (tmp_path / "feeds.yaml").write_text(CONFIG)
    refused = CliRunner().invoke(root, ["-c", str(tmp_path / "feeds.yaml"), "check"]).exception
    assert isinstance(refused, ConfigError)
    found = [one.message for one in refused.problems]
    said = {"notify": senders.MISSING, "mcp": mcp.MISSING}
    said |= {extra: one for extra in ("fulltext", "postgres", "s3") for one in found if f"[{extra}]" in one}
    for extra, row in TABLE.items():
        quoted, command = row[4].strip().strip('"').removesuffix("…"), row[5].strip(" `")
        assert said[extra].startswith(quoted) and quoted.endswith(": ")
        assert command in said[extra] and f"pip install 'aggregator[{extra}]'" in said[extra]
