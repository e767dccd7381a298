"""The published files. Each is replaced atomically, written only if its bytes changed, and removed with its feed or page."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

import msgspec

from aggregator.errors import AggregatorError, UsageError
from aggregator.files import PRIVATE_FILE, TEMPORARY, make_folder, make_private_folder, replace_file, sync_folder
from aggregator.publish.site.ownership import ABOUT, MARKER, Marker, Owner, examine
from aggregator.publish.site.paths import folders_of, is_published_file

_UNFINISHED = re.compile(rf"\.[0-9a-f]{{16}}{re.escape(TEMPORARY)}")


class Tree:
    """One directory of published files. private: readable by the owner alone. feeds: slugs whose files in it are ours."""

    def __init__(self, root: Path, *, private: bool = False) -> None:
        self._root = root
        self._private = private
        self._renamed_in: set[Path] = set()
        self._feeds: frozenset[str] = frozenset()
        self._marker: bytes | None = None

    def claim(self, owner: Owner, slugs: Collection[str]) -> None:
        """Makes the directory ours to write: lays the marker there, or checks that it is ours.

        slugs: the feeds that are to be published in it. Raises UsageError if it is somebody else's; nothing is changed then.
        """
        standing = examine(self._root, owner, slugs, private=self._private)
        if standing.refusal is not None:
            raise UsageError(standing.refusal)
        self._feeds = standing.feeds | frozenset(slugs)
        self._mark(owner, self._feeds, standing.marker)

    def release(self, owner: Owner, slugs: Collection[str]) -> None:
        """Notes in the marker that only these feeds are left, after `clean` has removed what others had."""
        old = Marker(ABOUT, owner.site, owner.place(self._root), self._private, tuple(sorted(self._feeds)))
        self._feeds = frozenset(slugs)
        self._mark(owner, self._feeds, old)

    def _mark(self, owner: Owner, feeds: Collection[str], old: Marker | None) -> None:
        marker = Marker(ABOUT, owner.site, owner.place(self._root), self._private, tuple(sorted(feeds)))
        body = msgspec.json.format(msgspec.json.encode(marker)) + b"\n"
        if marker != old:
            self.write(MARKER, body)
        self._marker = body

    @property
    def has_feeds(self) -> bool:
        """Whether feeds are published in it."""
        return bool(self._feeds)

    @property
    def is_claimed(self) -> bool:
        """Whether the directory has a marker."""
        return os.path.lexists(self._root / MARKER)

    def has(self, path: str) -> bool:
        """Whether there is a file at this path."""
        return (self._root / PurePosixPath(path)).is_file()

    def write(self, path: str, body: bytes, *, changed: bool = False, lasting: bool = True) -> bool:
        """Writes `body` to a relative path by temporary file, fsync, and rename. False if the file already has these bytes.

        changed: the file is known to differ, so it is not compared. lasting: False skips fsync, for files that can be made
        again; otherwise the rename is durable after `sync`. Raises AggregatorError if the file can't be written.
        """
        target = self._root / PurePosixPath(path)
        try:
            self._make_folder(target.parent)
            if not changed and _same(target, body):
                return False
            replace_file(target, body, PRIVATE_FILE if self._private else 0o644, lasting=lasting, later=True)
        except OSError as error:
            raise AggregatorError(f"can't write {target}: {error.strerror or error}") from error
        if lasting:
            self._renamed_in.add(target.parent)
        return True

    def _make_folder(self, folder: Path) -> None:
        """Makes a folder below the root, or refuses one that is reached by a symbolic link: it may lead anywhere."""
        for part in (folder, *folder.parents):
            if part == self._root:
                break
            if part.is_symlink():
                raise AggregatorError(f"{part} is a symbolic link, which is not followed: make it a folder")
        if folder.is_dir():
            return
        was_removed = self._marker is not None and not self._root.is_dir()
        if self._private:
            make_private_folder(folder, below=self._root)
        else:
            make_folder(folder, 0o755)
        if was_removed:  # by somebody, while files are written: what stands here from now on is still ours
            self.write(MARKER, self._marker or b"")

    def sync(self) -> None:
        """Makes all renames since the last call durable by syncing their directories."""
        while self._renamed_in:
            sync_folder(self._renamed_in.pop())

    def remove(self, path: str) -> bool:
        """Removes a file. False if it does not exist."""
        target = self._root / PurePosixPath(path)
        if not target.is_file():
            return False
        target.unlink()
        return True

    def clean(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Removes our files that are not wanted, left-over temporary files, and folders that become empty. Returns the files."""
        removed = []
        for path in sorted((*self.ours(self._feeds), *self._unfinished())):
            if path not in wanted and self.remove(path):
                removed.append(path)
        for folder in sorted({str(PurePosixPath(path).parent) for path in removed} - {"."}, key=len, reverse=True):
            if not any((self._root / folder).iterdir()):
                (self._root / folder).rmdir()
        return tuple(removed)

    def ours(self, feeds: Collection[str]) -> Iterator[str]:
        """The paths of our files, those of these feeds alone. Folders of others are not looked into, links not followed."""
        return (path for path in self._paths(feeds) if is_published_file(path, feeds))

    def _unfinished(self) -> Iterator[str]:
        return (path for path in self._paths(self._feeds) if _UNFINISHED.fullmatch(PurePosixPath(path).name))

    def _paths(self, feeds: Collection[str]) -> Iterator[str]:
        for folder in ("", *(f"{one}/" for one in folders_of(feeds))):
            yield from (folder + name for name in self.names(folder))

    def names(self, folder: str) -> list[str]:
        """The names in a folder below the root; none if it does not exist or is reached by a link."""
        if folder and any(part.is_symlink() for part in self._parts(folder)):
            return []
        try:
            return [path.name for path in (self._root / folder).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _parts(self, folder: str) -> Iterator[Path]:
        path = self._root
        for name in folder.strip("/").split("/"):
            path = path / name
            yield path


def _same(target: Path, body: bytes) -> bool:
    try:
        return target.stat().st_size == len(body) and target.read_bytes() == body
    except FileNotFoundError:
        return False
