"""The site in an object store, by the real commands: `poll` from cron, killed and begun again, and `export`."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.publish.objects.mirror import RECORD
from aggregator.publish.site.ownership import MARKER
from tests.flow.command import PATIENCE
from tests.flow.conftest import Newsdesk
from tests.flow.crawler import Crawl, static_host
from tests.object_store import BUCKET, SECRET, ObjectStore


@pytest.fixture
def copied(desk: Newsdesk, objects: ObjectStore) -> Newsdesk:
    """A newsdesk whose site is copied."""
    config = desk.command.config
    text = config.read_text()
    assert "directory: data/public" in text
    config.write_text(text.replace("directory: data/public", f"directory: 's3://{BUCKET}/site'"))
    return desk


def download(objects: ObjectStore, prefix: str, folder: Path) -> None:
    """Lays the site's objects into a folder, as a host of files would serve them."""
    for key, made in objects.objects.items():
        if key.startswith(prefix) and key.rpartition("/")[2] not in (MARKER, RECORD):
            path = folder / key.removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made.body)


def files(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {path: body for path, body in found.items() if path != MARKER}


def test_a_poll_that_is_killed_while_it_copies_is_ended_by_the_next_one(
    copied: Newsdesk, objects: ObjectStore, tmp_path: Path
) -> None:
    objects.hang_after = 20
    process = copied.command.start("poll", "--all")
    assert objects.hanging.wait(PATIENCE)
    process.kill()
    process.wait(PATIENCE)
    assert "site/index.html" not in objects.objects, "the front page comes last"
    objects.hang_after = None
    copied.command.run("poll")
    download(objects, "site/", tmp_path / "host")
    assert files(tmp_path / "host") == files(copied.public)
    with static_host(tmp_path / "host") as host:
        assert Crawl(host, host, daemon=False).run("/", "/index.html", "/opml.xml").broken == []
    objects.diary.clear()
    copied.command.run("poll")
    assert set(objects.puts()) <= {"site/health.atom"}, "all else lies there"


def test_a_poll_says_that_the_store_refuses_and_the_next_ones_copy_everything(
    copied: Newsdesk, objects: ObjectStore, tmp_path: Path
) -> None:
    objects.refuses = (403, "InvalidAccessKeyId")
    told = copied.command.fails("poll", "--all")
    assert f"s3://{BUCKET}/site: the object store refuses: 403 InvalidAccessKeyId" in told
    assert SECRET not in told and "Traceback" not in told
    assert objects.objects == {} and files(copied.public), "it is published on this machine all the same"
    objects.refuses = None
    for moment in (1_760_000_000.0, 1_760_090_000.0):
        copied.origin.advance(moment)
        copied.command.run("poll", "--all")
        download(objects, "site/", tmp_path / f"{moment}")
        assert files(tmp_path / f"{moment}") == files(copied.public)


def test_export_writes_the_site_into_an_object_store(desk: Newsdesk, objects: ObjectStore, tmp_path: Path) -> None:
    address = f"s3://{BUCKET}/copy"
    assert "nothing is published yet" in desk.command.fails("export", address, code=2)
    desk.command.run("poll", "--all")
    assert objects.objects == {}
    count = len(files(desk.public))
    assert desk.command.run("export", f"{address}/") == f"{count} files written, 0 were there already, 0 removed\n"
    assert desk.command.run("export", address) == f"0 files written, {count} were there already, 0 removed\n"
    download(objects, "copy/", tmp_path / "host")
    assert files(tmp_path / "host") == files(desk.public)
    assert "s3://BUCKET/PREFIX" in desk.command.fails("export", "ftp://news/site", code=2)
    assert "credentials" in (told := desk.command.fails("export", "s3://key:geheim@news/site", code=2)) and "geheim" not in told
