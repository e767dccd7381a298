"""What another user of the machine can read, and what one who can write beside our files can make us write elsewhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from aggregator.commands.application import Application
from aggregator.config import edit
from aggregator.errors import ConfigError, StoreError
from aggregator.files import replace_file
from aggregator.publish.site.files import Tree
from aggregator.store import backup
from aggregator.store.sqlite import SqliteStore
from tests.flow.command import Command, eventually
from tests.flow.conftest import Newsdesk

VICTIM = b"keep me"


def open_to_others(root: Path) -> list[str]:
    return sorted(str(path) for path in (root, *root.rglob("*")) if path.lstat().st_mode & 0o077)


def with_backups(desk: Newsdesk) -> None:
    config = desk.command.config
    written = config.read_text().replace("storage: {", "storage: {backup: {every: 1h}, ", 1)
    assert "backup" in written
    config.write_text(written)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file that must not be written."""
    file = tmp_path / "victim"
    file.write_bytes(VICTIM)
    return file


# --- who can read
def test_what_holds_secrets_is_for_its_owner_alone(desk: Newsdesk) -> None:
    previous = os.umask(0)
    try:
        with desk.command.daemon(desk.port) as process:
            log = desk.directory / "log"
            eventually(lambda: (desk.private / "feeds").is_dir(), process, log)
            files = [path for path in (desk.directory / "data").glob("aggregator.db*") if path.stat().st_mode & 0o077]
            assert {path.name for path in (desk.directory / "data").glob("aggregator.db*")} >= {
                "aggregator.db",
                "aggregator.db-wal",
                "aggregator.db-shm",
                "aggregator.db.lock",
            }
            assert not files
            backup.scheduled(desk.directory / "data/aggregator.db", desk.directory / "data/backup", 3, 0.0)
            assert not open_to_others(desk.directory / "data/backup")
            assert not open_to_others(desk.private)
            assert desk.public.stat().st_mode & 0o005 == 0o005  # a web server can read what is public
    finally:
        os.umask(previous)


def test_what_was_left_open_is_closed_at_the_next_start(desk: Newsdesk) -> None:
    with_backups(desk)
    desk.command.run("poll")
    data = desk.directory / "data"
    desk.command.run("backup", str(data / "aggregator.db.before-upgrade"))
    (data / "backup").mkdir()
    desk.command.run("backup", str(data / "backup/aggregator-20260101T030000Z.db"))
    for path in (*data.glob("aggregator.db*"), *(data / "backup").iterdir(), *desk.private.rglob("*.*")):
        path.chmod(0o664)
    for folder in (data / "backup", desk.private, desk.private / "feeds"):
        folder.chmod(0o775)
    linked = desk.directory / "elsewhere"
    linked.write_text("not ours to close")
    linked.chmod(0o644)
    (data / "aggregator.db.link").symlink_to(linked)
    desk.command.run("poll")
    assert not [path.name for path in data.glob("aggregator.db*") if not path.is_symlink() and path.stat().st_mode & 0o077]
    assert not open_to_others(data / "backup")
    assert not open_to_others(desk.private)
    assert stat.S_IMODE(linked.stat().st_mode) == 0o644
    assert stat.S_IMODE(data.stat().st_mode) & 0o055, "the public files lie below it"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("storage: {backup: {directory: data/public/copies}}", "storage.backup.directory"),
        ("storage: {backup: {directory: data/public}}", "storage.backup.directory"),
        ("storage: {backup: {directory: link/copies}}", "storage.backup.directory"),
        ("storage: {database: link/news.db}", "storage.database"),
        ("storage: {database: out.db}\npublish: {directory: data}", "would lie in it"),
        ("publish: {private: link}", "publish.private"),
        ("publish: {private: link/deep/down}", "publish.private"),
        ("publish: {directory: link, private: data}", "publish.private"),
        ("publish: {directory: data/private/public}", "publish.private holds"),
        ("publish: {directory: shown, private: real}", "publish.private holds"),
    ],
)
def test_nothing_secret_lies_among_what_is_public(tmp_path: Path, said: str, why: str) -> None:
    (tmp_path / "data/public").mkdir(parents=True)
    (tmp_path / "real/shown").mkdir(parents=True)
    (tmp_path / "link").symlink_to("data/public")
    (tmp_path / "shown").symlink_to("real/shown")
    (tmp_path / "out.db").symlink_to("data/out.db")
    (tmp_path / "feeds.yaml").write_text(f"sources: []\n{said}\n")
    with pytest.raises(ConfigError, match=why):
        assert Application(tmp_path / "feeds.yaml").settings


