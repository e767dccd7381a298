"""The copy in an object store: what readers find there at every moment, what is put and removed, and whose it is."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.errors import AggregatorError, UsageError
from aggregator.model import StoryId
from aggregator.publish.objects import bucket, mirror
from aggregator.publish.objects.bucket import Bucket
from aggregator.publish.objects.mirror import LIST_EVERY, RECORD, Mirror
from aggregator.publish.objects.site_files import Headers, Snapshot
from aggregator.publish.publisher import Publisher
from aggregator.publish.site.export import Exported
from aggregator.publish.site.ownership import MARKER, SITE_ID, make_owner
from aggregator.settings import Settings
from aggregator.store.sqlite import SqliteStore
from tests.object_store import BUCKET, SECRET, Object, ObjectStore
from tests.unit.publish import samples
from tests.unit.publish.samples import NOON, change_story, item, open_outputs, store_story

LATER = NOON + 86_400.0
STORY = re.compile(rb"stories/([0-9a-f-]{36})\.html")
ADDRESS = f"s3://{BUCKET}/site"


class Site:
    """A site with its database, and its copy. Each has a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.store = SqliteStore(folder / "db")
        plain = samples.settings(folder)
        outputs = tuple(replace(output, items=3) for output in plain.outputs)
        self.settings = replace(plain, outputs=outputs, storage=replace(plain.storage, database=str(folder / "db")))
        open_outputs(self.store, self.settings)
        self.publisher = Publisher(self.settings, self.store)
        self.now = LATER
        self.clock = 0.0
        self.start()

    def start(self, address: str = ADDRESS) -> None:
        """Begins as a new process does."""
        self.mirror = Mirror(Bucket(address), lambda: self.clock)

    def configure(self, settings: Settings) -> None:
        self.settings = settings
        self.publisher = Publisher(settings, self.store, self.publisher.shelf)

    def add(self, *numbers: int) -> list[StoryId]:
        return [store_story(self.store, item(number), slugs=("all", "ukraine", "desk")) for number in numbers]

    def publish(self) -> None:
        self.now += 60.0
        self.publisher.publish(None, self.now)

    def files(self) -> set[str]:
        root = self.settings.publish.directory
        return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} - {MARKER}

    async def copy(self, meanwhile: Callable[[], None] = lambda: None, since: float | None = None) -> Exported:
        owner = make_owner(self.settings, self.store.value(SITE_ID), self.store.outputs().keys())

        async def in_turn(work: Callable[[], Snapshot]) -> Snapshot:
            taken = work()
            meanwhile()
            return taken

        return await self.mirror.update(self.settings, owner, in_turn, since)


@pytest.fixture
def site(tmp_path: Path, objects: ObjectStore) -> Iterator[Site]:
    made = Site(tmp_path / "own")
    yield made
    made.store.close()


def watch(objects: ObjectStore) -> list[str]:
    """Looks after each change at what a reader could find. Returns what leads nowhere."""
    broken: list[str] = []

    def look() -> None:
        there = {key.removeprefix("site/") for key in objects.objects}
        for key, made in objects.objects.items():
            if key.startswith("site/stories/") or not key.endswith((".html", ".atom", ".json", ".rss")):
                continue
            named = {f"stories/{found.decode()}.html" for found in STORY.findall(made.body)}
            broken.extend(f"{key} names {path}" for path in named - there)

    objects.each = look
    return broken


def copied(objects: ObjectStore) -> set[str]:
    return {key.removeprefix("site/") for key in objects.objects if key.startswith("site/")} - {MARKER, RECORD}


