"""A daemon that is started without a network: one line says so, one source is probed, and then all is read at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from aggregator.app import make_runtime
from aggregator.commands.status import daemon_problems
from aggregator.model import Fault, FaultKind, FetchFailed, FetchOutcome, FetchRequest, Instant, PollReport, SourceId
from aggregator.run.polls.outage import OutageWatch, explain_outage
from aggregator.run.runtime import Resources, Runtime
from aggregator.settings import Settings
from tests.unit.chain.newsroom import START, Newsroom, document, entry
from tests.unit.chain.test_service import Desk, run

COUNT = 8
SOURCES = "sources:\n" + "".join(f"  - {{id: s{n}, url: 'https://s{n}.example/feed'}}\n" for n in range(COUNT))
OFFLINE = Fault(FaultKind.OFFLINE, "no name server could tell the address")
NOT_FOUND = Fault(FaultKind.STATUS, "404 Not Found", 404)
HEADLINES = (
    "Ferry to the islands sails again",
    "Mayor opens harbour bridge",
    "Bakers strike over flour prices",
    "Snow closes mountain pass",
    "Orchestra plays lost symphony",
    "Court frees three fishermen",
    "Comet seen above the desert",
    "Parliament rejects railway budget",
)
LAST_MONTH = START - 30 * 86_400.0


class World:
    """The fetcher of a desk: `fault` says how every request fails; None: all is well. news: headlines of now."""

    def __init__(self, fault: Fault | None = OFFLINE) -> None:
        self.fault = fault
        self.own: dict[str, Fault | None] = {}
        self.asked: list[str] = []
        self.news: tuple[str, ...] = ()

    async def fetch(self, request: FetchRequest, now: Instant, memory: object = None) -> FetchOutcome:
        self.asked.append(request.url)
        fault = self.own.get(request.url, self.fault)
        if fault is not None:
            return FetchFailed(fault, (), request.url)
        headline = HEADLINES[int(request.url[9]) if request.url.startswith("https://s") else 0]
        return document(request.url, [entry(headline, at=LAST_MONTH), *(entry(one, at=now) for one in self.news)])

    async def aclose(self) -> None:
        """Nothing to close."""

    def make(self, settings: Settings, resources: Resources) -> Runtime:
        runtime = make_runtime(settings, resources)
        pipeline = runtime.pipeline
        return replace(runtime, pipeline=replace(pipeline, requests=replace(pipeline.requests, fetcher=self)))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr("tests.unit.chain.test_service.make_runtime", world.make)
    return world


async def settle(desk: Desk, ticks: int = 3) -> None:
    """Ticks until what has begun is stored and published."""
    for _ in range(ticks):
        await desk.service.tick()
        await asyncio.gather(
            *desk.service.polling.poller.tasks([SourceId(id) for id in ("home", *(f"s{n}" for n in range(COUNT)))])
        )
        await asyncio.sleep(0)
        await desk.service.background.wait()


async def pass_minute(desk: Desk) -> None:
    desk.clock.time += 61.0
    await settle(desk)


def page(desk: Desk, path: str = "/index.html") -> str:
    document = desk.resources.shelf.get(path)
    assert document is not None
    return document.body.decode()


def test_a_start_without_a_network_is_one_line_and_is_told_everywhere(tmp_path: Path, world: World) -> None:
    async def work(desk: Desk) -> None:
        with capture_logs() as logs:
            await desk.start(SOURCES)
            await settle(desk)
        assert sorted(world.asked) == sorted(f"https://s{n}.example/feed" for n in range(COUNT))
        (told,) = [line for line in logs if line["event"] == "network_down"]
        assert (told["log_level"], told["sources"]) == ("warning", COUNT)
        assert [line["event"] for line in logs if line["event"] not in ("published", "started")] == ["network_down"]
        is_ready, parts = desk.service.ready()
        assert (is_ready, parts["network"]) == (False, "no source can be read")
        assert desk.service.details()["network"] == told["why"]
        for path in ("/index.html", "/topics/all.html"):
            assert f"No source can be read: {told['why']}." in page(desk, path)
        (problem,) = daemon_problems(desk)  # type: ignore[arg-type]
        assert told["why"] in problem

    run(tmp_path, work)


def test_one_source_is_probed_a_minute_and_all_are_read_once_it_answers(tmp_path: Path, world: World) -> None:
    async def work(desk: Desk) -> None:
        await desk.start(SOURCES)
        await settle(desk)
        probed = set()
        for _ in range(3):
            world.asked.clear()
            await pass_minute(desk)
            (one,) = world.asked
            probed.add(one)
        assert len(probed) == 3, "they take turns"
        world.asked.clear()
        world.fault = None
        with capture_logs() as logs:
            await pass_minute(desk)
        assert sorted(world.asked) == sorted(f"https://s{n}.example/feed" for n in range(COUNT)), "and nobody twice"
        assert len([line for line in logs if line["event"] == "network_up"]) == 1
        assert desk.service.ready()[0]
        assert "No source can be read" not in page(desk)
        assert page(desk, "/topics/all.html").count("<article") == COUNT, (
            "feeds are filled as after any first start: old stories enter"
        )
        assert daemon_problems(desk) == []  # type: ignore[arg-type]

    run(tmp_path, work)


def test_a_restart_without_a_network_forgets_nothing_and_asks_again_as_soon_as_it_can(tmp_path: Path, world: World) -> None:
    async def read(desk: Desk) -> None:
        world.fault = None
        await desk.start(SOURCES)
        await settle(desk)

    async def come_back(desk: Desk) -> None:
        world.fault = OFFLINE
        desk.clock.time = START + 30 * 86_400.0
        await desk.start(SOURCES)
        await settle(desk)
        assert not desk.service.ready()[0]
        assert page(desk, "/topics/all.html").count("<article") == COUNT and "No source can be read" not in page(
            desk, "/topics/all.html"
        )
        assert "No source can be read" in page(desk)
        world.fault = None
        world.asked.clear()
        await pass_minute(desk)
        assert len(world.asked) == COUNT
        states = desk.store.states().values()
        assert {(state.first_success, state.failures) for state in states} == {(START, 0)}

    run(tmp_path, read)
    run(tmp_path, come_back)


def test_a_restart_in_the_midst_of_an_outage_goes_on_with_it(tmp_path: Path, world: World) -> None:
    async def lose(desk: Desk) -> None:
        await desk.start(SOURCES)
        await settle(desk)
        await desk.service.health.check()

    async def come_back(desk: Desk) -> None:
        desk.clock.time = START + 61.0
        world.asked.clear()
        await desk.start(SOURCES)
        assert not desk.service.ready()[0] and "No source can be read" in page(desk)
        await settle(desk)
        assert len(world.asked) == 1, "one is probed at once"
        await desk.service.health.check()
        assert len(daemon_problems(desk)) == 1, "nothing is over"  # type: ignore[arg-type]
        world.fault = None
        world.asked.clear()
        await pass_minute(desk)
        assert len(world.asked) == COUNT and desk.service.ready()[0]
        assert page(desk, "/topics/all.html").count("<article") == COUNT

    run(tmp_path, lose)
    run(tmp_path, come_back)


@pytest.mark.parametrize("own", [None, NOT_FOUND])
def test_a_restart_takes_nothing_for_an_outage_if_one_server_had_answered(
    tmp_path: Path, world: World, own: Fault | None
) -> None:
    async def lose(desk: Desk) -> None:
        world.own = {"https://s7.example/feed": own}
        await desk.start(SOURCES)
        await settle(desk)

    async def come_back(desk: Desk) -> None:
        world.asked.clear()
        await desk.start(SOURCES)
        await settle(desk)
        assert desk.service.ready()[0] and world.asked == []

    run(tmp_path, lose)
    run(tmp_path, come_back)


@pytest.mark.parametrize("home", ["http://127.0.0.1:8081/feed", "http://nas.local/feed", "http://192.168.1.20:3000/rss"])
def test_an_answer_from_the_own_network_hides_no_outage(tmp_path: Path, world: World, home: str) -> None:
    async def work(desk: Desk) -> None:
        world.own = {home: None}
        with capture_logs() as logs:
            await desk.start(SOURCES + f"  - {{id: home, url: '{home}'}}\nnetwork: {{allow: [127.0.0.0/8, 192.168.1.0/24]}}\n")
            await settle(desk)
        assert [line["source"] for line in logs if line["event"] == "poll_done"] == ["home"]
        assert desk.service.details()["network"] != "ok"
        world.asked.clear()
        desk.clock.time += 86_400.0
        for _ in range(3):
            await pass_minute(desk)
        assert world.asked.count(home) == 1, "it is polled when it is due, and is no probe"
        assert not desk.service.ready()[0]

    run(tmp_path, work)


def test_pages_say_how_far_the_sources_are_read(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: Desk) -> None:
        world.fault = None
        await desk.start(SOURCES + "  - {id: mine, url: 'https://mine.example/feed', private: true}\n")
        assert f"0 of {COUNT} sources read" in page(desk) and f"0 of {COUNT} sources read" in page(desk, "/topics/all.html")
        states = desk.store.states()
        with desk.store.begin() as transaction:
            for n in range(3):
                transaction.save_state(replace(states[SourceId(f"s{n}")], first_success=START, last_poll=START, due=START + 1e6))
        monkeypatch.setattr(desk.service.polling.poller, "start", lambda *_, **__: [])
        await settle(desk)
        assert f"3 of {COUNT} sources read" in page(desk) and f"3 of {COUNT} sources read" in page(desk, "/topics/all.html")
        monkeypatch.undo()
        desk.clock.time += 61.0  # past the lease
        await settle(desk, 5)
        assert "sources read" not in page(desk) and "sources read" not in page(desk, "/topics/all.html")

    run(tmp_path, work)


def test_an_edited_config_is_tried_at_once(tmp_path: Path, world: World) -> None:
    async def work(desk: Desk) -> None:
        await desk.start(SOURCES)
        await settle(desk)
        world.asked.clear()
        await settle(desk)
        assert world.asked == []
        desk.configure(SOURCES + "network: {proxy: 'http://proxy.example:3128'}\n")
        await desk.service.reload_if_changed(forced=False)
        await settle(desk)
        assert len(world.asked) == 1

    run(tmp_path, work)


def test_sources_that_fail_for_reasons_of_their_own_are_told_one_by_one(tmp_path: Path, world: World) -> None:
    async def work(desk: Desk) -> None:
        world.fault = Fault(FaultKind.DNS, "no such name")
        world.own = {"https://s7.example/feed": NOT_FOUND}
        with capture_logs() as logs:
            await desk.start(SOURCES)
            await settle(desk)
        assert len([line for line in logs if line["event"] == "poll_done"]) == COUNT
        assert not [line for line in logs if line["event"] == "network_down"]
        assert desk.service.ready()[0]
        world.asked.clear()
        await pass_minute(desk)
        assert world.asked == [], "a source that fails is left alone for its usual time"

    run(tmp_path, work)


def test_the_server_of_a_lone_source_is_not_asked_each_minute(tmp_path: Path, world: World) -> None:
    async def work(desk: Desk) -> None:
        world.fault = Fault(FaultKind.CONNECT, "connection refused")
        with capture_logs() as logs:
            await desk.start("sources: [https://s0.example/feed, https://www.s0.example/other]\n")
            await settle(desk)
        assert len([line for line in logs if line["event"] == "poll_done"]) == 2
        world.asked.clear()
        await pass_minute(desk)
        assert world.asked == []

    run(tmp_path, work)


def test_a_server_that_may_have_heard_of_us_is_probed_no_sooner_than_polling_allows(tmp_path: Path, world: World) -> None:
    async def work(desk: Desk) -> None:
        world.fault = Fault(FaultKind.TIMEOUT, "too slow")
        await desk.start("sources: [https://a.example/feed, https://b.example/feed]\npolling: {min: 5m}\n")
        await settle(desk)
        assert not desk.service.ready()[0]
        world.asked.clear()
        for _ in range(4):
            await pass_minute(desk)
        assert world.asked == []
        for _ in range(2):
            await pass_minute(desk)
        assert len(world.asked) == 2

    run(tmp_path, work)


def test_feeds_are_not_filled_by_a_poll_without_a_network(newsroom: Newsroom) -> None:
    urls = ["https://one.example/feed", "https://two.example/feed"]
    newsroom.configure(f"sources: [{', '.join(urls)}]\n")
    newsroom.answers = {url: FetchFailed(OFFLINE, (), url) for url in urls}
    newsroom.poll()
    for url, headline in zip(urls, HEADLINES, strict=False):
        newsroom.serves(url, entry(headline, at=LAST_MONTH))
    newsroom.poll()
    assert sorted(newsroom.titles()) == sorted(HEADLINES[:2])


def fault(kind: FaultKind, detail: str = "", status: int | None = None) -> Fault:
    return Fault(kind, detail, status)


NO_SERVER, NO_ROUTE = fault(FaultKind.OFFLINE, "no name server could tell"), fault(FaultKind.OFFLINE, "no route to the server")
LOGIN = "login page"


@pytest.mark.parametrize(
    ("faults", "has_route", "words"),
    [
        ([NO_SERVER] * 3, False, "has no network"),
        ([NO_ROUTE] * 3, True, "has no network"),
        ([NO_SERVER] * 3, True, "no name server answers"),
        ([NO_SERVER], True, "no name server answers"),
        ([fault(FaultKind.DNS)] * 3, True, "knows none of the names"),
        ([fault(FaultKind.DNS)], True, None),
        ([fault(FaultKind.TLS)] * 3, True, LOGIN),
        ([fault(FaultKind.HTML)] * 3, True, LOGIN),
        ([fault(FaultKind.STATUS, status=511)] * 3, True, LOGIN),
        ([fault(FaultKind.ADDRESS)] * 3, True, LOGIN),
        ([fault(FaultKind.TLS), fault(FaultKind.TLS), fault(FaultKind.TIMEOUT)], True, LOGIN),
        ([fault(FaultKind.TIMEOUT), fault(FaultKind.CONNECT)], True, "firewall"),
        ([fault(FaultKind.CONNECT)], True, None),
        ([], True, None),
    ],
)
def test_causes_are_told_apart(faults: list[Fault], has_route: bool, words: str | None) -> None:
    told = explain_outage({f"https://s{n}.example/": one for n, one in enumerate(faults)}, len(faults), has_route)
    assert (words is None and told is None) or (words is not None and told is not None and words in told)


@pytest.mark.parametrize("host", ["192.168.1.{}", "nas{}", "nas{}.local", "[fd00::{}]:81", "10.0.0.{}:8080"])
def test_private_addresses_that_the_config_does_not_allow_are_no_outage(host: str) -> None:
    faults = {f"http://{host.format(n)}/feed": fault(FaultKind.ADDRESS) for n in range(1, 7)}
    assert explain_outage(faults, 6, True) is None


def test_a_few_of_many_sources_prove_nothing_of_the_network() -> None:
    faults = {f"https://s{n}.example/": fault(FaultKind.TIMEOUT) for n in range(4)}
    assert explain_outage(faults, 100, True) is None
    assert explain_outage(faults | {"https://s9.example/": fault(FaultKind.TIMEOUT)}, 100, True) is not None


def test_what_failed_before_the_first_answer_is_logged_with_it() -> None:
    watch = OutageWatch(lambda: True)
    failed = PollReport(SourceId("a"), "failed", "too slow", fault=fault(FaultKind.TIMEOUT))
    read = PollReport(SourceId("b"), "changed", "1 new")
    assert watch.record(failed) == []
    assert watch.record(read) == [failed, read]
    assert watch.record(failed) == [failed]
    assert watch.end() == frozenset(), "who was too slow is not asked again at once"
