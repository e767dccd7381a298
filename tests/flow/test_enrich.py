"""Hooks with a real daemon: killed at the worst moment, hanging, restarted, exported."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.demo.origin import serving
from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk, newsdesk, stored
from tests.unit.enrich.stand_in import StandIn, stand_in


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Newsdesk]:
    """A newsroom of today: hooks are not asked about old stories."""
    with serving(0, time.time()) as origin:
        yield newsdesk(tmp_path, origin)


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as told:
        told.answer = json.dumps({"summary": "In short.", "tags": ["told"]}).encode()
        yield told


def use(desk: Newsdesk, hook: str, place: str = "  - slug: ukraine\n") -> None:
    """Has the hook asked about the stories of the demo's topic."""
    text = desk.command.config.read_text()
    assert place in text
    desk.command.config.write_text(text.replace(place, f"{place}    enrich: model\n", 1) + f"enrich: {{model: {{{hook}}}}}\n")


def summaries(desk: Newsdesk) -> int:
    path = desk.public / "feeds" / "ukraine.json"
    return path.read_text().count("Summary by model:") if path.exists() else 0


def published(desk: Newsdesk) -> dict[str, bytes]:
    return {str(path.relative_to(desk.public)): path.read_bytes() for path in desk.public.rglob("*") if path.is_file()}


def test_a_daemon_that_is_killed_between_answer_and_commit_asks_once_more(fresh: Newsdesk, server: StandIn) -> None:
    use(fresh, f"url: '{server.url}', settle: 0s, timeout: 1s, rate: 100")
    log = fresh.directory / "log"
    with fresh.command.daemon(fresh.port) as process:
        server.then = lambda: os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
    server.then = lambda: None
    before = [story["id"] for _, story in server.requests]
    assert before and summaries(fresh) == 0
    with fresh.command.daemon(fresh.port) as process:
        eventually(lambda: summaries(fresh) >= len(set(before)), process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    asked = [story["id"] for _, story in server.requests]
    assert max(map(asked.count, asked)) <= 2
    bytes_before = published(fresh)
    with fresh.command.daemon(fresh.port) as process:
        eventually(lambda: get(f"http://127.0.0.1:{fresh.port}/readyz").status == 200, process, log)
        served = get(f"http://127.0.0.1:{fresh.port}/feeds/ukraine.json").body
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert served == bytes_before["feeds/ukraine.json"]
    after = published(fresh)
    assert {name: body for name, body in after.items() if name.startswith("feeds/")} == {
        name: body for name, body in bytes_before.items() if name.startswith("feeds/")
    }
    fresh.command.run("export", "out")
    for name in ("feeds/ukraine.json", "feeds/ukraine.atom", "feeds/ukraine.rss"):
        assert (fresh.directory / "out" / name).read_bytes() == after[name]
    assert len(server.requests) == len(asked), "what is told is not asked for again"


def test_a_hook_that_hangs_is_in_nobody_s_way(fresh: Newsdesk) -> None:
    program = fresh.directory / "hang.sh"
    program.write_text("#!/bin/sh\necho $$ >> pids\nsleep 600\n")
    program.chmod(0o755)
    use(fresh, "command: ./hang.sh, settle: 0s, timeout: 10m")
    pids = fresh.directory / "pids"
    with fresh.command.daemon(fresh.port) as process:
        log = fresh.directory / "log"
        eventually(lambda: pids.exists() and len(pids.read_text().split()) >= 2, process, log)
        site = f"http://127.0.0.1:{fresh.port}/feeds/ukraine.atom"
        fresh.origin.advance(fresh.origin.start + 86_400)
        eventually(lambda: b"ammunition plan" in get(site).body, process, log)
        assert len(pids.read_text().split()) == 2, "two at a time"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert time.monotonic() - began < 10
    for pid in pids.read_text().split():
        assert not Path(f"/proc/{pid}").exists() or b"hang.sh" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_commands_tell_of_hooks(fresh: Newsdesk, server: StandIn) -> None:
    use(fresh, f"url: '{server.url}', settle: 0s, token: hush-hush-token")
    with fresh.command.daemon(fresh.port) as process:
        eventually(lambda: summaries(fresh), process, fresh.directory / "log")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    story = next(row for row in fresh.command.rows("stories") if row["tags_by_kind"]["hook"] == ["told"])["id"]
    assert "hook model: " in fresh.command.run("status")
    why = fresh.command.run("why", story)
    assert "from hooks:\n  model: asked at " in why and "summary: In short." in why and "hook:told  (from model)" in why
    count = len(server.requests)
    question = json.loads(fresh.command.run("enrich", "test", story, "--question"))
    assert question["version"] == 1 and len(server.requests) == count
    server.answer = b'{"summary": "Another <b>one</b>."}'
    before = stored(fresh)
    told = fresh.command.run("enrich", "test", story)
    assert "summary: Another one." in told
    assert re.search(r"<em>[^<]+ model:</em> Another one\.", told), "said in the story's language"
    assert json.loads(fresh.command.run("enrich", "test", story, "--json"))["told"]["summary"] == "Another one."
    assert stored(fresh) == before, "a try stores nothing"
    server.status = 500
    assert "the hook model told nothing: it answered with status 500" in fresh.command.fails("enrich", "test", story)
    assert "there is no hook 'modle'" in fresh.command.fails("enrich", "test", story, "--hook", "modle", code=2)
    config = fresh.command.config
    config.write_text(config.read_text().replace("    enrich: model\n", ""))
    assert "- hook model: what it told of" in fresh.command.run("plan")
    everything = (fresh.directory / "log").read_text() + why + told + fresh.command.run("status", "--json")
    assert "hush-hush" not in everything