def test_the_copy_is_the_folder_with_the_headers_that_the_daemon_sends(site: Site, objects: ObjectStore) -> None:
    site.add(*range(1, 40))
    site.publish()
    asyncio.run(site.copy())
    assert copied(objects) == site.files() > {"index.html", "feeds/all.rss", "feeds/all/1.atom", "topics/all/1.html"}
    root, shelf = site.settings.publish.directory, site.publisher.shelf
    assert all((root / path).read_bytes() == objects.objects[f"site/{path}"].body for path in site.files())
    answered = 0
    for path in site.files():
        shown = shelf.get(f"/{path}") or shelf.on_demand(f"/{path}", lambda token: False)
        if shown is not None:  # topics/SLUG/index.html leads on, for hosts of files alone
            made = objects.objects[f"site/{path}"]
            assert (made.type, made.cache) == (shown.type, shown.cache), path  # type: ignore[union-attr]
            answered += 1
    assert answered == len(site.files()) - 2
    assert len({made.cache for made in objects.objects.values()}) == 3, "of feeds with their archives, pages, health"


def test_other_headers_are_put_although_the_bytes_are_the_same(site: Site, objects: ObjectStore) -> None:
    async def work() -> None:
        site.add(1)
        site.publish()
        await site.copy()
        before = objects.objects["site/feeds/all.atom"]
        site.configure(replace(site.settings, polling=replace(site.settings.polling, min=1_200.0)))
        site.publish()
        await site.copy()
        after = objects.objects["site/feeds/all.atom"]
        assert (before.body, before.cache) == (after.body, "public, max-age=300")
        assert after.cache == "public, max-age=1200"

    asyncio.run(work())


def test_a_private_feed_is_nowhere_in_the_bucket(site: Site, objects: ObjectStore) -> None:
    site.add(1)
    secret = store_story(site.store, item(2), slugs=("desk",))
    site.publish()
    asyncio.run(site.copy())
    assert (site.settings.publish.private / "feeds/desk.atom").exists()
    for key, made in objects.objects.items():
        assert "desk" not in key and b"desk" not in made.body and secret.encode() not in made.body, key


def test_at_no_moment_a_page_or_feed_names_a_story_that_is_not_there(site: Site, objects: ObjectStore) -> None:
    broken = watch(objects)

    async def work() -> None:
        for first in range(1, 40, 13):
            stories = site.add(*range(first, first + 13))
            site.publish()
            await site.copy()
            change_story(site.store, stories[0], "Another headline", site.now)
        await site.copy()

    asyncio.run(work())
    assert len([key for key in objects.objects if "stories/" in key]) == 39
    assert broken == []


def test_what_is_published_while_files_are_put_comes_whole_with_the_next_copy(site: Site, objects: ObjectStore) -> None:
    broken = watch(objects)
    site.add(1, 2)
    site.publish()

    def publish_more() -> None:
        site.add(3, 4)
        site.publish()

    asyncio.run(site.copy(publish_more))
    assert broken == []
    assert b"step 4" not in objects.objects["site/feeds/all.rss"].body, "that feed is the one of the snapshot"
    asyncio.run(site.copy())
    assert broken == [] and copied(objects) == site.files()
    assert b"step 4" in objects.objects["site/feeds/all.rss"].body


def test_a_story_that_goes_while_files_are_put_is_named_by_nothing(site: Site, objects: ObjectStore) -> None:
    broken = watch(objects)
    (story,) = site.add(1)
    site.publish()
    page = site.settings.publish.directory / f"stories/{story}.html"

    def take_down() -> None:
        if not page.exists():
            return
        for file in site.settings.publish.directory.rglob("*"):
            if file.is_file() and story.encode() in file.read_bytes():
                file.write_bytes(b"without it")
        page.unlink()

    asyncio.run(site.copy(take_down))
    assert broken == [] and copied(objects) == site.files()
    assert objects.objects["site/index.html"].body == b"without it"


def test_nothing_is_put_twice_neither_later_nor_after_a_restart(site: Site, objects: ObjectStore) -> None:
    async def work() -> None:
        site.add(1, 2, 3)
        site.publish()
        first = await site.copy()
        assert sorted(first.written) == sorted(site.files()) and len(objects.puts()) == len(first.written)
        assert await site.copy() == Exported((), (), len(first.written))
        site.publish()
        assert not (await site.copy()).written, "files of other times, with the same bytes"
        await site.mirror.save()
        site.start()
        assert await site.copy() == Exported((), (), len(first.written))
        (story,) = site.add(4)
        site.publish()
        again = set((await site.copy()).written)
        assert again > {f"stories/{story}.html", "feeds/all.atom", "index.html"}
        assert not {path for path in again if path.startswith("stories/")} - {f"stories/{story}.html"}, "other stories stay"

    asyncio.run(work())


