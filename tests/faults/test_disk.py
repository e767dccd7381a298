"""A full disk and one that turns read-only: told, waited out, gone on from. Needs the right to mount; skipped without."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.demo.origin import Origin
from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk, newsdesk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("needs the right to mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def on_small_disk(small_disk: Path, origin: Origin) -> Newsdesk:
    return newsdesk(small_disk, origin)


def feed(desk: Newsdesk) -> bytes:
    return get(f"http://127.0.0.1:{desk.port}/feeds/ukraine.atom").body


def test_a_full_disk_is_waited_out(on_small_disk: Newsdesk, only_long: None) -> None:
    desk, filler = on_small_disk, on_small_disk.directory / "filler"
    with desk.command.daemon(desk.port) as process:
        eventually(lambda: b"closer ties" in feed(desk), process)
        fill(filler)
        desk.origin.advance(desk.origin.start + 86_400)
        eventually(lambda: get(f"http://127.0.0.1:{desk.port}/readyz").status == 503, process)
        assert b"closer ties" in feed(desk)
        filler.unlink()
        eventually(lambda: b"ammunition plan" in feed(desk), process, patience=120)
    desk.command.run("poll", "--all")


def fill(path: Path) -> None:
    with path.open("wb") as out:
        try:
            while True:
                out.write(b"\0" * 65_536)
                out.flush()
        except OSError:
            return


def test_a_disk_that_turns_read_only_is_waited_out(on_small_disk: Newsdesk, only_long: None) -> None:
    desk, place = on_small_disk, on_small_disk.directory
    with desk.command.daemon(desk.port) as process:
        eventually(lambda: b"closer ties" in feed(desk), process)
        done = subprocess.run(["mount", "-o", "remount,ro", str(place)], capture_output=True, check=False)
        if done.returncode != 0:
            pytest.skip("a file system with files open for writing can't be remounted here")
        desk.origin.advance(desk.origin.start + 86_400)
        assert b"closer ties" in feed(desk)
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
        eventually(lambda: b"ammunition plan" in feed(desk), process, patience=120)
