"""The daemon as people run it: it picks up news by itself and ends when told."""

from __future__ import annotations

import signal
import time

from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk

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

        def is_told() -> bool:
            with urllib.request.urlopen(site(desk, "/feeds/ukraine.rss"), timeout=10) as answer:
                validators = {"If-None-Match": answer.headers["ETag"]}
            return get(site(desk, "/feeds/ukraine.rss"), **validators).status == 304

        eventually(is_told, process)  # the first run may publish once more between the two requests


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
