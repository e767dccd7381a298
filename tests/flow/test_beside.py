"""Commands on stories beside a running daemon: it publishes what they decide within seconds."""

from __future__ import annotations

import json
import time

from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk

SECONDS = 10.0
"""By then what a person decided is published: a tick, and some patience for a slow machine."""


def entries(desk: Newsdesk, slug: str = "all") -> dict[str, str]:
    """id → address of what the daemon serves."""
    rows = json.loads(get(f"http://127.0.0.1:{desk.port}/feeds/{slug}.json").body or b'{"items": []}')["items"]
    return {row["id"]: row["url"] for row in rows}


def test_decisions_are_published_by_the_daemon_within_seconds(desk: Newsdesk) -> None:
    with desk.command.daemon(desk.port) as process:
        log = desk.directory / "log"

        def soon(condition: object) -> None:
            eventually(condition, process, log, patience=SECONDS)

        eventually(lambda: any(len(row["outlets"]) > 2 for row in desk.command.rows("stories")), process, log)
        eventually(lambda: len(entries(desk)) > 3, process, log)
        time.sleep(2)
        story = next(row for row in desk.command.rows("stories") if len(row["outlets"]) > 2)
        before = entries(desk)
        assert f"urn:uuid:{story['id']}" in before
        last = story["items"][-1]["url"]
        new = desk.command.run("stories", "split", last).splitlines()[0].split()[-1]
        soon(lambda: f"urn:uuid:{new}" in entries(desk))
        assert before.keys() <= entries(desk).keys(), "the story that stays keeps its id"
        assert desk.command.run("plan", "--dedup", "--exit-code").startswith("no story would change")

        assert desk.command.run("stories", "merge", new, story["id"]).splitlines()[0].split()[-1] == story["id"]
        soon(lambda: f"urn:uuid:{new}" not in entries(desk))
        assert f"urn:uuid:{story['id']}" in entries(desk)
        desk.command.run("stories", "drop", last)
        soon(lambda: f"urn:uuid:{story['id']}" not in entries(desk))
        drop, merge, split = desk.command.rows("stories", "decisions")
        desk.command.run("stories", "undo", str(drop["id"]))
        soon(lambda: f"urn:uuid:{story['id']}" in entries(desk))
        desk.command.run("stories", "undo", str(merge["id"]))
        soon(lambda: f"urn:uuid:{new}" in entries(desk))
        desk.command.run("stories", "undo", str(split["id"]))
        soon(lambda: f"urn:uuid:{new}" not in entries(desk))
        assert entries(desk)[f"urn:uuid:{story['id']}"] == before[f"urn:uuid:{story['id']}"]
        assert before.keys() <= entries(desk).keys(), "all is as it was, and what sources told since"
        desk.command.run("stories", "undo", str(split["id"]), code=2)

        desk.command.run("stories", "pin", last)
        soon(lambda: entries(desk)[f"urn:uuid:{story['id']}"] == last)
        desk.command.run("stories", "title", last, "As it was")
        soon(lambda: b"As it was" in get(f"http://127.0.0.1:{desk.port}/stories/{story['id']}").body)
        assert before.keys() <= entries(desk).keys()


def test_regrouping_beside_the_daemon_reaches_its_feeds(desk: Newsdesk) -> None:
    config = desk.command.config
    with desk.command.daemon(desk.port) as process:
        log = desk.directory / "log"
        eventually(lambda: len(entries(desk)) > 3, process, log)
        time.sleep(2)
        before = entries(desk)
        config.write_text(config.read_text() + '\ndedup: {never: ["-title:zzzz"]}\n')
        plan = json.loads(desk.command.run("plan", "--dedup", "--json", "--exit-code", code=1))
        assert {one["kind"] for one in plan["stories"]} == {"part"}
        assert entries(desk).keys() == before.keys()
        said = desk.command.fails("poll", code=0)
        assert f"asking the running daemon (process {process.pid}" in said
        desk.command.run("plan", "--dedup", "--apply")
        eventually(lambda: entries(desk).keys() - before.keys(), process, log, patience=SECONDS)
        assert before.keys() <= entries(desk).keys()


def test_what_a_drop_takes_out_beside_the_daemon_comes_back(desk: Newsdesk) -> None:
    config = desk.command.config
    with desk.command.daemon(desk.port) as process:
        log = desk.directory / "log"
        eventually(lambda: len(entries(desk)) > 3, process, log)
        time.sleep(2)
        before, text = entries(desk), config.read_text()
        config.write_text(text.replace("defaults:", "defaults:\n  drop: nato", 1))
        assert "take out" in desk.command.run("plan", "--exit-code", code=1)
        assert "entries taken out" in desk.command.run("plan", "--apply")
        eventually(lambda: before.keys() - entries(desk).keys(), process, log, patience=SECONDS)
        config.write_text(text)
        assert "let in" in desk.command.run("plan", "--apply")
        eventually(lambda: entries(desk) == before, process, log, patience=SECONDS)
