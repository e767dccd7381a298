"""The daemon as people run it: it picks up news by itself, ends when told, and survives what kills it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time

from aggregator.demo.origin import Origin
from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk, newsdesk
from tests.flow.subscriber import ids, read, snapshot

FOLLOW_UP = b"ammunition plan"


def site(desk: Newsdesk, path: str) -> str:
    return f"http://127.0.0.1:{desk.port}{path}"


def test_news_is_visible_seconds_after_it_is_there(desk: Newsdesk) -> None:
    with desk.command.daemon(desk.port) as process:
        log = desk.directory / "log"
        eventually(lambda: b"closer ties" in get(site(desk, "/feeds/ukraine.atom")).body, process, log)
        assert get(site(desk, "/feeds/desk.atom")).status == 404
        assert get(site(desk, "/feeds/desk.atom?token=wrong")).status == 404
        assert get(site(desk, "/feeds/desk.atom?token=demo-token")).status == 200
        assert b"desk" not in get(site(desk, "/opml.xml")).body
        desk.origin.advance(desk.origin.start + 86_400)
        eventually(lambda: FOLLOW_UP in get(site(desk, "/feeds/ukraine.atom")).body, process, log)


def test_a_reader_is_told_that_nothing_has_changed(desk: Newsdesk) -> None:
    import urllib.request

    with desk.command.daemon(desk.port) as process:
        eventually(lambda: b"closer ties" in get(site(desk, "/feeds/ukraine.rss")).body, process)
        eventually(lambda: get(site(desk, "/readyz")).status == 200, process)
        with urllib.request.urlopen(site(desk, "/feeds/ukraine.rss"), timeout=10) as answer:
            validators = {"If-None-Match": answer.headers["ETag"]}
        assert get(site(desk, "/feeds/ukraine.rss"), **validators).status == 304


def test_it_ends_when_told_and_says_so_with_zero(desk: Newsdesk) -> None:
    with desk.command.daemon(desk.port) as process:
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert time.monotonic() - began < 10


def test_a_second_daemon_on_the_same_database_is_refused(desk: Newsdesk) -> None:
    with desk.command.daemon(desk.port):
        second = desk.command.start("run")
        assert second.wait(15) in (1, 2)


def test_a_bad_edit_changes_nothing_and_a_good_one_is_taken(desk: Newsdesk) -> None:
    with desk.command.daemon(desk.port) as process:
        eventually(lambda: b"closer ties" in get(site(desk, "/feeds/ukraine.atom")).body, process)
        config = desk.command.config
        good = config.read_text()
        config.write_text(good.replace("topics:", "topics:\n  - {slug: broken, qurey: x}", 1))
        eventually(lambda: "qurey" in (desk.directory / "log").read_text(), process)
        assert get(site(desk, "/feeds/ukraine.atom")).status == 200
        config.write_text(
            good.replace("topics:", "topics:\n  - {slug: animals, title: Animals, query: dog OR parrot OR gulls}", 1)
        )
        eventually(lambda: b"Parrot" in get(site(desk, "/feeds/animals.atom")).body, process)


def kill_at_random(desk: Newsdesk, chance: random.Random) -> None:
    """Starts a poll of everything and kills it somewhere on its way."""
    process = desk.command.start("poll", "--all")
    time.sleep(chance.uniform(0.3, 2.0))
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path_factory, shared_origin: Origin, long: bool) -> None:  # type: ignore[no-untyped-def]
    chance = random.Random(7)
    whole = newsdesk(tmp_path_factory.mktemp("whole"), shared_origin)
    whole.command.run("poll", "--all")
    killed = newsdesk(tmp_path_factory.mktemp("killed"), shared_origin)
    shown: set[str] = set()
    for _ in range(40 if long else 4):
        kill_at_random(killed, chance)
        for path in (killed.public / "feeds").glob("ukraine.atom") if killed.public.exists() else ():
            shown |= set(ids(path.read_bytes()))
    killed.command.run("poll", "--all")
    assert items(killed) == items(whole)
    assert shown <= set(ids(killed.published("ukraine.atom")))
    assert sorted(titled(killed)) == sorted(titled(whole))
    with sqlite3.connect(killed.directory / "data" / "aggregator.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for name in snapshot(killed.public):
        if name.endswith((".atom", ".rss")):
            read((killed.public / name).read_bytes())


def items(desk: Newsdesk) -> list[tuple[str, str]]:
    return sorted((item["source"], item["guid"]) for story in desk.command.rows("stories") for item in story["items"])


def titled(desk: Newsdesk) -> list[str]:
    return [entry.title for entry in read(desk.published("all.atom")).entries]
