"""What others wrote is read by processes of their own, whatever it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

from aggregator.demo.origin import Origin
from tests.flow.command import Command, clean_environment

READING = {
    "aggregator.fetch.discover",
    "aggregator.parse.feedparser",
    "aggregator.parse.read",
    "aggregator.parse.xml_feed",
    "aggregator.tag.language_model",
    "aggregator.text.clean",
    *("feedparser", "nh3", "numpy", "py3langid", "selectolax"),
}
CONFIG = """
network: {{allow: [127.0.0.0/8]}}
sources:
  - {{id: meridian, url: "http://127.0.0.1:{port}/meridian/headlines.rdf"}}
  - {{id: page, url: "http://127.0.0.1:{port}/"}}
topics:
  - {{slug: sea, query: "lang:en"}}
"""


def test_a_poll_with_news_reads_nothing_itself(tmp_path: Path, origin: Origin) -> None:
    command = Command(tmp_path / "feeds.yaml")
    command.config.write_text(CONFIG.format(port=origin.place.port))
    line = command.line("poll", "--all")
    line[1:1] = ["-X", "importtime"]
    poll = subprocess.run(line, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True)
    assert "1 polled, 0 new" not in poll.stdout, poll.stdout
    loaded = {row.rpartition("|")[2].strip() for row in poll.stderr.splitlines()}
    assert "aggregator.dedup.engine" in loaded
    assert not loaded & READING
    assert b"<entry" in (tmp_path / "data/public/feeds/sea.atom").read_bytes()
