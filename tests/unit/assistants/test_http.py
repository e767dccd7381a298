"""`aggregator mcp --http`: who is answered, what strangers can try, and what is seen of what is private."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from tests.flow.command import clean_environment, eventually
from tests.unit.assistants.conftest import make_desk
from tests.unit.assistants.desk import FERRY, FERRY_TEXT, SCOOP, TOKEN, Desk

PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
}


class Server:
    """`aggregator mcp --http` in a process of its own."""

    def __init__(self, port: int, log: Path, process: subprocess.Popen[bytes]) -> None:
        self.port, self.log, self.process = port, log, process
        self.url = f"http://127.0.0.1:{port}/mcp"

    def ask(self, *calls: tuple[str, dict[str, Any]], token: str = TOKEN) -> list[CallToolResult]:
        async def session() -> list[CallToolResult]:
            async with (
                httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as requests,
                Client(streamable_http_client(self.url, http_client=requests)) as client,
            ):
                self.tools = [tool.name for tool in (await client.list_tools()).tools]
                return [await client.call_tool(name, given) for name, given in calls]

        return asyncio.run(session())

    def answer(self, name: str, **given: Any) -> Any:
        [result] = self.ask((name, given))
        assert not result.is_error, result.content
        return result.structured_content

    def send(self, body: str = PING, *, method: str = "POST", path: str = "/mcp", **headers: str | None) -> tuple[int, str]:
        """The status and body that a request gets; None takes a header away."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in (HEADERS | named).items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body=body, headers=sent)
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found


@contextmanager
def serving(desk: Desk) -> Iterator[Server]:
    log = desk.folder / "mcp.log"
    with log.open("wb") as err:
        process = subprocess.Popen(
            desk.command.line("mcp", "--http", "127.0.0.1:0"), cwd=desk.folder, env=clean_environment(), stderr=err
        )
    try:
        eventually(lambda: "mcp_listening" in log.read_text(), process, log)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/mcp", log.read_text())
        assert found
        yield Server(int(found[1]), log, process)
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def server(desk: Desk) -> Iterator[Server]:
    with serving(desk) as server:
        yield server


def test_the_clients_of_the_sdk_read_stories(server: Server) -> None:
    [row] = server.answer("search", query="aurora")["stories"]
    assert row["untrusted"]["title"] == FERRY
    story = server.answer("story", id=row["id"])
    assert [one["untrusted"]["outlet"] for one in story["reports"]] == ["Wire", "Paper"]


def test_nothing_private_is_told_unless_the_config_says_so(server: Server) -> None:
    private = json.loads(Path(server.log.parent / "private.json").read_text())
    asked = [
        ("search", {"query": "ferry"}),
        ("search", {"query": "tag:eyes-only"}),
        ("search", {"query": "source:mole"}),
        ("search", {"query": "topic:takeover"}),
        ("stories", {"limit": 50}),
        ("stories", {"sort": "weight"}),
        ("stories", {"feed": "takeover"}),
        ("story", {"id": private["id"]}),
        ("story", {"id": private["id"][:8]}),
        ("story", {"id": "https://mole.example/sold"}),
        ("threads", {}),
        ("why", {"id": private["id"]}),
        ("status", {}),
    ]
    told = "".join(answer.model_dump_json() for answer in server.ask(*asked))
    assert server.tools == ["search", "stories", "story", "threads"]
    assert FERRY in told
    for secret in (SCOOP, "A secret offer", "The Mole", "mole.example", "desk-token", TOKEN):
        assert secret not in told
    unknown, hidden = server.ask(("story", {"id": "no-such"}), ("story", {"id": private["id"]}))
    assert unknown == hidden, "what is hidden is answered like what does not exist"
    for field, secret in (("source", "mole"), ("tag", "eyes-only")):
        unknown, hidden = server.ask(("search", {"query": f"{field}:zebra"}), ("search", {"query": f"{field}:{secret}"}))
        assert hidden.is_error and unknown.content[0].text.splitlines()[0].replace("zebra", secret) in hidden.content[0].text
    unknown, hidden = server.ask(("stories", {"feed": "no-such"}), ("stories", {"feed": "takeover"}))
    assert unknown.content[0].text.replace("no-such", "takeover") == hidden.content[0].text


def test_no_more_text_is_told_than_public_feeds_show(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    config = desk.command.config
    config.write_text(config.read_text() + "publish: {content: title}\n")
    with serving(desk) as server:
        [row] = server.answer("search", query="aurora")["stories"]
        told = json.dumps([row, server.answer("story", id=row["id"])])
        assert FERRY in told and FERRY_TEXT[60:100] not in told


def test_all_is_told_if_the_config_says_so(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    config = desk.command.config
    config.write_text(config.read_text().replace(f"token: {TOKEN}", f"token: {TOKEN}, sees: all"))
    with serving(desk) as server:
        assert SCOOP in [row["untrusted"]["title"] for row in server.answer("search", query="ferry")["stories"]]
        assert server.tools == ["search", "stories", "story", "threads", "why", "status"]
        assert server.answer("status")["states"] == {"ok": 3}


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer \xff\xfe"],
)
def test_without_the_token_nothing_is_answered(server: Server, given: str | None) -> None:
    for method, path in (("POST", "/mcp"), ("GET", "/mcp"), ("POST", "/"), ("POST", f"/mcp?token={TOKEN}")):
        status, body = server.send(Authorization=given, method=method, path=path)
        assert status == 401 and "jsonrpc" not in body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "news.example"}, 200),
        ({"Host": "localhost:9"}, 200),
        ({"Host": "news.example", "Origin": "https://news.example"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "news.example.evil.example"}, 421),
        ({"Host": "evil.example:8090"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://news.example.evil.example"}, 403),
    ],
)
def test_requests_for_other_hosts_and_from_other_pages_are_refused(server: Server, headers: dict[str, str], status: int) -> None:
    assert server.send(**headers)[0] == status


def test_large_and_broken_requests_are_refused_and_the_server_goes_on(server: Server) -> None:
    assert server.send(PING + " " * 70_000)[0] == 413
    for body in ("{", "[]", "7", '{"jsonrpc": "2.0"}', "[" * 50_000, '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":7}'):
        status, answer = server.send(body)
        assert status in (200, 202, 400) and "Traceback" not in answer
    assert server.send(method="GET")[0] == 405
    assert server.send(method="DELETE")[0] == 405
    assert server.send(path="/other")[0] == 404
    assert server.send()[0] == 200
    assert TOKEN not in server.log.read_text() and "Traceback" not in server.log.read_text()


def test_it_ends_in_order_when_it_is_told_to(tmp_path: Path) -> None:
    with serving(make_desk(tmp_path)) as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0


@pytest.mark.parametrize("address", ["8090", "127.0.0.1", ":8090", "127.0.0.1:x", "127.0.0.1:99999", "::1:8090"])
def test_what_is_no_address_is_told(desk: Desk, address: str) -> None:
    assert "write HOST:PORT" in desk.command.fails("mcp", "--http", address, code=2)


def test_without_a_token_in_the_config_nothing_is_served(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    config = desk.command.config
    config.write_text(re.sub(r"server: .*\n", "", config.read_text()))
    assert "`server.mcp` must name a token" in desk.command.fails("mcp", "--http", "127.0.0.1:0", code=2)
