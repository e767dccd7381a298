"""What others wrote is read by processes of their own, whatever it is; and what no config asks for is not loaded."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from aggregator.demo.origin import Origin
from tests.flow.command import Command, clean_environment, eventually, free_port

READING = {
    "aggregator.fetch.discover",
    "aggregator.parse.feedparser",
    "aggregator.parse.read",
    "aggregator.parse.xml_feed",
    "aggregator.tag.language_model",
    "aggregator.text.clean",
    *("feedparser", "nh3", "numpy", "py3langid", "selectolax"),
}
EXTRAS = {"apprise", "mcp", "psycopg", "psycopg_pool", "pydantic", "trafilatura"}
"""Packages of the extras, which are installed where the tests run."""
CONFIG = """
network: {{allow: [127.0.0.0/8]}}
sources:
  - {{id: meridian, url: "http://127.0.0.1:{port}/meridian/headlines.rdf"}}
  - {{id: page, url: "http://127.0.0.1:{port}/"}}
topics:
  - {{slug: sea, query: "lang:en"}}
"""


def watched(command: Command, *arguments: str) -> list[str]:
    """The command line of a process that says on standard error what it imports. Its workers don't."""
    line = command.line(*arguments)
    line[1:1] = ["-X", "importtime"]
    return line


def modules(stderr: str) -> set[str]:
    return {row.rpartition("|")[2].strip() for row in stderr.splitlines()}


def test_a_poll_with_news_reads_nothing_itself(tmp_path: Path, origin: Origin) -> None:
    command = Command(tmp_path / "feeds.yaml")
    command.config.write_text(CONFIG.format(port=origin.place.port))
    line = watched(command, "poll", "--all")
    poll = subprocess.run(line, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True)
    assert "1 polled, 0 new" not in poll.stdout, poll.stdout
    loaded = modules(poll.stderr)
    assert "aggregator.dedup.engine" in loaded
    assert loaded & (READING | EXTRAS) == set()
    assert b"<entry" in (tmp_path / "data/public/feeds/sea.atom").read_bytes()


def test_a_daemon_with_news_reads_nothing_itself_and_loads_no_extra(tmp_path: Path, origin: Origin) -> None:
    command, log = Command(tmp_path / "feeds.yaml"), tmp_path / "log"
    command.config.write_text(CONFIG.format(port=origin.place.port) + f"server: {{port: {free_port()}}}\n")
    feed = tmp_path / "data/public/feeds/sea.atom"
    with log.open("w") as told:
        daemon = subprocess.Popen(watched(command, "run"), cwd=tmp_path, env=clean_environment(), stdout=told, stderr=told)
    try:
        eventually(lambda: feed.exists() and b"<entry" in feed.read_bytes(), daemon, log)  # type: ignore[arg-type]
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
    finally:
        daemon.kill()
    loaded = modules(log.read_text())
    assert "aggregator.run.service" in loaded
    assert loaded & (READING | EXTRAS) == set()


def test_help_loads_no_extra_and_no_store(tmp_path: Path) -> None:
    line = watched(Command(tmp_path / "feeds.yaml"), "--help")
    told = subprocess.run(line, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=True)
    loaded = modules(told.stderr)
    assert "aggregator.cli" in loaded
    assert not loaded & (READING | EXTRAS | {"aggregator.app", "sqlite3"})
