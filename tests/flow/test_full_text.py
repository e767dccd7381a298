"""`full_text: true` in a running daemon: articles come after their entries, and each page is asked for once whatever happens."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.articles.pages import TEXTS, semantic
from tests.articles.site import Served, Site, served
from tests.flow.command import Command, eventually, free_port, get

ENGLISH = TEXTS[0]


@pytest.fixture
def port() -> int:
    return free_port()


def entry(site: Site, path: str) -> dict[str, Any]:
    when = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    return {"id": path, "url": site.url + path, "title": f"News of {path[1:]}", "summary": "In short.", "date_published": when}


def desk(folder: Path, site: Site, port: int) -> Command:
    (folder / "feeds.yaml").write_text(
        f"server: {{port: {port}}}\nnetwork: {{allow: [127.0.0.0/8]}}\npolling: {{min: 1s, max: 2s}}\n"
        f"publish: {{content: full}}\nsources: [{{id: one, url: '{site.url}/feed', every: 1s, full_text: true}}]\n"
    )
    return Command(folder / "feeds.yaml")


def shown(port: int) -> dict[str, str]:
    """What the feed of all stories shows, by title."""
    answer = get(f"http://127.0.0.1:{port}/feeds/all.json")
    rows = json.loads(answer.body)["items"] if answer.status == 200 else []
    return {row["title"]: row.get("content_html", "") for row in rows}


def test_articles_come_while_others_hang_and_a_kill_asks_for_none_again(tmp_path: Path, port: int) -> None:
    with Site() as site, Site("127.0.0.2") as other:
        for one in (site, other):
            one.pages["/robots.txt"] = Served(b"User-agent: *\nDisallow: /forbidden\n")
        site.pages |= {"/good": served(semantic(ENGLISH)), "/forbidden": served(semantic(ENGLISH))}
        other.pages["/hangs"] = Served(hangs=True)
        site.feed("/feed", [entry(site, "/forbidden"), entry(other, "/hangs"), entry(site, "/good")])
        command = desk(tmp_path, site, port)
        with command.daemon(port) as process:
            eventually(lambda: "apprentices" in shown(port).get("News of good", ""), process, tmp_path / "log")
            eventually(lambda: other.asked("/hangs"), process, tmp_path / "log")
            assert len(shown(port)) == 3, "all entries are shown, whether or not their articles came"
            polls = site.asked("/feed")
            eventually(lambda: site.asked("/feed") > polls + 1, process, tmp_path / "log")  # the page still hangs
            metrics = get(f"http://127.0.0.1:{port}/metrics").body.decode()
            assert 'aggregator_articles_total{outcome="fetched"} 1.0' in metrics
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        site.feed("/feed", [entry(site, "/forbidden"), entry(other, "/hangs"), entry(site, "/good"), entry(site, "/late")])
        site.pages["/late"] = served(semantic(ENGLISH))
        with command.daemon(port) as process:
            command.run("poll", "one")  # the kill may have left it claimed for a minute
            eventually(lambda: site.asked("/late"), process, tmp_path / "log")
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
        assert (site.asked("/good"), site.asked("/forbidden"), other.asked("/hangs"), site.asked("/late")) == (1, 0, 1, 1)
        rows = command.rows("stories")
        told = {one["title"]: one.get("full_text", "") for row in rows for one in row["items"]}
        assert "ended before it came" in told["News of hangs"] and "robots.txt forbids it" in told["News of forbidden"]


def test_the_daemon_ends_at_once_while_a_page_hangs(tmp_path: Path, port: int) -> None:
    with Site() as site:
        site.pages |= {"/robots.txt": Served(b""), "/hangs": Served(hangs=True)}
        site.feed("/feed", [entry(site, "/hangs")])
        with desk(tmp_path, site, port).daemon(port) as process:
            eventually(lambda: site.asked("/hangs"), process, tmp_path / "log")
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
