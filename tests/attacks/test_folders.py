"""What lies in a folder that we are told to publish into, and is not ours: it is never changed, and never in the way of more."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.errors import AggregatorError, ConfigError, UsageError
from aggregator.model import Slug
from aggregator.publish.publisher import Publisher
from aggregator.publish.site.export import Export
from aggregator.publish.site.ownership import MARKER, SITE_ID, check_folders, make_owner
from aggregator.settings import Output, Settings, Storage
from aggregator.store.peek import read_value
from aggregator.store.sqlite import SqliteStore
from tests.flow.command import Command, free_port
from tests.unit.publish import samples
from tests.unit.publish.samples import NOON, item, open_outputs, store_story

LATER = NOON + 3600.0
ALL, SEA, MINE = (Output(Slug(slug), slug.title()) for slug in ("all", "sea", "mine"))
DESK = Output(Slug("desk"), "Desk", token="let-me-in")


def site(folder: Path, *outputs: Output, database: str = "news.db") -> Settings:
    return samples.settings(folder, *(outputs or (ALL, SEA)), storage=Storage(str(folder / database)))


def publish(settings: Settings, store: SqliteStore) -> Publisher:
    open_outputs(store, settings)
    made = Publisher(settings, store)
    made.publish(None, LATER)
    return made


def look(folder: Path) -> dict[str, bytes | str]:
    """Everything below a folder: the bytes of files, where links lead."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def lay(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"somebody's {path}")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    made = SqliteStore(tmp_path / "news.db")
    for number in range(1, 4):
        store_story(made, item(number))
    return made


USED = [
    ("index.html",),
    ("notes.txt",),
    (".bashrc",),
    (".htaccess", ".git/HEAD"),
    ("feeds/all.atom", "feeds/own.json"),
    ("topics/holiday.html", "stories/novel.html"),
    ("deep/down/file",),
]


@pytest.mark.parametrize("paths", USED, ids=lambda paths: paths[0])
def test_a_used_folder_is_refused_before_a_byte_is_written(tmp_path: Path, store: SqliteStore, paths: tuple[str, ...]) -> None:
    settings = site(tmp_path)
    publish(settings, store)
    lay(tmp_path / "used", *paths)
    before = look(tmp_path / "used")
    with pytest.raises(UsageError, match="did not write"):
        Export(settings, store).run(tmp_path / "used")
    elsewhere = replace(settings, publish=replace(settings.publish, directory=tmp_path / "used"))
    with pytest.raises(UsageError, match="did not write"):
        publish(elsewhere, store)
    with pytest.raises(ConfigError, match=r"publish\.directory: .*did not write"):
        check_folders(elsewhere, make_owner(elsewhere, None, ()))
    assert look(tmp_path / "used") == before


def test_the_private_folder_is_as_careful(tmp_path: Path, store: SqliteStore) -> None:
    settings = site(tmp_path, ALL, DESK)
    lay(tmp_path / "private", "feeds/diary.json", "letters.txt")
    before = look(tmp_path / "private")
    with pytest.raises(UsageError, match="did not write"):
        publish(settings, store)
    publish(site(tmp_path, ALL), store)  # needs no private folder
    assert look(tmp_path / "private") == before


def test_what_is_laid_beside_our_files_stays(tmp_path: Path, store: SqliteStore) -> None:
    publish(site(tmp_path), store)
    theirs = ("CNAME", ".git/HEAD", "about.html", "topics/mine.html", "stories/novel.html", "feeds/mine.json", "feeds/sea/note")
    for folder in ("public", "copy"):
        if folder == "copy":
            Export(site(tmp_path), store).run(tmp_path / folder)
        lay(tmp_path / folder, *theirs)
    publish(site(tmp_path, ALL), store)
    Export(site(tmp_path, ALL), store).run(tmp_path / "copy")
    for folder in ("public", "copy"):
        left = look(tmp_path / folder)
        assert set(theirs) < set(left)
        assert not {"feeds/sea.atom", "topics/sea.html"} & set(left)
        assert all(left[path] == f"somebody's {path}".encode() for path in theirs)


@pytest.mark.parametrize("paths", [(), (".git/HEAD",), ("CNAME", ".nojekyll"), ("lost+found/x",), (".gitkeep",)])
def test_an_empty_folder_is_taken_and_so_is_one_of_a_host(tmp_path: Path, store: SqliteStore, paths: tuple[str, ...]) -> None:
    (tmp_path / "public").mkdir()
    lay(tmp_path / "public", *paths)
    publish(site(tmp_path), store)
    assert {*paths, MARKER, "index.html"} <= set(look(tmp_path / "public"))


def test_two_databases_do_not_share_a_folder(tmp_path: Path, store: SqliteStore) -> None:
    publish(site(tmp_path), store)
    other = SqliteStore(tmp_path / "other.db")
    before = look(tmp_path / "public")
    with pytest.raises(UsageError, match="another database"):
        publish(site(tmp_path, MINE, database="other.db"), other)
    with pytest.raises(UsageError, match="another database"):
        Export(site(tmp_path, MINE, database="other.db"), other).run(tmp_path / "new")
    assert look(tmp_path / "public") == before
    publish(site(tmp_path), store)


