"""A poll that brings nothing: it writes nothing, and still mends what was broken meanwhile."""

from __future__ import annotations

from pathlib import Path

from aggregator.demo.origin import Origin
from tests.flow.command import Command

CONFIG = """
network: {{allow: [127.0.0.0/8]}}
sources:
  - {{id: meridian, url: "http://127.0.0.1:{port}/meridian/headlines.rdf"}}
topics:
  - {{slug: sea, query: "harbour OR ferry OR sea"}}
"""


def written(folder: Path) -> dict[str, tuple[bytes, int]]:
    """What is published, and the inode of each file: another one where it was written anew."""
    return {path.name: (path.read_bytes(), path.stat().st_ino) for path in folder.rglob("*") if path.is_file()}


def test_a_poll_with_nothing_new(tmp_path: Path, origin: Origin) -> None:
    command = Command(tmp_path / "feeds.yaml")
    command.config.write_text(CONFIG.format(port=origin.place.port))
    public = tmp_path / "data" / "public"
    assert command.run("poll", "--all").startswith("1 polled, ")
    before = written(public)
    assert command.run("poll", "--all") == "1 polled, 0 new entries, 0 changed entries, 1 source unchanged\n"
    assert written(public) == before
    (public / "feeds" / "sea.rss").unlink()
    (public / "index.html").write_text("something else")
    next((public / "stories").iterdir()).unlink()
    assert command.run("poll").startswith("0 polled: nothing is due")
    assert {name: body for name, (body, _) in written(public).items()} == {name: body for name, (body, _) in before.items()}


def test_an_export_counts_the_files_that_it_writes(tmp_path: Path, origin: Origin) -> None:
    command = Command(tmp_path / "feeds.yaml")
    command.config.write_text(CONFIG.format(port=origin.place.port))
    command.run("poll")
    assert " files written, 0 were there already" in command.run("export", "site")
    (tmp_path / "site" / "index.html").unlink()
    assert command.run("export", "site").startswith("1 file written, ")
