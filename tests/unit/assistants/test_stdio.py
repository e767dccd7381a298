"""`aggregator mcp` on standard input and output: what a model gets, and what no entry can do to it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest

from tests.flow.command import clean_environment
from tests.unit.assistants.conftest import make_desk
from tests.unit.assistants.desk import FERRY, ORDERS, SCOOP, Desk


def test_a_model_learns_what_it_may_do_and_whom_not_to_trust(desk: Desk) -> None:
    async def look() -> None:
        async with desk.client() as client:
            assert client.instructions is not None and "`untrusted`" in client.instructions
            tools = (await client.list_tools()).tools
            assert [tool.name for tool in tools] == ["search", "stories", "story", "threads", "why", "status"]
            for tool in tools:
                assert (
                    tool.annotations is not None and tool.annotations.read_only_hint and tool.description and tool.output_schema
                )
                assert '"untrusted"' in json.dumps(tool.output_schema)
                assert all("type" in given for given in tool.input_schema["properties"].values()), "clients show unions badly"

    asyncio.run(look())


def test_a_story_is_found_listed_read_and_explained(desk: Desk) -> None:
    [row] = desk.answer("search", query="aurora -sold")["stories"]
    assert row["untrusted"]["title"] == FERRY and row["outlet_count"] == 2 and "ferries" in row["feeds"]
    listed, read, explained, elsewhere = desk.ask(
        ("stories", {"feed": "ferries", "since": "1d", "sort": "outlets"}),
        ("story", {"id": row["id"][:8]}),
        ("why", {"id": row["id"]}),
        ("story", {"id": "https://paper.example/aurora"}),
    )
    assert listed.structured_content["stories"][0]["id"] == row["id"]
    reports = read.structured_content["reports"]
    assert [one["untrusted"]["url"] for one in reports] == ["https://wire.example/aurora", "https://paper.example/aurora"]
    assert reports[0]["untrusted"]["author"] == "Ines Harrow" and "Nobody was hurt" in reports[0]["untrusted"]["text"]
    assert elsewhere.structured_content == read.structured_content
    assert {"feed": "ferries", "is_in": True} in explained.structured_content["feeds"]
    assert any(FERRY in line for line in explained.structured_content["untrusted"]["lines"])


def test_answers_fit_their_schemas_and_the_text_says_the_same(desk: Desk) -> None:
    async def look() -> None:
        async with desk.client() as client:
            schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
            [story] = (await client.call_tool("search", {"query": "aurora -sold"})).structured_content["stories"]
            given = {"search": {"query": "ferry"}, "story": {"id": story["id"]}, "why": {"id": story["id"]}}
            for name, schema in schemas.items():
                answer = await client.call_tool(name, given.get(name, {}))
                jsonschema.validate(answer.structured_content, schema)
                assert json.loads(answer.content[0].text) == answer.structured_content

    asyncio.run(look())


def test_whoever_starts_it_sees_private_sources_too(desk: Desk) -> None:
    titles = [row["untrusted"]["title"] for row in desk.answer("search", query="ferry")["stories"]]
    assert SCOOP in titles


def test_orders_in_an_entry_stay_data(desk: Desk) -> None:
    rows = desk.answer("search", query="sinks")["stories"]
    answers = desk.ask(("search", {"query": "sinks"}), ("story", {"id": rows[0]["id"]}), ("why", {"id": rows[0]["id"]}))
    for answer in answers:
        whole = json.dumps(answer.structured_content, ensure_ascii=False) + answer.content[0].text
        assert "<" not in whole and "\x1b" not in whole and "\\u001b" not in whole
        assert not any(0xE0000 <= ord(one) <= 0xE0FFF or one in "\u202e\u202c" for one in whole)
        assert ORDERS not in json.dumps(_without_untrusted(answer.structured_content))
        assert ORDERS in whole, "the text itself is passed on, marked"
        assert answer.structured_content["note"] == ""
    text = answers[1].structured_content["reports"][0]["untrusted"]["text"]
    assert len(text) <= 8_000 and text.endswith("…")


def _without_untrusted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_untrusted(one) for key, one in value.items() if key != "untrusted"}
    return [_without_untrusted(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("search", {"query": "ferry ("}, "bracket"),
        ("search", {"query": "ferry", "since": "soon"}, "like 12h or 7d"),
        ("search", {"query": "x" * 1_001}, "at most 1000"),
        ("search", {"query": "ferry", "limit": 51}, "less than or equal to 50"),
        ("search", {"query": "source:nobody"}, "nobody"),
        ("search", {"query": "ferry", "cursor": "gone"}, "ask again without one"),
        ("stories", {"feed": "politics"}, "ferries"),
        ("story", {"id": "no-such"}, "no such story"),
        ("why", {"id": "https://nowhere.example/"}, "nothing is known"),
        ("publish", {}, "publish"),
    ],
)
def test_mistakes_are_told_so_that_a_model_can_mend_them(desk: Desk, name: str, given: dict[str, object], told: str) -> None:
    [answer] = desk.ask((name, given))
    assert answer.is_error and told in answer.content[0].text and "Traceback" not in answer.content[0].text


def test_a_long_list_comes_in_pages_of_bounded_size(desk: Desk) -> None:
    async def read_all() -> list[str]:
        found: list[str] = []
        async with desk.client() as client:
            cursor = None
            while True:
                answer = await client.call_tool("stories", {"limit": 25, "cursor": cursor, "feed": None})
                assert len(answer.content[0].text) < 60_000
                found += [row["id"] for row in answer.structured_content["stories"]]
                cursor = answer.structured_content["next_cursor"]
                if cursor is None:
                    return found

    found = asyncio.run(read_all())
    assert len(found) == len(set(found)) == 64


def test_it_reads_what_a_daemon_writes_meanwhile_and_writes_nothing(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    database = tmp_path / "data" / "aggregator.db"
    writer = sqlite3.connect(database, isolation_level=None)

    async def look() -> tuple[int, int, int]:
        async with desk.client() as client:

            async def count() -> int:
                return len((await client.call_tool("stories", {"limit": 5})).structured_content["stories"])

            before = await count()
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("UPDATE stories SET dropped = 1")
            during = await count()
            writer.execute("COMMIT")
            return before, during, await count()

    assert asyncio.run(look()) == (5, 5, 0)
    writer.close()


def test_telling_the_status_opens_nothing_for_writing(desk: Desk) -> None:
    """Not even to try whether the disk takes it, as `aggregator status` does."""
    tried = """
