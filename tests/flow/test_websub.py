"""What goes out and comes in beside polls: a story from one aggregator to another by its hub, and alerts."""

from __future__ import annotations

import http.server
import json
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.ports import Event
from aggregator.publish.messages import notifications
from aggregator.store.sqlite import SqliteStore
from tests.flow.command import Command, eventually, free_port, get


@dataclass
class Paper:
    """A source that anybody can edit: a JSON Feed at `url`."""

    titles: list[str]
    url: str = ""
    status: int = 200
    told: list[bytes] = field(default_factory=list)
    """Bodies that were posted to it."""

    def document(self) -> bytes:
        items = [
            {"id": title, "url": f"https://paper.example/{number}", "title": title, "content_text": f"{title}. More of it."}
            for number, title in enumerate(self.titles)
        ]
        return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Paper", "items": items}).encode()


@contextmanager
def paper(*titles: str) -> Iterator[Paper]:
    made = Paper(list(titles))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(made.document(), made.status)

        def do_POST(self) -> None:
            made.told.append(self.rfile.read(int(self.headers["content-length"])))
            self.answer(b"")

        def answer(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/feed+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/feed.json"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def config(folder: Path, port: int, source: str, *, more: str = "", every: str = "1s") -> Command:
    folder.mkdir(exist_ok=True)
    path = folder / "feeds.yaml"
    path.write_text(
        f"site: {{url: 'http://127.0.0.1:{port}'}}\nserver: {{port: {port}}}\n"
        f"network: {{allow: [127.0.0.0/8], websub: true}}\npolling: {{min: 1s}}\n{more}"
        f"sources:\n  - {{id: paper, url: '{source}', every: {every}}}\n"
    )
    return Command(path)


def stored(folder: Path) -> dict[str, object]:
    """The subscription to the source's hub, as the database has it."""
    with closing(sqlite3.connect(folder / "data" / "aggregator.db")) as database:
        row = database.execute("SELECT value FROM key_values WHERE key = 'push.paper'").fetchone()
    found: dict[str, object] = json.loads(row[0]) if row else {}
    return found


def post(url: str, body: bytes, **headers: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body, headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_story_is_pushed_from_one_to_the_other(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    near_port, far_port = free_port(), free_port()
    with paper("Mayor opens the new harbour bridge") as source:
        near_desk = config(near, near_port, source.url)
        upstream = f"http://127.0.0.1:{near_port}/feeds/all.atom"
        far_desk = config(far, far_port, upstream, every="1h")

        def shown(title: str) -> bool:
            return title.encode() in get(f"http://127.0.0.1:{far_port}/feeds/all.json").body

        with near_desk.daemon(near_port) as one:
            eventually(lambda: b"harbour bridge" in get(upstream).body, one, near / "log")
            with far_desk.daemon(far_port) as two:
                eventually(lambda: shown("harbour bridge"), two, far / "log")
                eventually(lambda: stored(far).get("until", 0) != 0, two, far / "log")
                source.titles.append("Ferry line to the islands reopens after the storm")
                eventually(lambda: shown("Ferry line"), two, far / "log")
                log = (far / "log").read_text()
                assert '"push_done"' in log
                assert log.count('"poll_done"') == 1, "an hour between two polls has not passed"

                token = str(stored(far)["token"])
                forged = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": [{"id": "forged"}]})
                address = f"http://127.0.0.1:{far_port}/push/"
                assert post(address + token, forged.encode(), **{"X-Hub-Signature": "sha256=" + "0" * 64}) == 202
                eventually(lambda: '"push_not_signed"' in (far / "log").read_text(), two)
                assert post(address + "x" * len(token), forged.encode()) == 404
                assert get(address + token + "?hub.mode=subscribe&hub.topic=https://other.example/&hub.challenge=c").status == 404
                secret = str(stored(far)["secret"])

                far_desk.config.write_text(far_desk.config.read_text().replace("id: paper", "enabled: false, id: paper"))
                eventually(lambda: not stored(far), two, far / "log")
                assert post(address + token, forged.encode()) == 404
                eventually(lambda: '"unsubscribed"' in (near / "log").read_text(), one, near / "log")
            told = (near / "log").read_text() + (far / "log").read_text()
            assert token not in told
            assert secret not in told


def test_an_alert_is_posted_when_a_source_is_gone_and_again_when_that_is_over(tmp_path: Path) -> None:
    port = free_port()
    with paper("Mayor opens the new harbour bridge") as source:
        desk = config(tmp_path, port, source.url, more=f"alerts: {{webhook: '{source.url}'}}\n")
        source.status = 410
        desk.run("poll")
        with desk.daemon(port) as process:
            eventually(lambda: source.told, process, tmp_path / "log")
        source.status = 200
        desk.config.write_text(
            desk.config.read_text().replace(f"id: paper, url: '{source.url}", f"id: paper, url: '{source.url}?2")
        )
        desk.run("poll")
        with desk.daemon(port) as process:
            eventually(lambda: len(source.told) > 1, process, tmp_path / "log")
        opened, over = map(json.loads, source.told)
        assert [(one["kind"], one["state"]) for one in (opened, over)] == [("gone", "open"), ("gone", "over")]
        assert (opened["opened"], opened["closed"]) == (over["opened"], None)
        assert "410" in opened["detail"]


def test_an_alert_never_goes_into_a_private_network_that_is_not_allowed(tmp_path: Path) -> None:
    port = free_port()
    with paper("Mayor opens the new harbour bridge") as source:
        desk = config(tmp_path, port, "http://localhost:1/feed.json", more=f"alerts: {{webhook: '{source.url}'}}\n")
        desk.config.write_text(desk.config.read_text().replace("127.0.0.0/8", "10.9.8.7/32"))
        desk.run("poll")
        with SqliteStore(tmp_path / "data" / "aggregator.db").begin() as transaction:
            event = Event("gone paper", "gone", "Paper is gone", "410", 1.0)
            transaction.save_event(event)
            for alert in notifications.make_alert_deliveries([event], source.url, 1.0):
                transaction.save_delivery(alert)
        with desk.daemon(port) as process:
            eventually(lambda: '"delivery"' in (tmp_path / "log").read_text(), process, tmp_path / "log")
        assert "loopback" in (tmp_path / "log").read_text()
        assert source.told == []