def test_after_a_kill_the_next_start_ends_what_was_begun(
    site: Site, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "RECORD_LEAST", 10)
    broken = watch(objects)

    async def work() -> None:
        site.add(*range(1, 40))
        site.publish()
        for more in (3, 60):
            objects.hang_after = len(objects.puts()) + more
            under_way = asyncio.create_task(site.copy())
            await asyncio.to_thread(objects.hanging.wait)
            under_way.cancel()
            with pytest.raises(asyncio.CancelledError):
                await under_way
            objects.hanging.clear()
            assert broken == [] and "site/index.html" not in objects.objects
            objects.hang_after = None
            site.start()
        await site.copy()

    asyncio.run(work())
    assert broken == [] and copied(objects) == site.files()
    assert len(objects.puts()) - len(site.files()) < 40, "what was put before a kill is known, but for the last of it"


def test_what_is_no_longer_published_is_removed_and_only_that(site: Site, objects: ObjectStore) -> None:
    theirs = ["site/robots.txt", "site/feeds/mine.txt", "site/stories/notes.html", "else/index.html", "index.html"]
    for key in theirs:
        objects.put(key, Object(b"somebody's", "text/plain", ""))

    async def work() -> None:
        site.add(1)
        site.publish()
        await site.copy()
        assert {"feeds/ukraine.atom", "topics/ukraine.html"} <= copied(objects)
        of_all = site.settings.outputs[:1]
        site.configure(replace(site.settings, outputs=of_all))
        site.publish()
        site.start()  # nothing was written down: the marker names the feeds whose objects are ours
        removed = (await site.copy()).removed
        assert {"feeds/ukraine.atom", "feeds/ukraine.html", "topics/ukraine.html"} <= set(removed)

    asyncio.run(work())
    assert copied(objects) - {"robots.txt", "feeds/mine.txt", "stories/notes.html"} == site.files()
    assert all(objects.objects[key].body == b"somebody's" for key in theirs)


def test_a_feed_that_turns_private_leaves_the_bucket(site: Site, objects: ObjectStore) -> None:
    async def work() -> None:
        site.add(1)
        site.publish()
        await site.copy()
        first, second, third = site.settings.outputs
        site.configure(replace(site.settings, outputs=(first, replace(second, token="not-any-more"), third)))
        site.publish()
        await site.copy()

    asyncio.run(work())
    assert not [key for key in objects.objects if "ukraine" in key]
    assert b"ukraine" not in objects.objects[f"site/{MARKER}"].body


def test_a_place_of_others_is_left_alone(site: Site, objects: ObjectStore, tmp_path: Path) -> None:
    other = Site(tmp_path / "other")
    other.add(1)
    other.publish()
    site.add(2)
    site.publish()
    objects.put("site/index.html", Object(b"somebody's", "text/html", ""))
    with pytest.raises(UsageError, match=r"s3://news/site holds index\.html, which we did not write"):
        asyncio.run(site.copy())
    assert copied(objects) == {"index.html"} and objects.objects["site/index.html"].body == b"somebody's"
    objects.remove("site/index.html")
    asyncio.run(other.copy())
    before = dict(objects.objects)
    with pytest.raises(UsageError, match="published from another database"):
        asyncio.run(site.copy())
    assert objects.objects == before
    other.store.close()


