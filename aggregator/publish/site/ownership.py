"""Which folders we publish into: new and empty ones, those with our marker, and those that a release without markers filled.

The marker names the feeds whose files in the folder are ours. All other files are somebody else's and stay.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from aggregator.errors import ConfigError, Problem
from aggregator.model import Slug
from aggregator.publish.formats.head import feed_id
from aggregator.publish.site.paths import FOLDERS, SITE_FILES, first_files_of, folders_of
from aggregator.settings import Output, Settings, is_on_server
from aggregator.text.masks import mask_url

SITE_ID = "publish.site"
"""Key of the stored UUID that makes the ids of this database's feeds globally unique."""
MARKER = ".aggregator-site"
"""Name of the marker file."""
ABOUT = (
    f"aggregator publishes into this folder: it replaces and removes {', '.join(SITE_FILES)}, and what the feeds below "
    f"have in {'/, '.join(FOLDERS[:-1])}/ and {FOLDERS[-1]}/. Other files stay."
)
HOST_FILES = frozenset({".git", ".gitignore", ".gitkeep", ".nojekyll", "CNAME", "lost+found", ".DS_Store"})
"""What an empty folder may hold: a checkout for GitHub Pages, the root of a file system, what keeps a folder in Git."""
HEALTH = Slug("health")
_LISTED = 3
"""Names in a refusal."""
_HEAD_BYTES = 65_536
"""Bytes of a feed in which its id stands."""
_FEED_ID = re.compile(rb"<id>(urn:uuid:[0-9a-f-]{36})</id>")
_SLUG = re.compile(r"[a-z0-9](?:[._-]?[a-z0-9_-])*")
_OUR_PAGE = b'<header class="site">'
"""Stands in every web page that any release has written."""


class Owner(Struct, frozen=True):
    """Who publishes. site: a digest of the database's UUID, empty before the first publication; database: its path.

    feeds: slug → `atom:id` of the feeds that are or were published.
    """

    site: str
    database: str
    feeds: Mapping[Slug, str]

    def place(self, root: Path) -> str:
        """A digest of the machine and of where the database lies, seen from a folder.

        With it, a new database in place of a lost one owns what that one published.
        """
        if is_on_server(self.database):  # the same from every machine, whatever the password is
            return hashlib.blake2b(mask_url(self.database).encode(), digest_size=16).hexdigest()
        way = os.path.relpath(os.path.realpath(self.database), os.path.realpath(root))
        return hashlib.blake2b(os.fsencode(f"{socket.gethostname()}\0{way}"), digest_size=16).hexdigest()


class Marker(Struct, frozen=True):
    """The content of the marker file. private: whether the folder holds feeds with a token."""

    about: str
    site: str
    place: str
    private: bool
    feeds: tuple[str, ...]


class Standing(Struct, frozen=True):
    """Whether a folder may be published into. refusal: why not, else None. feeds: those whose files in it are ours."""

    refusal: str | None = None
    feeds: frozenset[str] = frozenset()
    marker: Marker | None = None


def make_owner(settings: Settings, site_id: str | None, known: Collection[Slug]) -> Owner:
    """The owner by config and database. site_id: the database's UUID, None if it has none yet; known: slugs of its feeds."""
    if site_id is None:
        return Owner("", settings.storage.database, {})
    outputs = {slug: Output(slug, slug) for slug in (*known, HEALTH)}
    outputs |= {output.slug: output for output in settings.outputs}
    feeds = {slug: feed_id(site_id, output) for slug, output in outputs.items()}
    return Owner(str(uuid.uuid5(uuid.UUID(site_id), MARKER)), settings.storage.database, feeds)


def examine(root: Path, owner: Owner, slugs: Collection[str], *, private: bool) -> Standing:
    """Decides whether `root` may be published into, without changing anything. slugs: of the feeds to be published there."""
    try:
        standing = _examine(root, owner, private=private)
        if standing.refusal is None and (why := _obstacle(root, set(slugs) - standing.feeds, slugs)):
            return Standing(why)
    except OSError as error:
        return Standing(f"{error.filename or root} can't be read: {error.strerror or error}")
    return standing