def test_a_new_database_in_place_of_a_lost_one_goes_on(tmp_path: Path, store: SqliteStore) -> None:
    publish(site(tmp_path, ALL, SEA), store)
    store.close()
    for file in tmp_path.glob("news.db*"):
        file.unlink()
    publish(site(tmp_path, ALL), SqliteStore(tmp_path / "news.db"))
    assert "feeds/sea.atom" not in look(tmp_path / "public")


def test_a_database_that_has_moved_goes_on(tmp_path: Path, store: SqliteStore) -> None:
    publish(site(tmp_path), store)
    publish(site(tmp_path, database="moved.db"), store)  # it knows its own site


def as_before_markers(folder: Path) -> None:
    """A folder as releases without markers left it."""
    (folder / MARKER).unlink()


def test_a_folder_of_a_release_without_markers_goes_on(tmp_path: Path, store: SqliteStore) -> None:
    settings = site(tmp_path, ALL, SEA, DESK)
    publish(settings, store)
    Export(settings, store).run(tmp_path / "copy")
    for folder in ("public", "private", "copy"):
        as_before_markers(tmp_path / folder)
    lay(tmp_path / "public", "CNAME", "about.html")
    check_folders(settings, make_owner(settings, store.value(SITE_ID), ()))
    publish(site(tmp_path, ALL, DESK), store)
    Export(site(tmp_path, ALL, DESK), store).run(tmp_path / "copy")
    for folder, gone in (("public", "feeds/sea.atom"), ("private", ""), ("copy", "topics/sea.html")):
        assert MARKER in look(tmp_path / folder) and gone not in look(tmp_path / folder)
    assert look(tmp_path / "public")["about.html"] == b"somebody's about.html"


@pytest.mark.parametrize("left", [("health.atom",), ("feeds/all/1.atom",), ("feeds/sea.atom", "feeds/sea.rss")])
def test_what_a_killed_process_left_without_a_marker_is_ours(tmp_path: Path, store: SqliteStore, left: tuple[str, ...]) -> None:
    for number in range(4, 100):
        store_story(store, item(number))
    publish(site(tmp_path), store)
    (tmp_path / "public").rename(tmp_path / "whole")
    for path in left:
        (tmp_path / "public" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "whole" / path).rename(tmp_path / "public" / path)
    publish(site(tmp_path), store)
    assert {MARKER, "index.html", *left} <= set(look(tmp_path / "public"))


def test_health_that_is_told_first_claims_the_folder(tmp_path: Path, store: SqliteStore) -> None:
    """A poll tells of a source that is gone before it publishes."""
    settings = site(tmp_path)
    open_outputs(store, settings)
    made = Publisher(settings, store)
    made.show_health()
    assert set(look(tmp_path / "public")) == {MARKER, "health.atom"}
    made.publish(None, LATER)
    lay(tmp_path / "used", "health.atom")
    with pytest.raises(UsageError, match="did not write"):
        Publisher(replace(settings, publish=replace(settings.publish, directory=tmp_path / "used")), store).show_health()
    assert look(tmp_path / "used") == {"health.atom": b"somebody's health.atom"}


def test_a_folder_that_is_taken_away_is_made_anew_and_one_put_there_is_refused(tmp_path: Path, store: SqliteStore) -> None:
    made = publish(site(tmp_path, ALL, SEA, DESK), store)
    before = look(tmp_path / "public")
    (tmp_path / "public").rename(tmp_path / "aside")
    made.publish([Slug("sea")], LATER + 1)
    assert look(tmp_path / "public") == before, "at the next change of any feed"
    (tmp_path / "public").rename(tmp_path / "again")
    lay(tmp_path / "public", "index.html")
    with pytest.raises(UsageError, match="did not write"):
        made.publish([Slug("sea")], LATER + 2)
    assert look(tmp_path / "public") == {"index.html": b"somebody's index.html"}


def test_a_folder_that_is_taken_away_while_files_are_written_is_still_ours(tmp_path: Path, store: SqliteStore) -> None:
    settings = site(tmp_path)
    publisher = publish(settings, store)
    shutil.rmtree(tmp_path / "public")
    publisher._trees[False].write("stories/a.html", b"written in the midst of a publication")
    assert set(look(tmp_path / "public")) == {MARKER, "stories/a.html"}
    check_folders(settings, make_owner(settings, store.value(SITE_ID), ["all", "sea"]))


@pytest.mark.parametrize("path", ["index.html", "topics/sea.html", "health.atom"])
def test_a_copy_of_our_feeds_among_others_files_is_not_ours(tmp_path: Path, store: SqliteStore, path: str) -> None:
    publish(site(tmp_path), store)
    as_before_markers(tmp_path / "public")
    lay(tmp_path / "public", path)
    before = look(tmp_path / "public")
    with pytest.raises(UsageError, match="did not write"):
        publish(site(tmp_path), store)
    assert look(tmp_path / "public") == before


