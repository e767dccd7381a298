"""Hooks that are addresses: real HTTP on loopback, good and bad."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.enrich.ask import ask
from aggregator.fetch.messenger import HttpMessenger
from aggregator.model import Enrichment, Fault
from aggregator.settings import Hook, Network, Settings
from tests.unit.enrich.stand_in import StandIn, stand_in

OPEN = Settings(Path("feeds.yaml"), (), network=Network(allow=("127.0.0.1/32",)))


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as told:
        yield told


def asked(server: StandIn, *, timeout: float = 20.0, settings: Settings = OPEN, token: str | None = None) -> Enrichment | Fault:
    async def once() -> Enrichment | Fault:
        messenger = HttpMessenger(settings)
        try:
            hook = Hook("model", url=server.url, timeout=timeout, token=token)
            return await ask(hook, b'{"title": "x"}', "x", messenger, {}, Path())
        finally:
            await messenger.aclose()

    return asyncio.run(once())


def why(answer: Enrichment | Fault) -> str:
    assert isinstance(answer, Fault)
    return answer.detail


def test_the_story_is_posted_and_the_answer_is_read(server: StandIn) -> None:
    server.answer = b'{"summary": "Short."}'
    told = asked(server, token="t0ken-of-mine")
    assert isinstance(told, Enrichment) and told.summary == "Short."
    [(headers, story)] = server.requests
    assert story == {"title": "x"} and headers["Authorization"] == "Bearer t0ken-of-mine"
    assert headers["User-Agent"].startswith("aggregator")


def test_without_a_token_none_is_sent(server: StandIn) -> None:
    asked(server)
    assert "Authorization" not in server.requests[0][0]


def test_a_server_that_hangs_is_left_when_the_time_is_over(server: StandIn) -> None:
    server.answer = None
    began = time.monotonic()
    assert why(asked(server, timeout=1.0)) == "too slow: not done within 1 s"
    assert time.monotonic() - began < 10


def test_a_hook_may_take_longer_than_other_messages(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.fetch.messenger.SECONDS", 0.001)
    assert isinstance(asked(server), Enrichment)


def test_a_hundred_megabytes_are_not_read(server: StandIn) -> None:
    server.answer = json.dumps({"summary": "x" * 100_000_000}).encode()
    assert "longer than 64 KiB" in why(asked(server))


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_other_statuses_are_failures(server: StandIn, status: int) -> None:
    server.status = status
    assert why(asked(server)) == f"it answered with status {status}"


@pytest.mark.parametrize("body", [b"", b"<html>Login</html>", b"[]", b'{"tags": 1}', b"\xff" * 99])
def test_answers_that_can_not_be_used_are_failures(server: StandIn, body: bytes) -> None:
    server.answer = body
    assert isinstance(asked(server), Fault)


def test_private_addresses_are_guarded_as_those_of_webhooks(server: StandIn) -> None:
    assert "not allowed" in why(asked(server, settings=Settings(Path("feeds.yaml"), ())))
    assert server.requests == []