def test_a_new_feed_replaces_no_object_of_others(site: Site, objects: ObjectStore) -> None:
    async def work() -> None:
        first, second, third = site.settings.outputs
        site.configure(replace(site.settings, outputs=(first, third)))
        site.publish()
        await site.copy()
        objects.put("site/feeds/ukraine.atom", Object(b"somebody's", "text/html", ""))
        site.configure(replace(site.settings, outputs=(first, second, third)))
        site.publish()
        with pytest.raises(UsageError, match=r"holds feeds/ukraine\.atom, which we did not write"):
            await site.copy()

    asyncio.run(work())
    assert objects.objects["site/feeds/ukraine.atom"].body == b"somebody's"


def test_what_others_remove_or_replace_is_put_again_by_the_next_start(site: Site, objects: ObjectStore) -> None:
    async def work() -> None:
        (story,) = site.add(1)
        site.publish()
        await site.copy()
        await site.mirror.save()
        del objects.objects[f"site/stories/{story}.html"]
        objects.objects["site/feeds/all.rss"] = Object(b"theirs", "text/plain", "")
        site.start()
        assert set((await site.copy()).written) == {f"stories/{story}.html", "feeds/all.rss"}

    asyncio.run(work())


def test_a_machine_that_publishes_again_takes_back_nothing_that_another_one_changed_meanwhile(
    site: Site, objects: ObjectStore, tmp_path: Path
) -> None:
    """Two machines, one database: the first has files of its own from before."""
    (folder := site.settings.publish.directory).mkdir(parents=True)

    async def work() -> None:
        (story,) = site.add(1)
        site.publish()
        await site.copy()
        folder.rename(tmp_path / "first")
        change_story(site.store, story, "As it should be", site.now)
        site.configure(site.settings)
        site.publish()
        site.start()
        await site.copy()
        page, path = folder / f"stories/{story}.html", f"site/stories/{story}.html"
        assert b"As it should be" in objects.objects[path].body
        page.write_bytes((tmp_path / f"first/stories/{story}.html").read_bytes())
        os.utime(page, (1e9, 1e9))
        (new,) = site.add(2)
        site.publish()
        site.start()
        began = time.time() - 3_600
        os.utime(folder / "opml.xml", (1e9, 1e9))
        objects.objects.pop("site/opml.xml")
        written = (await site.copy(since=began)).written
        assert b"As it should be" in objects.objects[path].body
        assert {f"stories/{new}.html", "feeds/all.atom", "index.html", "opml.xml"} <= set(written), "newer, or missing there"
        page.write_bytes(b"changed here")
        assert (await site.copy(since=began)).written == (f"stories/{story}.html",)

    asyncio.run(work())


@pytest.mark.parametrize("how", ["an hour later", "when the store is back"])
def test_what_is_lost_while_the_daemon_runs_is_put_again(site: Site, objects: ObjectStore, how: str) -> None:
    async def work() -> None:
        (story,) = site.add(1)
        site.publish()
        await site.copy()
        del objects.objects[f"site/stories/{story}.html"]
        if how == "an hour later":
            site.clock += LIST_EVERY
        else:
            site.add(2)
            site.publish()
            objects.refuses = (500, "InternalError")
            with pytest.raises(AggregatorError):
                await site.copy()
            objects.refuses = None
        assert f"stories/{story}.html" in (await site.copy()).written

    asyncio.run(work())


def test_a_file_that_comes_back_as_it_was_is_put_again(site: Site, objects: ObjectStore, tmp_path: Path) -> None:
    async def work() -> None:
        (story,) = site.add(1)
        site.publish()
        await site.copy()
        page = site.settings.publish.directory / f"stories/{story}.html"
        page.rename(tmp_path / "aside")
        assert (await site.copy()).removed == (f"stories/{story}.html",)
        (tmp_path / "aside").rename(page)
        assert (await site.copy()).written == (f"stories/{story}.html",)

    asyncio.run(work())


def test_a_lost_folder_does_not_empty_the_bucket(site: Site, objects: ObjectStore) -> None:
    async def work() -> None:
        site.add(1)
        site.publish()
        await site.copy()
        before = copied(objects)
        (site.settings.publish.directory / "index.html").unlink()
        with pytest.raises(AggregatorError, match="nothing is published in"):
            await site.copy()
        assert copied(objects) == before

    asyncio.run(work())