def test_folders_side_by_side_are_fine(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/public").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "feeds.yaml").write_text("sources: []\nstorage: {backup: {directory: data/backup}}\n")
    assert Application(tmp_path / "feeds.yaml").settings.storage.backup


# --- what a link can do
def test_a_link_at_a_published_name_is_replaced_not_followed(tmp_path: Path, victim: Path) -> None:
    tree = Tree(tmp_path / "public")
    (tmp_path / "public/feeds").mkdir(parents=True)
    (tmp_path / "public/feeds/all.atom").symlink_to(victim)
    tree.write("feeds/all.atom", b"published")
    assert victim.read_bytes() == VICTIM
    assert not (tmp_path / "public/feeds/all.atom").is_symlink()


def test_names_that_are_written_to_can_not_be_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is opened for writing is new, and named so that nobody can have laid a link there."""
    opened: list[tuple[str, int]] = []
    real = os.open

    def noted(path: str | Path, flags: int, *arguments: int, **named: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            opened.append((os.path.basename(path), flags))
        return real(path, flags, *arguments, **named)

    store = SqliteStore(tmp_path / "news.db")
    monkeypatch.setattr(os, "open", noted)
    for _ in range(2):
        Tree(tmp_path / "public").write("feeds/all.atom", os.urandom(8))
        Tree(tmp_path / "private", private=True).write("feeds/own.atom", os.urandom(8))
        backup.backup(store.path, tmp_path / "copy.db")
        backup.restore(tmp_path / "copy.db", tmp_path / "other.db", 0.0)
        edit.replace_file(tmp_path / "feeds.yaml", b"sources: []\n")
    store.close()
    names = [name for name, _ in opened]
    assert len(names) >= 10 and len(set(names)) == len(names)
    assert all(flags & os.O_EXCL and flags & os.O_NOFOLLOW for _, flags in opened)


def test_a_link_where_the_database_or_its_lock_is_to_be_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "news.db").symlink_to(tmp_path / "planted")
    with pytest.raises(StoreError, match="symbolic link"):
        SqliteStore(tmp_path / "news.db")
    store = SqliteStore(tmp_path / "other.db")
    (tmp_path / "other.db.lock").symlink_to(tmp_path / "planted")
    with pytest.raises(StoreError), store.lock():
        pass
    store.close()
    assert not (tmp_path / "planted").exists()


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    replace_file(file, b"old", 0o600)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        replace_file(file, b"new", 0o600)
    assert os.listdir(tmp_path) == ["file"] and file.read_bytes() == b"old"


def test_the_umask_holds_for_what_is_public(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        Tree(tmp_path / "public").write("feeds/all.atom", b"x")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "public/feeds/all.atom").stat().st_mode) == 0o640


def test_no_backup_goes_where_anybody_may_read(tmp_path: Path) -> None:
    """Not by name, nor through a link to the published files."""
    config = tmp_path / "feeds.yaml"
    config.write_text("sources: [https://a.example/feed.xml]\npublish: {directory: public}\nstorage: {database: data/news.db}\n")
    for folder in ("public", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "htdocs").symlink_to(tmp_path / "public")
    SqliteStore(tmp_path / "data/news.db").close()
    for target in ("public/copy.db", "public/deeper/copy.db", "htdocs/copy.db"):
        assert "anybody" in Command(config).fails("backup", target, code=2)
    assert list((tmp_path / "public").iterdir()) == []
    Command(config).run("backup", "elsewhere/copy.db")
