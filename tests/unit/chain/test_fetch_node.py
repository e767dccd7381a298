"""A node that asks sources, and the leader's end of the inbox: real nodes on one PostgreSQL database, scripted servers."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from aggregator.app import make_polling_runtime, make_resources, make_runtime
from aggregator.cadence import body_hash
from aggregator.config.load import load
from aggregator.errors import UnreachableError
from aggregator.fetch.hosts import LONG_AGO
from aggregator.model import (
    Fault,
    FaultKind,
    Fetched,
    FetchFailed,
    FetchOutcome,
    FetchRequest,
    Instant,
    NotModified,
    SourceId,
    StoryId,
    Validators,
)
from aggregator.pipeline.handing_over import decode
from aggregator.ports import Arrival, Attendance, Store, StoryFilter, Transaction
from aggregator.run.nodes import fetch_node
from aggregator.run.nodes.config_watch import ConfigWatch
from aggregator.run.nodes.fetch_node import FetchNode
from aggregator.run.polls.arrivals import TRIES
from aggregator.run.runtime import PollingRuntime, Resources
from aggregator.run.service import Service
from aggregator.settings import Settings
from aggregator.store.postgres.cluster.inbox import PostgresInbox
from aggregator.store.postgres.store import PostgresStore
from aggregator.store.sqlite import SqliteStore
from aggregator.stories.upkeep.adopt_config import adopt
from aggregator.tag.check import check
from tests import postgres
from tests.faults.presses import Event
from tests.flow.command import eventually
from tests.unit.chain.newsroom import START, HandClock, document, entry

COUNT = 4
HOUR_AGO = START - 3_600.0


@dataclass
class Servers:
    """What the outlets answer, by address, in place of the network."""

    answers: dict[str, FetchOutcome] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    asked_at: dict[str, float] = field(default_factory=dict)

    def tells(self, number: int, *titles: str) -> None:
        url = address(number)
        self.answers[url] = document(
            url, [entry(title, at=HOUR_AGO + 60 * at, url=f"{url}/{title}") for at, title in enumerate(titles)]
        )

    async def fetch(self, request: FetchRequest, now: Instant, memory: object = None) -> FetchOutcome:
        self.asked.append(request.url)
        self.asked_at[request.url] = time.monotonic()
        return self.answers.get(request.url, NotModified(request.url, Validators()))

    async def aclose(self) -> None:
        """Nothing to close."""

    def make(self, settings: Settings, resources: Resources) -> PollingRuntime:
        runtime = make_polling_runtime(settings, resources)
        pipeline = runtime.pipeline
        return replace(runtime, pipeline=replace(pipeline, requests=replace(pipeline.requests, fetcher=self)))


def address(number: int) -> str:
    return f"https://outlet{number}.example/feed"


@dataclass
class Room:
    """A database with nodes on it. Each has a config file and published files of its own."""

    folder: Path
    url: str
    servers: Servers = field(default_factory=Servers)
    opened: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)

    def configure(self, name: str, **sections: object) -> Settings:
        config = {
            "site": {"url": "https://news.example"},
            "storage": {"database": self.url},
            "publish": {"directory": f"{name}/public", "private": f"{name}/private"},
            "sources": [{"id": f"s{number}", "url": address(number)} for number in range(COUNT)],
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(config | sections))
        return load(path, check, {})

    def _join(self, settings: Settings, role: str) -> tuple[Resources, Attendance]:
        store = PostgresStore(self.url)
        attendance = store.cluster.attend(role, lambda: settings.file.read_text(), asks=role == "fetch")
        resources = make_resources(settings, store, None, attendance, role)  # type: ignore[arg-type]

        async def end() -> None:
            attendance.end()
            store.close()

        self.opened.append(end)
        return resources, attendance

    async def fetcher(self, **sections: object) -> FetchNode:
        settings = self.configure("fetcher", **sections)
        resources, _ = self._join(settings, "fetch")
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        watch = ConfigWatch(settings, lambda: load(settings.file, check, {}))
        await resources.documents.warm_up()  # a document that is read for long is stored as one that was cut short
        node = FetchNode(watch, self.servers.make(settings, resources), self.servers.make, listener)
        await node.start()
        self.opened.append(lambda: node.drain(1.0))
        return node

    async def leader(self) -> Service:
        settings = self.configure("leader")
        resources, _ = self._join(settings, "lead")
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        service = Service(make_runtime(settings, resources), lambda: settings, make_runtime, listener)
        await service.start()
        self.opened.append(lambda: service.drain(1.0))
        return service

    def prepare(self) -> None:
        """Makes the sources known, as a leader does at its start."""
        with closing(PostgresStore(self.url)) as store:
            store.sync_sources(self.configure("leader").sources, 0.0)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()


async def polled(node: FetchNode) -> None:
    """Ticks once, and waits for the polls that it starts."""
    await node.tick()
    await asyncio.gather(*node.polls.poller.tasks([SourceId(f"s{number}") for number in range(COUNT)]))
    await node.runtime.writer.flush()


async def until(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(eventually, condition)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path, postgres.server().of_folder(tmp_path))


def run(room: Room, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def inside() -> None:
        try:
            await work()
        finally:
            for close in reversed(room.opened):
                await close()

    asyncio.run(inside())


def test_without_a_leader_unchanged_sources_failures_and_holds_are_stored_and_documents_wait(room: Room) -> None:
    async def work() -> None:
        room.prepare()
        node = await room.fetcher()
        room.servers.tells(0, "A ferry runs aground")
        wait = Fault(FaultKind.STATUS, "HTTP 429", status=429, retry_at=node.runtime.clock.now() + 600, holds_host=True)
        room.servers.answers[address(1)] = FetchFailed(wait, (), address(1))
        await polled(node)
        states = node.runtime.store.states()
        assert sorted(room.servers.asked) == [address(number) for number in range(COUNT)]
        assert states[SourceId("s1")].failures == 1
        assert list(node.runtime.store.holds(node.runtime.clock.now())) == ["outlet1.example"]
        assert [states[SourceId(id)].last_status for id in ("s2", "s3")] == [304, 304]
        assert room.rows("SELECT source FROM inbox") == [("s0",)]
        assert states[SourceId("s0")].due > node.runtime.clock.now() + 1_800, "it is not asked again while it waits"
        assert not room.rows("SELECT * FROM items")

    run(room, work)


def test_the_leader_stores_what_waits_and_marks_the_feeds(room: Room) -> None:
    async def work() -> None:
        room.prepare()
        node = await room.fetcher()
        room.servers.tells(0, "A ferry runs aground")
        room.servers.tells(1, "Miners strike")
        await polled(node)
        leader = await room.leader()
        await until(lambda: not room.rows("SELECT * FROM inbox") and len(room.rows("SELECT * FROM items")) == 2)
        await leader.tick()
        await leader.background.wait()
        feed = (leader.runtime.settings.publish.directory / "feeds/all.json").read_text()
        assert "A ferry runs aground" in feed and "Miners strike" in feed
        state = leader.runtime.store.states()[SourceId("s0")]
        answer = room.servers.answers[address(0)]
        assert isinstance(answer, Fetched) and state.body_hash == body_hash(answer.body)
        assert state.last_success is not None and state.entries == 1

    run(room, work)


def test_a_document_that_is_unreadable_unknown_or_late_does_not_hold_up_the_others(room: Room) -> None:
    async def work() -> None:
        room.prepare()
        node = await room.fetcher()
        room.servers.tells(0, "A ferry runs aground")
        room.servers.tells(1, "Of an earlier turn")
        room.servers.tells(2, "Of another address")
        room.servers.tells(3, "Unreadable")
        await polled(node)
        cluster = node.runtime.store.cluster
        assert cluster is not None
        assert cluster.claims.claim_one(SourceId("s1"), 0.0) is not None
        with psycopg.connect(room.url) as connection:
            connection.execute("UPDATE inbox SET content = 'nonsense' WHERE source = 's3'")
        settings = room.configure("leader")
        moved = [{"id": f"s{n}", "url": address(n if n != 2 else 22)} for n in range(COUNT)]
        with capture_logs() as logs:
            room.configure = lambda name, **_: settings_with(settings, moved)  # type: ignore[method-assign]
            await room.leader()
            await until(lambda: not room.rows("SELECT * FROM inbox"))
        titles = [title for (title,) in room.rows("SELECT DISTINCT title FROM items")]
        assert titles == ["A ferry runs aground"]
        assert [line["source"] for line in logs if line["event"] == "poll_crashed"] == ["s3"]
        [(error,)] = room.rows("SELECT last_error FROM sources WHERE id = 's3'")
        assert "internal error" in error

    run(room, work)


def settings_with(settings: Settings, sources: list[dict[str, str]]) -> Settings:
    config = json.loads(settings.file.read_text()) | {"sources": sources}
    settings.file.write_text(json.dumps(config))
    return load(settings.file, check, {})


def test_a_document_that_ends_one_leader_after_the_other_counts_as_a_failure(room: Room) -> None:
    async def work() -> None:
        room.prepare()
        node = await room.fetcher()
        room.servers.tells(0, "A ferry runs aground")
        await polled(node)
        with psycopg.connect(room.url) as connection:
            connection.execute(f"UPDATE inbox SET tries = {TRIES}".encode())
        await room.leader()
        await until(lambda: not room.rows("SELECT * FROM inbox"))
        [(failures, error)] = room.rows("SELECT failures, last_error FROM sources WHERE id = 's0'")
        assert (failures, "could not be stored" in error) == (1, True)
        assert not room.rows("SELECT * FROM items")

    run(room, work)


def test_who_has_just_got_a_shard_waits_the_gap_of_its_hosts_first(room: Room) -> None:
    async def work() -> None:
        room.prepare()
        began = time.monotonic()
        node = await room.fetcher(hosts={"outlet0.example": {"gap": "3s"}})
        await polled(node)
        assert room.servers.asked_at[address(0)] >= began + 3.0 > room.servers.asked_at[address(1)]

    run(room, work)


def test_a_full_inbox_ends_claims_until_there_is_room(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        monkeypatch.setattr(fetch_node, "FULL", 1)
        room.prepare()
        with psycopg.connect(room.url) as connection:
            connection.execute("INSERT INTO inbox (source, turn, at, content) VALUES ('s0', 0, 0, 'x')")
        node = await room.fetcher()
        await polled(node)
        assert not room.servers.asked and node.ready()[1]["inbox"] == "full"
        with psycopg.connect(room.url) as connection:
            connection.execute("DELETE FROM inbox")
        await polled(node)
        assert len(room.servers.asked) == COUNT and node.ready()[1]["inbox"] == "ok"

    run(room, work)


def test_a_poll_whose_shard_is_lost_asks_nobody_and_gives_its_source_back(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        room.prepare()
        node = await room.fetcher()
        claiming = node.runtime.resources.claiming
        claim = claiming.claim

        async def claim_and_lose(*arguments: Any) -> Any:
            taken = await claim(*arguments)
            monkeypatch.setattr(claiming._attendance, "since", lambda shard: None)  # type: ignore[attr-defined]
            return taken

        monkeypatch.setattr(claiming, "claim", claim_and_lose)
        await polled(node)
        assert not room.servers.asked
        states = node.runtime.store.states().values()
        assert [(state.due, state.last_poll, state.failures) for state in states] == [(0.0, None, 0)] * COUNT

    run(room, work)


def test_what_the_database_does_not_take_is_asked_again_once_it_does(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        room.prepare()
        node = await room.fetcher()
        room.servers.tells(0, "A ferry runs aground")
        cluster = node.runtime.store.cluster
        assert cluster is not None
        with monkeypatch.context() as broken:

            def refuse(*_: object) -> bool:
                raise UnreachableError("the server does not answer")

            broken.setattr(PostgresInbox, "put", refuse)
            await node.tick()
            await asyncio.gather(*node.polls.poller.tasks([SourceId("s0")]), return_exceptions=True)
        with pytest.raises(UnreachableError):
            await node.tick()
        await polled(node)
        await polled(node)
        assert room.servers.asked.count(address(0)) == 2
        assert room.rows("SELECT source FROM inbox") == [("s0",)]

    run(room, work)


def test_a_poll_that_outlasts_its_lease_is_stored_and_made_once(room: Room) -> None:
    async def work() -> None:
        room.prepare()
        node = await room.fetcher()
        claiming, now = node.runtime.resources.claiming, node.runtime.clock.now()
        taken = await claiming.claim(now, 1, ())
        busy = [state.id for state in taken]
        again = await claiming.claim(now + 120.0, 10, busy)
        assert busy == ["s0"] and "s0" not in [state.id for state in again]
        node.runtime.writer.save_state(replace(taken[0], due=7.0))
        await node.runtime.writer.flush()
        assert node.runtime.store.states()[busy[0]].due == 7.0
        assert (claiming.since(busy[0]) or LONG_AGO) > LONG_AGO, "who asks next waits the gap from then on"

    run(room, work)


def test_a_node_that_reaches_nobody_leaves_its_sources_to_others(room: Room) -> None:
    async def work() -> None:
        room.prepare()
        node = await room.fetcher()
        for number in range(COUNT):
            fault = Fault(FaultKind.OFFLINE, "no route")
            room.servers.answers[address(number)] = FetchFailed(fault, (), address(number))
        await polled(node)
        await node.tick()
        attendance = node.runtime.resources.attendance
        assert attendance is not None
        assert node.ready()[1]["network"] == "no source can be read"
        await until(lambda: attendance.shards == 0)
        room.servers.answers.clear()
        node.polls._next_probe = 0.0
        await polled(node)
        await polled(node)
        assert node.ready()[1]["network"] == "ok" and attendance.shards == 64
        assert all(state.failures == 0 for state in node.runtime.store.states().values())

    run(room, work)


def test_a_node_that_has_another_config_says_so(room: Room) -> None:
    async def work() -> None:
        leader = await room.leader()
        node = await room.fetcher()
        await until(lambda: len(node.runtime.resources.attendance.nodes) == 2)  # type: ignore[union-attr]
        with capture_logs() as logs:
            await polled(node)
        assert node.ready()[1]["config"] == "differs"
        assert [line["event"] for line in logs].count("config_differs") == 1
        assert b"aggregator_led 1.0" in node._render_metrics()
        assert leader.ready()[0]

    run(room, work)


def test_a_clock_that_is_an_hour_off_changes_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        room.prepare()
        node = await room.fetcher()
        [(now,)] = room.rows("SELECT extract(epoch FROM clock_timestamp())::float8")
        monkeypatch.setattr("time.time", lambda: now - 3_600.0)
        room.servers.tells(0, "A ferry runs aground")
        await polled(node)
        [(at,)] = room.rows("SELECT at FROM inbox")
        assert abs(at - now) < 60
        assert all(state.due > now for state in node.runtime.store.states().values())

    run(room, work)


MOMENTS = re.compile(r"<updated>[^<]*</updated>")


def stories_of(store: Store) -> dict[StoryId, list[str]]:
    return {story.id: sorted(item.guid for item in story.items) for story in store.find(StoryFilter())}


def published(settings: Settings) -> str:
    """The feed of all, without when a daemon saw a change, and without its own id, which is random for each database."""
    head, _, rest = (settings.publish.directory / "feeds/all.atom").read_text().partition("<id>")
    return MOMENTS.sub("", head + rest.partition("</id>")[2])


async def replay(room: Room, arrivals: list[Arrival]) -> tuple[dict[StoryId, list[str]], str]:
    """The stories and the feed that one daemon on SQLite makes of these documents."""
    settings, clock = room.configure("alone"), HandClock()
    with closing(SqliteStore(room.folder / "alone.db")) as store:
        runtime = make_runtime(settings, replace(make_resources(settings, store), clock=clock))
        store.sync_sources(settings.sources, 0.0)
        adopt(store, settings, lambda: runtime.rules, arrivals[0].at)
        for arrival in arrivals:
            clock.time, one = arrival.at, decode(arrival.content)
            state, source = store.states([arrival.source])[arrival.source], settings.enabled_sources[arrival.source]
            await runtime.storage.store_document(source, state, one.answer, one.read, arrival.at)
        runtime.publisher.publish(None, clock.now())
        await runtime.writer.aclose()
        await runtime.aclose()
        return stories_of(store), published(settings)


def test_replayed_in_order_one_daemon_on_sqlite_makes_the_same_stories(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    arrivals, settle = list[Arrival](), PostgresInbox.settle

    def remember(inbox: PostgresInbox, transaction: Transaction, arrival: Arrival) -> bool:
        arrivals.append(arrival)
        return settle(inbox, transaction, arrival)

    monkeypatch.setattr(PostgresInbox, "settle", remember)

    async def work() -> None:
        room.prepare()
        node, leader = await room.fetcher(), None
        for step in range(1, 4):
            for number in range(COUNT):
                shared, own = range(step), 100 + 10 * step + number
                room.servers.tells(number, *(Event(event, HOUR_AGO).title for event in (*shared, own)))
            with psycopg.connect(room.url) as connection:
                connection.execute("UPDATE sources SET due = 0")
            await polled(node)
            leader = leader or await room.leader()
            await until(lambda: not room.rows("SELECT * FROM inbox"))
        assert leader is not None
        assert len(arrivals) == 3 * COUNT and arrivals == sorted(arrivals, key=lambda one: one.id)
        await leader.tick()
        await leader.background.wait()
        stories, feed = await replay(room, arrivals)
        assert stories_of(leader.runtime.store) == stories and len(stories) > COUNT
        assert published(leader.runtime.settings) == feed

    run(room, work)