@pytest.mark.parametrize("record", [b"", b"damaged", b"\x1f\x8b\x08\x00"])
def test_without_its_record_everything_is_put_again(site: Site, objects: ObjectStore, record: bytes) -> None:
    async def work() -> None:
        site.add(1)
        site.publish()
        first = await site.copy()
        objects.objects[f"site/{RECORD}"] = Object(record, "", "")
        site.start()
        assert sorted((await site.copy()).written) == sorted(first.written)

    asyncio.run(work())


def test_a_damaged_marker_is_told(site: Site, objects: ObjectStore) -> None:
    site.publish()
    objects.put(f"site/{MARKER}", Object(b"{", "", ""))
    with pytest.raises(UsageError, match=rf"s3://news/site/{MARKER} is damaged"):
        asyncio.run(site.copy())


@pytest.mark.parametrize(
    ("refuses", "told"),
    [
        ((403, "InvalidAccessKeyId"), "refuses: 403 InvalidAccessKeyId"),
        ((503, "SlowDown"), "refuses: 503 SlowDown"),
        ((301, "PermanentRedirect"), "can't be used: it is in another region than AWS_REGION says"),
    ],
)
def test_a_refusal_is_told_in_a_line_without_secrets(objects: ObjectStore, refuses: tuple[int, str], told: str) -> None:
    objects.refuses = refuses
    with pytest.raises(AggregatorError) as caught:
        asyncio.run(Bucket(ADDRESS).put("index.html", b"x", Headers("text/html", "no-cache")))
    assert str(caught.value) == f"{ADDRESS}: the object store {told}"
    assert SECRET not in repr(caught.value) and caught.value.__cause__ is None


def test_a_bucket_that_is_not_there_and_a_server_that_is_not_there_are_told(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AggregatorError, match="s3://none: the object store refuses: 404 NoSuchBucket"):
        asyncio.run(Bucket("s3://none").list_site())
    monkeypatch.setattr(bucket, "TIMEOUT", timedelta(seconds=0.2))
    monkeypatch.setattr(bucket, "RETRIES", 0)
    objects.hang_after = 0
    with pytest.raises(AggregatorError, match="can't be used: it does not answer in time"):
        asyncio.run(Bucket(ADDRESS).get("index.html"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(AggregatorError, match="can't be used: the connection is refused"):
        asyncio.run(Bucket(ADDRESS).get("index.html"))
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AggregatorError, match="there are no credentials for it in the environment"):
        Bucket(ADDRESS)


def test_that_nothing_may_be_removed_is_told(objects: ObjectStore) -> None:
    objects.keeps = True
    with pytest.raises(AggregatorError, match=f"{ADDRESS}: the object store refuses: AccessDenied"):
        asyncio.run(Bucket(ADDRESS).remove("index.html"))


def test_the_whole_bucket_may_be_the_site(site: Site, objects: ObjectStore) -> None:
    site.add(1)
    site.publish()
    site.start(f"s3://{BUCKET}")
    asyncio.run(site.copy())
    assert set(objects.objects) - {MARKER, RECORD} == site.files()


def test_google_is_spoken_to_the_same_way(
    site: Site, objects: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = tmp_path / "account.json"
    account.write_text(
        f'{{"gcs_base_url": "{objects.url}", "disable_oauth": true, "client_email": "", "private_key": "", "private_key_id": ""}}'
    )
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(account))
    site.start(f"gs://{BUCKET}/site")

    async def work() -> None:
        site.add(1)
        site.publish()
        await site.copy()
        assert copied(objects) == site.files()
        assert objects.objects["site/feeds/all.atom"].type == "application/atom+xml; charset=utf-8"
        site.configure(replace(site.settings, outputs=site.settings.outputs[:1]))
        site.publish()
        await site.copy()

    asyncio.run(work())
    assert copied(objects) == site.files() and "feeds/ukraine.atom" not in site.files()