def check_folders(settings: Settings, owner: Owner) -> None:
    """Raises ConfigError if the folders of a config can't be published into. Changes nothing."""
    problems = []
    for key, root, private in (
        ("publish.directory", settings.publish.directory, False),
        ("publish.private", settings.publish.private, True),
    ):
        slugs = [output.slug for output in settings.outputs if (output.token is not None) is private]
        standing = examine(root, owner, slugs, private=private) if slugs or not private else Standing()
        if standing.refusal is not None:
            problems.append(Problem(str(settings.file), 0, 0, f"{key}: {standing.refusal}"))
    if problems:
        raise ConfigError(problems)


def _examine(root: Path, owner: Owner, *, private: bool) -> Standing:
    if not os.path.lexists(root):
        return Standing()
    if not root.is_dir():
        return Standing(f"{root} is not a folder")
    marker = _read_marker(root / MARKER)
    if isinstance(marker, str):
        return Standing(marker)
    if marker is not None:
        return _of_marker(root, marker, owner, private=private)
    others = sorted({path.name for path in root.iterdir()} - HOST_FILES)
    if not others or (feeds := _feeds_before_markers(root, owner)) is None:
        return _refuse_foreign(root, others) if others else Standing()
    return Standing(feeds=feeds)


def _refuse_foreign(root: Path, names: list[str]) -> Standing:
    shown = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    return Standing(f"{root} holds what we did not write ({shown}): choose a folder that is empty or does not exist yet")


def _read_marker(path: Path) -> Marker | str | None:
    """The marker, None if there is none, or why it is none of ours."""
    if not os.path.lexists(path):
        return None
    if path.is_symlink() or not path.is_file():
        return f"{path} is not a file"
    try:
        marker = msgspec.json.decode(path.read_bytes(), type=Marker)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        marker = None
    if marker is None or not all(map(_SLUG.fullmatch, marker.feeds)):
        return f"{path} is damaged: remove it, or choose another folder"
    return marker


def _of_marker(root: Path, marker: Marker, owner: Owner, *, private: bool) -> Standing:
    if marker.private is not private:
        kind = "feeds with a token" if marker.private else "the public site"
        return Standing(f"{root} holds {kind}: choose another folder")
    if marker.site != owner.site and marker.place != owner.place(root):
        return Standing(
            f"{root} is published from another database: choose another folder, or remove this one if that database is gone"
        )
    return Standing(feeds=frozenset(marker.feeds), marker=marker)


def _feeds_before_markers(root: Path, owner: Owner) -> frozenset[str] | None:
    """The feeds that a release without markers published from this database; None if something else lies at our names."""
    found = frozenset(slug for slug, id in owner.feeds.items() if id in _ids_of(root / "feeds", slug))
    pages = [root / "index.html", *(root / "topics" / f"{slug}.html" for slug in found)]
    health = root / "health.atom"
    is_health_ours = health.is_file() and _feed_id_in(health) == owner.feeds.get(HEALTH)
    if (health.is_file() and not is_health_ours) or not all(_OUR_PAGE in page.read_bytes() for page in pages if page.is_file()):
        return None
    return found if found or is_health_ours else None


def _ids_of(folder: Path, slug: Slug) -> set[str | None]:
    """The ids that a feed and its first archive page have: a process that was killed may have left one without the other."""
    return {_feed_id_in(folder / f"{slug}.atom"), _feed_id_in(folder / slug / "1.atom")}


def _feed_id_in(path: Path) -> str | None:
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as stream:
        matched = _FEED_ID.search(stream.read(_HEAD_BYTES))
    return matched[1].decode() if matched else None


def _obstacle(root: Path, new: Collection[str], slugs: Collection[str]) -> str | None:
    """What lies where we would write: links, and files at the names of feeds that we did not publish here before."""
    for folder in folders_of(slugs):
        if (root / folder).is_symlink():
            return f"{root / folder} is a symbolic link, which is not followed: make it a folder"
    for slug in sorted(new):
        for path in first_files_of(slug):
            if os.path.lexists(root / path):
                return f"{root / path} is not ours, and the feed {slug} would replace it: move it away, or choose another slug"
    return None