import os, sys
from pathlib import Path
from aggregator.assistants.tools import Tools
found = []
def watch(event, given):
    if event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        found.append(given[0])
tools = Tools(Path("feeds.yaml"), sees_all=True)
sys.addaudithook(watch)
assert tools.status().states == {"ok": 3}
print(found)
"""
    done = subprocess.run(
        [sys.executable, "-c", tried], cwd=desk.folder, env=clean_environment(), capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n", done.stdout + done.stderr


def test_without_a_database_there_is_nothing_to_find_and_none_is_made(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    for file in (tmp_path / "data").glob("aggregator.db*"):
        file.unlink()
    assert desk.answer("stories") == {"stories": [], "next_cursor": None, "note": ""}
    assert not (tmp_path / "data" / "aggregator.db").exists()


def test_a_database_of_an_older_release_is_left_to_its_daemon(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    database = tmp_path / "data" / "aggregator.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version - 1}")
    before = database.read_bytes()
    [answer] = desk.ask(("stories", {}))
    assert answer.is_error and "let its daemon migrate it first" in answer.content[0].text
    assert database.read_bytes() == before


def test_a_config_that_is_edited_wrongly_meanwhile_is_told(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)

    async def look() -> None:
        async with desk.client() as client:
            desk.command.config.write_text("sources: 7")
            answer = await client.call_tool("stories", {})
            assert answer.is_error and "aggregator check" in answer.content[0].text

    asyncio.run(look())


def test_without_the_extra_one_sentence_says_how_to_install_it(desk: Desk) -> None:
    hidden = "import sys; sys.modules['mcp'] = None; sys.argv[1:] = ['-c', 'feeds.yaml', 'mcp']"
    hidden += "; from aggregator.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hidden], cwd=desk.folder, env=clean_environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and "pip install 'aggregator[mcp]'" in done.stderr and len(done.stderr.splitlines()) == 1


def test_other_commands_import_nothing_of_it(desk: Desk) -> None:
    tried = """
import sys
from aggregator.cli import COMMANDS, root
import click
for name in COMMANDS: root.get_command(click.Context(root), name)
import aggregator.app
print([name for name in sys.modules if name.split(".")[0] in ("mcp", "mcp_types", "pydantic")])
"""
    done = subprocess.run([sys.executable, "-c", tried], env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
