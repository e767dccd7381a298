"""Keeps an object store the same as the public folder: puts what has changed, the front page last, then removes the rest.

The bucket itself is the truth about what lies in it: it is listed at the start, after a failure and from time to time. Beside the
site lie two objects: the marker of its owner, as in a folder, and a record of which bytes each ETag stands for, so that a
restart puts nothing again. The record may be some minutes old: an object that it does not know is put once more.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from aggregator.errors import UsageError
from aggregator.model import Instant
from aggregator.publish.objects.bucket import Bucket
from aggregator.publish.objects.site_files import (
    Headers,
    SiteFile,
    Snapshot,
    find_changed,
    public_slugs,
    rank,
    read,
    take_snapshot,
)
from aggregator.publish.pages.pages import CACHE
from aggregator.publish.shelf import digest
from aggregator.publish.site.export import Exported
from aggregator.publish.site.ownership import ABOUT, MARKER, Marker, Owner
from aggregator.publish.site.paths import FEED_FOLDERS, is_published_file
from aggregator.settings import Settings

RECORD = ".aggregator-objects"
"""Name of the record: gzipped JSON, path → what is known of the object."""
AT_ONCE = 8
"""Requests under way."""
RECORD_EVERY = 600.0
"""Seconds between two writings of the record: of a site with 100,000 pages it has 4 MB."""
RECORD_SHARE, RECORD_LEAST = 0.1, 100
"""It is also written when it lacks so large a share of the objects, and at least so many: a first copy may take hours."""
LIST_EVERY = 3_600.0
"""Seconds between two lists of the bucket: what somebody else removed or replaced is put again."""
_ROOT = Path("/")
"""Where an object store lies, seen from the database (`Owner.place`)."""
InTurn: TypeAlias = Callable[[Callable[[], Snapshot]], Awaitable[Snapshot]]
"""Runs a function while nothing is being published."""


class Known(Struct, frozen=True, array_like=True):
    """An object. digest: of its bytes; empty if nobody knows what it is."""

    digest: str
    headers: Headers
    etag: str


def _unknown(etag: str = "") -> Known:
    return Known("", Headers("", ""), etag)


class _OvertakenError(Exception):
    """A file was removed after the snapshot that names it was taken."""


class Mirror:
    """The copy of a site in one bucket. Used by one task at a time; a call that failed or was cancelled may be repeated."""

    def __init__(self, bucket: Bucket, monotonic: Callable[[], float]) -> None:
        self._bucket = bucket
        self._monotonic = monotonic
        self._objects: dict[str, Known] = {}
        self._copied: dict[str, SiteFile] = {}
        self._marker: Marker | None = None
        self._listed: float | None = None
        self._recorded = monotonic()
        self._unrecorded = 0

    async def update(self, settings: Settings, owner: Owner, in_turn: InTurn, since: Instant | None = None) -> Exported:
        """Brings the bucket up to date with `publish.directory`. Raises AggregatorError, UsageError if it is somebody else's.

        Until the end, readers find the pages and feeds of before, and all stories that these name.

        since: where several machines publish in turn, when this one began. It may have files from an earlier turn that another
        one has changed meanwhile: what is older replaces no object with other bytes.
        """
        put: list[str] = []
        try:
            await self._claim(owner, public_slugs(settings))
            taken = await in_turn(lambda: take_snapshot(settings, self._copied))
            while not await self._put_changed(settings, taken, put, since):
                taken = await in_turn(lambda: take_snapshot(settings, self._copied))
            removed = [path for path in self._objects if path not in taken.paths]
            await _each(removed, self._remove)
            await self._mark(owner, public_slugs(settings))
            await self._save_if_due()
        except BaseException:
            self._listed = None  # nobody knows what came of a request that was cut off, or what a store that was away has kept
            raise
        return Exported(tuple(put), tuple(removed), len(taken.paths) - len(put))

    async def save(self) -> None:
        """Writes the record of what lies in the bucket, if it lacks anything."""
        lacking, self._unrecorded = self._unrecorded, 0
        if not lacking:
            return
        try:
            body = await asyncio.to_thread(gzip.compress, msgspec.json.encode(self._objects), mtime=0)
            await self._bucket.put(RECORD, body, Headers("application/gzip", CACHE))
            self._recorded = self._monotonic()
        except BaseException:
            self._unrecorded += lacking
            raise

    async def _save_if_due(self) -> None:
        is_old = self._monotonic() - self._recorded >= RECORD_EVERY
        if is_old or self._unrecorded >= max(RECORD_LEAST, RECORD_SHARE * len(self._objects)):
            await self.save()

    async def _claim(self, owner: Owner, slugs: Collection[str]) -> None:
        """Makes the prefix ours, as a folder is, and finds out what lies in it."""
        is_fresh = self._listed is not None and self._monotonic() - self._listed < LIST_EVERY
        if is_fresh and self._marker is not None and set(self._marker.feeds) == set(slugs):
            return
        marker = _read_marker(self._bucket.address, await self._bucket.get(MARKER))
        listed = await self._bucket.list_site()
        if (why := _refusal(marker, listed, owner, slugs)) is not None:
            raise UsageError(f"{self._bucket.address} {why}")
        self._marker = marker
        feeds = {*slugs, *(marker.feeds if marker else ())}
        await self._mark(owner, feeds)
        known = self._objects or await self._read_record()
        self._objects = {
            path: known[path] if path in known and known[path].etag == etag else _unknown(etag)
            for path, etag in listed.items()
            if is_published_file(path, feeds)
        }
        self._copied = {path: file for path, file in self._copied.items() if path in self._objects and self._objects[path].digest}
        self._listed = self._monotonic()

    async def _mark(self, owner: Owner, feeds: Collection[str]) -> None:
        marker = Marker(ABOUT, owner.site, owner.place(_ROOT), False, tuple(sorted(feeds)))
        if marker != self._marker:
            body = msgspec.json.format(msgspec.json.encode(marker)) + b"\n"
            await self._bucket.put(MARKER, body, Headers("application/json", CACHE))
            self._marker = marker

    async def _read_record(self) -> Mapping[str, Known]:
        """The record; empty if there is none that can be read, and then everything is put again."""
        found = await self._bucket.get(RECORD)
        try:
            return msgspec.json.decode(gzip.decompress(found), type=dict[str, Known]) if found else {}
        except (OSError, EOFError, zlib.error, msgspec.MsgspecError, UnicodeDecodeError):
            return {}

    async def _put_changed(self, settings: Settings, taken: Snapshot, put: list[str], since: Instant | None) -> bool:
        """Puts what has changed, rank by rank, and adds it to `put`. False if the snapshot was overtaken."""
        changed = await asyncio.to_thread(find_changed, settings, taken, self._copied)
        if changed is None:
            return False

        async def bring(path: str) -> None:
            body = taken.leading[path][1] if path in taken.leading else await asyncio.to_thread(read, settings, path)
            if body is None:
                raise _OvertakenError
            if await self._put(path, body, changed[path], since):
                put.append(path)
                await self._save_if_due()

        try:
            for _, paths in groupby(sorted(changed, key=rank), rank):
                await _each(paths, bring)
        except _OvertakenError:
            return False
        return True

    async def _put(self, path: str, body: bytes, file: SiteFile, since: Instant | None) -> bool:
        """Puts a file if it should be. Returns whether it was."""
        made = digest(body)
        if is_put := _should_put(self._objects.get(path), made, file, since):
            self._objects[path] = Known(made, file.headers, await self._bucket.put(path, body, file.headers))
            self._unrecorded += 1
        self._copied[path] = file
        return is_put

    async def _remove(self, path: str) -> None:
        await self._bucket.remove(path)
        del self._objects[path]
        self._copied.pop(path, None)
        self._unrecorded += 1


def _should_put(known: Known | None, digest: str, file: SiteFile, since: Instant | None) -> bool:
    """Decides whether a file is to replace its object. known: None if there is none."""
    if known is None:
        return True
    if known.digest == digest:
        return known.headers != file.headers
    return since is None or file.changed >= since * 1e9


async def _each(paths: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Runs `work` for each path, some at a time. The first failure ends the others, and is raised."""
    left = iter(paths)

    async def take() -> None:
        for path in left:
            await work(path)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(take())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _read_marker(address: str, found: bytes | None) -> Marker | None:
    """The marker; None if there is none. Raises UsageError if it is damaged."""
    try:
        return None if found is None else msgspec.json.decode(found, type=Marker)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise UsageError(f"{address}/{MARKER} is damaged: remove it, or choose another prefix") from None


def _refusal(marker: Marker | None, listed: Collection[str], owner: Owner, slugs: Collection[str]) -> str | None:
    """Says why a prefix can't be published into; as for folders (ownership.py), but other objects may lie in it."""
    if marker is None:
        taken = [path for path in sorted(listed) if is_published_file(path, slugs)]
    elif marker.site != owner.site and marker.place != owner.place(_ROOT):
        return f"is published from another database: choose another prefix, or remove {MARKER} there if that database is gone"
    else:
        new = set(slugs).difference(marker.feeds)
        taken = [path for path in sorted(listed) if path.startswith(FEED_FOLDERS) and is_published_file(path, new)]
    return f"holds {taken[0]}, which we did not write: move it away, or choose another prefix" if taken else None