def test_feeds_of_another_database_without_a_marker_are_not_ours(tmp_path: Path, store: SqliteStore) -> None:
    publish(site(tmp_path), store)
    as_before_markers(tmp_path / "public")
    with pytest.raises(UsageError, match="did not write"):
        publish(site(tmp_path, database="other.db"), SqliteStore(tmp_path / "other.db"))


@pytest.mark.parametrize("marker", [b"", b"{}", b"\xff", b'{"about":1}', b"..", b"a/../.."])
def test_a_damaged_marker_is_told(tmp_path: Path, store: SqliteStore, marker: bytes) -> None:
    publish(site(tmp_path), store)
    file = tmp_path / "public" / MARKER
    file.write_bytes(marker if not marker.endswith(b"..") else file.read_bytes().replace(b'"all"', b'"' + marker + b'"'))
    lay(tmp_path / "public", "1.atom")
    with pytest.raises(UsageError, match="damaged"):
        publish(site(tmp_path), store)
    assert (tmp_path / "public/1.atom").exists()


@pytest.mark.parametrize("folder", ["feeds", "topics", "stories", "feeds/sea"])
def test_a_link_inside_is_not_followed(tmp_path: Path, store: SqliteStore, folder: str) -> None:
    """Neither for writing nor for cleaning, whether it lay there before or came later."""
    made = publish(site(tmp_path), store)
    lay(tmp_path / "victim", "all.atom", "sea.html", "1.atom", "mine.txt")
    before = look(tmp_path / "victim")
    inside = tmp_path / "public" / folder
    if inside.exists():
        inside.rename(tmp_path / "aside")
    inside.symlink_to(tmp_path / "victim")
    with pytest.raises(AggregatorError, match="symbolic link"):
        publish(site(tmp_path), store)
    store_story(store, item(9), slugs=("all", "sea"))
    if folder in ("feeds", "topics"):
        with pytest.raises(AggregatorError, match="symbolic link"):
            made.publish([Slug("all"), Slug("sea")], LATER + 1)
    assert look(tmp_path / "victim") == before


def test_a_new_feed_replaces_no_file_of_others(tmp_path: Path, store: SqliteStore) -> None:
    publish(site(tmp_path), store)
    lay(tmp_path / "public", "topics/mine.html")
    with pytest.raises(UsageError, match=r"topics/mine\.html is not ours"):
        publish(site(tmp_path, ALL, MINE), store)
    assert look(tmp_path / "public")["topics/mine.html"] == b"somebody's topics/mine.html"
    (tmp_path / "public/topics/mine.html").unlink()
    publish(site(tmp_path, ALL, MINE), store)


def test_public_and_private_folders_are_not_confused(tmp_path: Path, store: SqliteStore) -> None:
    settings = site(tmp_path, ALL, DESK)
    publish(settings, store)
    with pytest.raises(UsageError, match="feeds with a token"):
        Export(settings, store).run(tmp_path / "private")
    swapped = replace(settings.publish, directory=tmp_path / "new", private=tmp_path / "public")
    with pytest.raises(UsageError, match="holds the public site"):
        publish(replace(settings, publish=swapped), store)


def test_what_is_no_folder_is_told(tmp_path: Path, store: SqliteStore) -> None:
    publish(site(tmp_path), store)
    lay(tmp_path, "file")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    for target in ("file", "nowhere"):
        with pytest.raises(UsageError, match="is not a folder"):
            Export(site(tmp_path), store).run(tmp_path / target)


def test_a_disk_that_refuses_the_marker_gets_nothing_else(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AggregatorError, match="No space left"):
        publish(site(tmp_path), store)
    assert look(tmp_path / "public") == {}


def test_looking_at_a_database_makes_no_file(tmp_path: Path, store: SqliteStore) -> None:
    """`check` may run as root, beside a daemon that could not open what root has made."""
    publish(site(tmp_path), store)
    store_id = store.value(SITE_ID)
    assert read_value(tmp_path / "news.db", SITE_ID) == store_id, "while it is in use"
    store.close()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("news.db*")}
    assert read_value(tmp_path / "news.db", SITE_ID) == store_id
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("news.db*")} == before
    assert read_value(tmp_path / "missing.db", SITE_ID) is None and not (tmp_path / "missing.db").exists()
    (tmp_path / "odd?#%20.db").write_text("no database")
    assert read_value(tmp_path / "odd?#%20.db", SITE_ID) is None


def test_the_commands_say_it_and_change_nothing(tmp_path: Path) -> None:
    command = Command(tmp_path / "feeds.yaml")
    said = f"publish: {{directory: www}}\nserver: {{port: {free_port()}}}\nsources: []\n"
    command.config.write_text(said)
    lay(tmp_path / "www", "index.html", "feeds/all.atom")
    before = look(tmp_path / "www")
    for words in (("check",), ("poll",), ("run",)):
        command.run(*words, code=2)
    assert look(tmp_path / "www") == before
    command.config.write_text(command.config.read_text().replace("www", "public"))
    command.run("check")
    command.run("poll")
    command.run("export", "www", code=2)
    command.run("export", ".", code=2)
    assert look(tmp_path / "www") == before
    command.run("export", "copy")
    as_before_markers(tmp_path / "public")
    command.run("check")
