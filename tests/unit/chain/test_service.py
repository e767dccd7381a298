"""The daemon's inside with everything real but the network: reloads, full disks, clocks, and an end in time."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from aggregator.app import make_resources, make_runtime
from aggregator.commands.application import Application
from aggregator.commands.status import daemon_problems
from aggregator.config.load import load
from aggregator.errors import AggregatorError, StoreError
from aggregator.model import Fetched, Slug, SourceId
from aggregator.ports import Report
from aggregator.run import config_in_use
from aggregator.run.monitoring import health
from aggregator.run.runtime import Resources
from aggregator.run.service import Service
from aggregator.settings import Settings
from aggregator.store.sqlite import SqliteStore
from aggregator.stories.upkeep import rolling
from aggregator.tag.check import check
from aggregator.websub import subscriptions
from aggregator.websub.subscriptions import PushSubscription
from tests.unit.chain.newsroom import START, HandClock

CONFIG = """
server: {port: 8091}
sources:
  - {id: one, url: "https://one.example/feed", enabled: false}
"""
TOPIC = "topics: [{slug: sea, title: Sea, query: ferry}]\n"


@dataclass
class Desk:
    """A service whose clock a test moves."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)
    service: Service = field(init=False)

    @property
    def store(self) -> SqliteStore:
        return self.resources.store

    @property
    def settings(self) -> Settings:
        return self.service.runtime.settings

    def read(self) -> Settings:
        return load(self.folder / "feeds.yaml", check, {"KEY": "hunter2"})

    def configure(self, text: str) -> None:
        (self.folder / "feeds.yaml").write_text(text)

    async def start(self, text: str = CONFIG) -> Service:
        self.configure(text)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        settings = self.read()
        self.resources: Resources = replace(
            make_resources(settings, SqliteStore(Path(settings.storage.database))), clock=self.clock
        )
        self.service = Service(make_runtime(settings, self.resources), self.read, make_runtime, listener)
        await self.service.start()
        return self.service


