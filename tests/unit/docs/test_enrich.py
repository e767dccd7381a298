"""The hooks that the docs show, tried: the shell script, and the one for a model server against a stand-in for that."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from aggregator.enrich.answer import read_answer
from aggregator.enrich.command import run_command
from aggregator.settings import Hook
from tests.conftest import CHECKOUT
from tests.unit.enrich.stand_in import stand_in

STORY = {
    "version": 1,
    "title": "Ferry Osprey sinks off Marlen harbour",
    "content_text": "The ferry Osprey sank. " * 20,
    "language": "en",
    "reports": [{"outlet": "alpha.example", "title": "Ferry sinks"}, {"outlet": "beta.example"}],
}


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
def test_ten_lines_of_shell(tmp_path: Path) -> None:
    [script] = re.findall(r"```sh\n(#!/bin/sh.*?)```", (CHECKOUT / "docs/enrich.md").read_text("utf-8"), re.DOTALL)
    assert len(script.splitlines()) <= 10
    program = tmp_path / "first-sentences.sh"
    program.write_text(script)
    program.chmod(0o755)
    hook = Hook("shell", command=(str(program),))
    answer = asyncio.run(run_command(hook, json.dumps(STORY).encode(), os.environ, tmp_path))
    assert isinstance(answer, bytes)
    told = read_answer(hook, answer, "")
    assert told.summary.startswith("The ferry Osprey sank. The") and told.summary.endswith(" …")
    assert (told.tags, told.language) == ((), "en")


def test_a_model_server(tmp_path: Path) -> None:
    with stand_in() as server:
        said = {"summary": "A ferry sank.", "title": "Ferry sinks", "tags": ["accident"], "mood": "sad"}
        server.answer = json.dumps({"model": "tiny", "response": json.dumps(said), "done": True}).encode()
        base = server.url.removesuffix("/hook")
        hook = Hook("llama", command=(sys.executable, str(CHECKOUT / "deploy/enrich-ollama.py")), env=("OLLAMA", "MODEL"))
        environ = {"PATH": os.environ["PATH"], "OLLAMA": base, "MODEL": "tiny"}
        answer = asyncio.run(run_command(hook, json.dumps(STORY).encode(), environ, tmp_path))
        assert isinstance(answer, bytes), answer
        told = read_answer(hook, answer, "")
        assert (told.summary, told.title, told.tags) == ("A ferry sank.", "Ferry sinks", ("accident",))
        [(_, asked)] = server.requests
        assert (asked["model"], asked["stream"], asked["format"]) == ("tiny", False, "json")
        assert "The ferry Osprey sank." in asked["prompt"] and "- beta.example:" in asked["prompt"]
