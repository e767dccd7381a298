"""A full disk, one that fails and turns read-only, files that can't be written: told, waited out, gone on from.

Needs the right to mount; skipped without.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aggregator.demo.origin import Origin
from tests.faults.test_kills import check_database, check_whole
from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk, newsdesk

ADMIN = "let-me-see"
PATIENCE = 120
"""Seconds: refused writes are tried again each half minute."""
MINUTE = 60
"""Seconds within which a person is told."""


def command(*line: str | Path) -> bool:
    return subprocess.run([str(word) for word in line], capture_output=True, check=False).returncode == 0


@contextmanager
def mounted(place: Path, *line: str | Path) -> Iterator[Path]:
    """A file system at `place` while the block lasts. line: of `mount`, without the place."""
    place.mkdir(exist_ok=True)
    if not command("mount", *line, place):
        pytest.skip("needs the right to mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def on_small_disk(only_long: None, tmp_path: Path, origin: Origin) -> Iterator[Newsdesk]:
    """A file system of 100 MB."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=100m", "tmpfs") as place:
        yield administered(newsdesk(place, origin))


@pytest.fixture
def image(only_long: None, tmp_path: Path) -> Path:
    """A disk that a test may break."""
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    if not command("mkfs.ext4", "-q", path):
        pytest.skip("needs mkfs.ext4")
    return path


def administered(desk: Newsdesk) -> Newsdesk:
    """With a token that shows why something is refused."""
    config = desk.command.config
    config.write_text(config.read_text().replace("token: demo-admin", f"token: {ADMIN}"))
    return desk


def feed(desk: Newsdesk) -> bytes:
    return get(f"http://127.0.0.1:{desk.port}/feeds/ukraine.atom").body


def ready(desk: Newsdesk) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(get(f"http://127.0.0.1:{desk.port}/readyz?token={ADMIN}").body)
    return found


def begun(desk: Newsdesk, process: subprocess.Popen[str]) -> None:
    eventually(lambda: b"closer ties" in feed(desk), process)
    os.sync()


def gone_on(desk: Newsdesk, process: subprocess.Popen[str]) -> None:
    """It has taken up what came meanwhile, says that it is well, and nothing was lost."""
    eventually(lambda: b"ammunition plan" in feed(desk), process, patience=PATIENCE)
    eventually(lambda: ready(desk)["ready"], process, patience=PATIENCE)
    check_whole(desk.public)
    check_database(desk.directory / "data" / "aggregator.db")


def test_a_full_disk_is_waited_out(on_small_disk: Newsdesk) -> None:
    desk, filler = on_small_disk, on_small_disk.directory / "filler"
    with desk.command.daemon(desk.port) as process:
        begun(desk, process)
        fill(filler)
        desk.origin.advance(desk.origin.start + 86_400)
        eventually(lambda: "no space left" in ready(desk)["database"], process)
        assert not ready(desk)["ready"]
        assert b"closer ties" in feed(desk)
        told_everywhere(desk, process, "disk", "A disk is full")
        began = time.monotonic()
        assert "no space" in desk.command.fails("poll", "--all")
        assert time.monotonic() - began < 30, "it does not wait for an answer that can't come"
        filler.unlink()
        gone_on(desk, process)
        eventually(lambda: metric(desk, "disk") == 0, process, patience=MINUTE)
    desk.command.run("poll", "--all")


def metric(desk: Newsdesk, kind: str) -> float:
    """`aggregator_conditions` of this kind; 0 if it is not told."""
    text = get(f"http://127.0.0.1:{desk.port}/metrics?token={ADMIN}").body.decode()
    found = re.search(rf'^aggregator_conditions\{{kind="{kind}"\}} (.+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def told_everywhere(desk: Newsdesk, process: subprocess.Popen[str], kind: str, title: str) -> None:
    """Within a minute, although nothing can be stored."""
    eventually(lambda: metric(desk, kind) == 1, process, patience=MINUTE)
    assert title.encode() in get(f"http://127.0.0.1:{desk.port}/health.atom?token={ADMIN}").body
    assert title in desk.command.run("status")


def fill(path: Path) -> None:
    with path.open("wb") as out:
        try:
            while True:
                out.write(b"\0" * 65_536)
                out.flush()
        except OSError:
            return


def test_a_disk_that_fails_and_turns_read_only_is_told_until_it_is_repaired(image: Path, tmp_path: Path, origin: Origin) -> None:
    """As ext4 does it on an error, under open files; only mounting it anew makes it writable again."""
    with mounted(tmp_path / "disk", "-o", "loop,errors=remount-ro", image) as place:
        desk = administered(newsdesk(place, origin))
        log = tmp_path / "log"
        (place / "log").symlink_to(log)  # systemd's journal is not on the disk of the data, either
        with desk.command.daemon(desk.port) as process:
            begun(desk, process)
            stories = {story["id"] for story in desk.command.rows("stories")}
            os.sync()
            command("mount", "-o", "remount,abort", place)
            desk.origin.advance(desk.origin.start + 86_400)
            eventually(lambda: "the disk failed" in ready(desk)["database"], process)
            assert not ready(desk)["ready"]
            assert b"closer ties" in feed(desk)
            told_everywhere(desk, process, "readonly", "A disk is read-only")
            process.terminate()
            assert process.wait(10) == 1, "what came last could not be stored, and that is told"
        assert desk.command.start("run").wait(15) == 1
        told = log.read_text().splitlines()[-1]
        assert "Read-only file system" in told
    assert command("fsck.ext4", "-p", image) or command("fsck.ext4", "-n", image)
    with mounted(tmp_path / "disk", "-o", "loop", image), desk.command.daemon(desk.port) as process:
        gone_on(desk, process)
        assert stories <= {story["id"] for story in desk.command.rows("stories")}
        process.terminate()
        assert process.wait(15) == 0


def test_files_that_cannot_be_written_for_a_while(image: Path, tmp_path: Path, origin: Origin) -> None:
    with mounted(tmp_path / "disk", "-o", "loop", image) as place:
        desk = newsdesk(place, origin)
        files = [place / "data" / "aggregator.db", place / "data" / "aggregator.db-wal"]
        with desk.command.daemon(desk.port) as process:
            begun(desk, process)
            assert command("chattr", "+i", *files)
            desk.origin.advance(desk.origin.start + 86_400)
            eventually(lambda: not ready(desk)["ready"], process)
            assert b"closer ties" in feed(desk)
            assert command("chattr", "-i", *files)
            gone_on(desk, process)
        desk.command.run("poll", "--all")