def run(folder: Path, work: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    async def inside() -> None:
        desk = Desk(folder)
        try:
            await work(desk)
        finally:
            await desk.service.drain(0.0)
            desk.store.close()

    asyncio.run(inside())


def test_an_edit_that_needs_a_restart_is_told_and_the_rest_of_it_taken(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()
        database = service.runtime.settings.storage.database
        desk.configure(CONFIG.replace("port: 8091", "port: 9") + TOPIC + "storage: {database: other.db}\n")
        await service.reload_if_changed(forced=False)
        assert service.config.restart_keys == ("server", "storage.database")
        assert service.runtime.settings.storage.database == database, "backups must copy what is in use"
        assert Slug("sea") in {one.slug for one in service.runtime.settings.outputs}
        assert service.details()["restart_needed"] == ["server", "storage.database"]
        (trouble,) = health.config_conditions(service.config.error, service.config.restart_keys)
        assert (trouble.kind, "storage.database" in trouble.detail) == ("restart", True)
        desk.configure(CONFIG)
        await service.reload_if_changed(forced=False)
        assert service.config.restart_keys == ()

    run(tmp_path, work)


def test_a_restart_stays_needed_after_an_edit_of_something_else(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()
        wanted = CONFIG.replace("port: 8091", "port: 9") + "polling: {readers: 4}\nstorage: {database: other.db}\n"
        for edit in ("", TOPIC):
            desk.configure(wanted + edit)
            await service.reload_if_changed(forced=False)
            assert service.config.restart_keys == ("server", "storage.database", "polling.readers")
        assert Slug("sea") in {one.slug for one in service.runtime.settings.outputs}

    run(tmp_path, work)


def test_a_reload_says_what_it_changes(tmp_path: Path) -> None:
    tested = (
        "topics: [{slug: sea, title: Sea, query: ferry, expect: {match: ['A ferry']}}, {slug: rail, title: Rail, query: train}]\n"
    )
    two = '  - {id: two, url: "https://two.example/feed?key=${KEY}", enabled: false}\n'

    async def work(desk: Desk) -> None:
        service = await desk.start(CONFIG + tested)
        with capture_logs() as logs:
            for text in (
                CONFIG + two + tested.replace("query: train", "query: railway"),
                CONFIG.replace("one.example", "one.example.org") + two + "publish: {backfill: 3d}\n",
                CONFIG.replace("one.example", "one.example.org") + two + "publish: {backfill: 3d}\n# only a word\n",
            ):
                desk.configure(text)
                await service.reload_if_changed(forced=False)
        first, second, third = (line for line in logs if line["event"] == "reloaded")
        assert (first["added"], first["changed"], first.get("removed")) == ("source two", "topic rail", None)
        assert second["removed"] == "topic sea, topic rail, feed sea, feed rail"
        assert second["changed"] == "source one, publish"
        assert not {"added", "changed", "removed"} & third.keys()

    run(tmp_path, work)


def test_a_refused_edit_is_in_the_health_feed_until_it_is_mended(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()
        for text, told in ((CONFIG + "topics: 7\n", 1), (CONFIG, 2)):
            desk.configure(text)
            await service.reload_if_changed(forced=False)
            await service.health.check()
            assert len(daemon_problems(cast(Application, desk))) == 2 - told, "`status` tells it while it is so"
            assert desk.resources.shelf.get("/health.atom").body.count(b"An edit of the config is refused") == told  # type: ignore[union-attr]

    run(tmp_path, work)


def test_a_reload_publishes_into_a_new_folder_and_into_none_of_others(tmp_path: Path) -> None:
    def names(folder: Path) -> set[str]:
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    async def work(desk: Desk) -> None:
        service = await desk.start()
        (tmp_path / "theirs").mkdir()
        (tmp_path / "theirs/index.html").write_text("somebody's")
        desk.configure(CONFIG + "publish: {directory: theirs}\n")
        await service.reload_if_changed(forced=False)
        assert service.config.error is not None and "did not write" in service.config.error
        assert service.runtime.settings.publish.directory == tmp_path / "data/public", "the old one goes on"
        assert (tmp_path / "theirs/index.html").read_text() == "somebody's" and names(tmp_path / "theirs") == {"index.html"}
        desk.configure(CONFIG + "publish: {directory: ours}\n")
        await service.reload_if_changed(forced=False)
        assert service.config.error is None
        assert names(tmp_path / "ours") == names(tmp_path / "data/public")

    run(tmp_path, work)


def test_reloads_at_once_leave_one_runtime_and_close_the_others_at_the_end(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()
        first = service.runtime
        closed: list[int] = []

        async def aclose() -> None:
            closed.append(1)

        first.fetcher.aclose = aclose  # type: ignore[method-assign]
        await asyncio.gather(*(service.reload_if_changed(forced=True) for _ in range(5)))
        assert len(service.config.retiring._tasks) == 5
        assert desk.resources.current.pipeline is service.runtime.pipeline
        async with asyncio.timeout(5):
            await service.drain(0.0)
        assert not service.config.retiring._tasks
        assert closed == [1]

    run(tmp_path, work)


def test_what_the_disk_refuses_of_a_reload_is_done_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()

        def full(*_: object) -> None:
            raise StoreError("no space left")

        with monkeypatch.context() as patch:
            patch.setattr(SqliteStore, "sync_sources", full)
            desk.configure(CONFIG + '  - {id: two, url: "https://two.example/feed", enabled: false}\n' + TOPIC)
            await service.reload_if_changed(forced=False)
            with pytest.raises(StoreError):
                await service.tick()
        assert SourceId("two") not in desk.store.states()
        await service.tick()
        assert SourceId("two") in desk.store.states()
        assert desk.resources.shelf.get("/feeds/sea.atom") is not None

    run(tmp_path, work)


def test_publishing_that_fails_is_tried_again_after_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    async def work(desk: Desk) -> None:
        service = await desk.start()
        await service.tick()
        await service.background.wait()
        publisher = service.runtime.publisher
        real = publisher.publish

        def publish(*given: Any) -> Any:
            tries.append(1)
            if len(tries) < 3:
                raise OSError(28, "No space left on device")
            return real(*given)

        monkeypatch.setattr(publisher, "publish", publish)
        service.publishing.mark_changed(frozenset([Slug("all")]))
        await service.background.wait()
        for pause, total in ((1.0, 1), (30.0, 2), (1.0, 2), (30.0, 3), (60.0, 3)):
            desk.clock.time += pause
            await service.tick()
            await service.background.wait()
            assert len(tries) == total
            assert service.ready()[0] == (total == 3)

    run(tmp_path, work)


def test_feeds_that_take_long_to_write_are_written_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()
        await service.tick()
        await service.background.wait()
        publisher, loop = service.runtime.publisher, asyncio.get_running_loop()
        seconds = 0.1

        def publish(*_: Any) -> tuple[Slug, ...]:
            desk.clock.time += seconds
            return ()

        async def waited() -> float:
            began = loop.time()
            service.publishing.mark_changed(frozenset([Slug("all")]))
            await service.background.wait()
            return loop.time() - began

        monkeypatch.setattr(publisher, "publish", publish)
        await waited()
        seconds = 0.0
        assert await waited() >= 0.4
        assert await waited() < 0.3

    run(tmp_path, work)


def test_a_database_that_refuses_a_write_is_told_at_once_and_no_longer_than_it_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()

        async def refuse() -> None:
            raise StoreError("the database can't be written")

        with monkeypatch.context() as disk:
            disk.setattr(service.runtime.writer, "flush", refuse)
            with pytest.raises(StoreError):
                await service.tick()
        assert (service.ready()[0], service.details()["database"]) == (False, "the database can't be written")
        assert service.ready()[1]["database"] == "refused", "anybody may ask: why it is refused names files"
        await service.tick()
        assert (service.ready()[0], service.ready()[1]["database"], service.details()["database"]) == (True, "ok", "ok")

    run(tmp_path, work)


def test_an_unwritable_publish_directory_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "public").write_text("a file, not a directory")

    async def work() -> None:
        desk = Desk(tmp_path)
        with pytest.raises(AggregatorError, match="public"):
            await desk.start(CONFIG + "publish: {directory: public}\n")
        desk.store.close()

    asyncio.run(work())


def test_sources_put_off_by_a_clock_that_was_ahead_are_due_again(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start(CONFIG.replace(", enabled: false", ""))
        (state,) = desk.store.states().values()
        with desk.store.begin() as transaction:
            transaction.save_state(reload_state(state, START + 1e9))
        await service.health.check()
        (after,) = desk.store.states().values()
        assert (after.last_poll, after.due) == (START, START + 600)

    run(tmp_path, work)


def reload_state(state: Any, at: float) -> Any:
    from msgspec.structs import replace

    return replace(state, last_poll=at, due=at + 600)


def test_what_was_pushed_and_could_not_be_stored_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start(CONFIG.replace(", enabled: false", ""))
        (source,) = service.runtime.settings.sources

        async def full(*_: object) -> None:
            raise StoreError("no space left")

        asked: list[tuple[list[str], bool]] = []

        def start(work: Any, forced: bool = False) -> list[Any]:
            asked.append(([one.id for one, _ in work], forced))
            return []

        monkeypatch.setattr(service.polling.poller, "receive", full)
        monkeypatch.setattr(service.polling.poller, "start", start)
        await service.polling.receive_push(source, lambda state: Fetched(state.url, 200, (), b""))
        with pytest.raises(StoreError):
            await service.tick()
        await service.tick()
        assert (["one"], True) in asked

    run(tmp_path, work)


def test_a_stranger_at_the_push_address_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start(CONFIG + "site: {url: 'https://news.example'}\nnetwork: {websub: true}\n")
        with desk.store.begin() as transaction:
            for number in range(300):
                one = PushSubscription("https://hub.example/", f"https://one.example/{number}", f"token-{number}", "secret")
                subscriptions.save(transaction, SourceId(f"s{number}"), one)
        find = service.network._subscriber._find
        known = await find("token-7")
        assert known is not None
        assert known[0] == "s7"
        monkeypatch.setattr(SqliteStore, "value", lambda *_: 1 / 0)
        monkeypatch.setattr(SqliteStore, "values", lambda *_: 1 / 0)
        for number in range(300, 400):
            assert await find(f"token-{number}") is None
        monkeypatch.undo()

    run(tmp_path, work)


def test_an_edited_settle_is_kept_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waited for the old one's quarter would hold stories back for a minute instead of ten seconds."""

    async def work(desk: Desk) -> None:
        service = await desk.start(CONFIG + "publish: {settle: 1h}\n")
        (ripen,) = [job for job in service.jobs() if job.name == "ripen"]
        looks: list[float] = []
        monkeypatch.setattr(rolling, "ripen", lambda *_: looks.append(desk.clock.now()) or frozenset())

        async def wait(seconds: float) -> int:
            """Returns how often was looked for stories meanwhile."""
            before = len(looks)
            for _ in range(int(seconds / ripen.seconds)):
                desk.clock.time += ripen.seconds
                await ripen.work()
            return len(looks) - before

        assert await wait(120.0) == 2
        desk.configure(CONFIG + "publish: {settle: 10s}\n")
        await service.reload_if_changed(forced=False)
        assert await wait(12.0) >= 3

    run(tmp_path, work)


def test_a_directory_that_is_gone_is_not_ready_instead_of_a_crash(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()
        assert service.details()["disk_free_bytes"] != 0
        service.runtime.settings.publish.directory.rename(tmp_path / "away")
        assert (service.ready()[0], service.ready()[1]["disk"], service.details()["disk_free_bytes"]) == (False, "full", 0)

    run(tmp_path, work)


@pytest.mark.parametrize(
    ("edit", "keys"),
    [("", ()), ("server: {host: 127.0.0.2}", ("server",)), ("server: {port: 9}", ("server",)), (TOPIC, ())],
)
def test_what_only_a_restart_can_change(tmp_path: Path, edit: str, keys: tuple[str, ...]) -> None:
    def read(text: str) -> Settings:
        (tmp_path / "feeds.yaml").write_text("sources: []\n" + text)
        return load(tmp_path / "feeds.yaml", check, {})

    running, wanted = read(""), read(edit)
    held, found = config_in_use.keep_until_restart(running, wanted)
    assert found == keys
    assert (held.server, held.outputs) == (running.server, wanted.outputs)


def test_links_keep_the_port_that_is_open_until_the_restart(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()
        desk.configure(CONFIG.replace("port: 8091", "port: 9"))
        await service.reload_if_changed(forced=False)
        opml = desk.resources.shelf.get("/opml.xml")
        assert opml is not None
        assert b"http://127.0.0.1:8091/feeds/all.atom" in opml.body
        desk.configure(CONFIG.replace("port: 8091", "port: 9") + "site: {url: 'https://news.example'}\n")
        await service.reload_if_changed(forced=False)
        assert service.runtime.settings.site.url == "https://news.example"

    run(tmp_path, work)


def test_feeds_start_for_good_although_some_source_is_always_being_polled(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()
        assert all(state.filling for state in desk.store.outputs().values())
        never_ends = asyncio.create_task(asyncio.sleep(3600))
        service.polling.poller._tasks[SourceId("busy")] = never_ends  # type: ignore[assignment]
        await service.tick()
        assert not any(state.filling for state in desk.store.outputs().values())
        del service.polling.poller._tasks[SourceId("busy")]
        never_ends.cancel()

    run(tmp_path, work)


def test_polls_are_stored_while_stories_are_weighed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = threading.Event()

    async def work(desk: Desk) -> None:
        service = await desk.start()
        real = desk.store.reports

        def reports(*bounds: float) -> list[Report]:
            assert stored.wait(5.0), "the ranking holds up the thread that writes"
            return real(*bounds)

        monkeypatch.setattr(desk.store, "reports", reports)
        rank = next(job for job in service.jobs() if job.name == "rank")
        ranking = asyncio.create_task(rank.work())  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await service.runtime.writer.commit(lambda transaction: transaction.set_value("news", "stored"))
        stored.set()
        await ranking

    run(tmp_path, work)
