"""The published files. Each is replaced atomically, written only if its bytes changed, and removed with its feed or page."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from aggregator.errors import AggregatorError
from aggregator.files import PRIVATE_FILE, TEMPORARY, make_private_folder, replace_file, sync_folder

_OURS = re.compile(
    r"feeds/[^/]+(?:/[0-9]+)?\.(?:atom|rss|json)|topics/[^/]+\.html|stories/[^/]+\.html|health\.atom|opml\.xml|index\.html"
)
"""Paths that we write and may remove. The directory may also hold other files, which stay."""


class Tree:
    """One directory of published files. private: readable by the owner alone."""

    def __init__(self, root: Path, *, private: bool = False) -> None:
        self._root = root
        self._private = private
        self._renamed_in: set[Path] = set()

    def write(self, path: str, body: bytes, *, changed: bool = False, lasting: bool = True) -> bool:
        """Writes `body` to a relative path by temporary file, fsync, and rename. False if the file already has these bytes.

        changed: the file is known to differ, so it is not compared. lasting: False skips fsync, for files that can be made
        again; otherwise the rename is durable after `sync`. Raises AggregatorError if the file can't be written.
        """
        target = self._root / PurePosixPath(path)
        try:
            if not changed and _same(target, body):
                return False
            self._make_folder(target.parent)
            replace_file(target, body, PRIVATE_FILE if self._private else 0o644, lasting=lasting, later=True)
        except OSError as error:
            raise AggregatorError(f"can't write {target}: {error.strerror or error}") from error
        if lasting:
            self._renamed_in.add(target.parent)
        return True

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        if self._private:
            make_private_folder(folder, below=self._root)
        else:
            folder.mkdir(parents=True, exist_ok=True, mode=0o755)

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
        for path in sorted(self.paths()):
            if path not in wanted and (_OURS.fullmatch(path) or path.endswith(TEMPORARY)) and self.remove(path):
                removed.append(path)
        for folder in _folders(self._root, removed):
            if not any(folder.iterdir()):
                folder.rmdir()
        return tuple(removed)

    def paths(self) -> Iterable[str]:
        """The path of every file below the root, relative and with slashes."""
        for folder, _, names in os.walk(self._root):
            inside = Path(folder).relative_to(self._root).as_posix()
            before = "" if inside == "." else inside + "/"
            for name in names:
                yield before + name


def _same(target: Path, body: bytes) -> bool:
    try:
        return target.stat().st_size == len(body) and target.read_bytes() == body
    except FileNotFoundError:
        return False


def _folders(root: Path, removed: Iterable[str]) -> list[Path]:
    """The folders of removed files, deepest first, without the root."""
    found = {(root / path).parent for path in removed} - {root}
    return sorted((folder for folder in found if folder.is_dir()), key=lambda folder: -len(folder.parts))
