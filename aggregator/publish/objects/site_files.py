"""What the public folder holds at one moment: each file's version and headers, and the bytes of what leads readers on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from aggregator.errors import AggregatorError
from aggregator.model import Slug
from aggregator.publish.entry.addresses import FORMATS, TYPES
from aggregator.publish.formats.head import ttl
from aggregator.publish.messages.health_feed import MAX_AGE
from aggregator.publish.pages.pages import CACHE
from aggregator.publish.site.files import Tree
from aggregator.publish.site.paths import FEED_FOLDERS, STORY_FOLDER
from aggregator.settings import Settings

STORIES, ARCHIVES, FEEDS, PAGES, FRONT = range(5)
"""Ranks of files. They are copied in this order: the stories first, then what lists them, the front page last."""


class Headers(Struct, frozen=True, array_like=True):
    """The headers that the daemon sends with a document."""

    type: str
    cache: str


class SiteFile(Struct, frozen=True):
    """One version of a file. size: bytes; changed: nanoseconds since 1970."""

    size: int
    changed: int
    headers: Headers


class Snapshot(Struct, frozen=True):
    """What lies in the folder. leading: feeds and pages that have changed since the known versions, with their bytes."""

    paths: frozenset[str]
    leading: Mapping[str, tuple[SiteFile, bytes]]


def take_snapshot(settings: Settings, known: Mapping[str, SiteFile]) -> Snapshot:
    """Looks at the published folder; must not run while something is published there. known: versions that were copied.

    Feeds and pages are read at once, so that each names only stories that lie in the folder now. The pages of stories are read
    later: they are many, and a newer one does no harm. Raises AggregatorError if the folder holds no whole site, so that the copy
    of a lost one is not emptied.
    """
    root, seconds = settings.publish.directory, ttl(settings)
    paths = frozenset(Tree(root).ours(public_slugs(settings)))
    if "index.html" not in paths:  # written last
        raise AggregatorError(f"nothing is published in {root} yet")
    leading = {}
    for path in paths:
        if rank(path) >= FEEDS and known.get(path) != (file := _version(root / path, _headers(path, seconds))):
            leading[path] = file, (root / path).read_bytes()
    return Snapshot(paths, leading)


def find_changed(settings: Settings, taken: Snapshot, known: Mapping[str, SiteFile]) -> dict[str, SiteFile] | None:
    """The files whose version is not the known one. None if one was removed after the snapshot: then that is outdated."""
    root, seconds = settings.publish.directory, ttl(settings)
    changed = {path: file for path, (file, _) in taken.leading.items()}
    try:
        for path in taken.paths:
            if rank(path) < FEEDS and known.get(path) != (file := _version(root / path, _headers(path, seconds))):
                changed[path] = file
    except FileNotFoundError:
        return None
    return changed


def _version(path: Path, headers: Headers) -> SiteFile:
    found = path.stat()
    return SiteFile(found.st_size, found.st_mtime_ns, headers)


def public_slugs(settings: Settings) -> frozenset[Slug]:
    """The feeds without a token: no file of another one is ever copied."""
    return frozenset(output.slug for output in settings.outputs if output.token is None)


def rank(path: str) -> int:
    """The rank of a published file."""
    match path.split("/"):
        case ["index.html"]:
            return FRONT
        case [folder, _] if folder == STORY_FOLDER:
            return STORIES
        case [folder, _, name] if folder in FEED_FOLDERS and name != "index.html":
            return ARCHIVES
        case ["feeds", name] if name.rpartition(".")[2] in FORMATS:
            return FEEDS
    return PAGES


def _headers(path: str, seconds: int) -> Headers:
    """As the daemon sends them. seconds: how long a feed may be cached."""
    suffix = path.rpartition(".")[2]
    if path == "health.atom":
        seconds = MAX_AGE
    if suffix == "html":
        return Headers("text/html; charset=utf-8", CACHE)
    return Headers(TYPES.get(suffix, "text/x-opml; charset=utf-8"), f"public, max-age={seconds}")


def read(settings: Settings, path: str) -> bytes | None:
    """The bytes of a file now; None if it was removed meanwhile."""
    try:
        return (settings.publish.directory / Path(path)).read_bytes()
    except FileNotFoundError:
        return None
