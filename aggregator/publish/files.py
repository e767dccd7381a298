"""The published files: whole or not at all, written only when their bytes changed, removed with what they showed."""

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
"""What may be removed again: a directory of ours can hold other people's files, too."""


class Tree:
    """One directory of published files. private: readable by the owner alone."""

    def __init__(self, root: Path, *, private: bool = False) -> None:
        self._root = root
        self._private = private
        self._renamed_in: set[Path] = set()

    def write(self, path: str, body: bytes, *, changed: bool = False, lasting: bool = True) -> bool:
        """Puts `body` at a relative path by temporary file, fsync and rename. False if it is there already.

        changed: it is known that something else is there, so the file is not read. The rename is sure to last after `sync`.
        lasting: not for what can be made again. Raises AggregatorError if the disk is full or the directory can't be written.
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
        """Makes all renames since the last call last: a directory's entries are data of their own."""
        while self._renamed_in:
            sync_folder(self._renamed_in.pop())

    def remove(self, path: str) -> bool:
        """Removes a file of ours. False if it is not there."""
        target = self._root / PurePosixPath(path)
        if not target.is_file():
            return False
        target.unlink()
        return True

    def clean(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Removes every file of ours that is not wanted, left-over temporary files and folders that are empty then."""
        removed = []
        for path in sorted(self.paths()):
            if path not in wanted and (_OURS.fullmatch(path) or path.endswith(TEMPORARY)) and self.remove(path):
                removed.append(path)
        for folder in _folders(self._root, removed):
            if not any(folder.iterdir()):
                folder.rmdir()
        return tuple(removed)

    def paths(self) -> Iterable[str]:
        """Every file below, as relative path with slashes."""
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
    """The folders of removed files, the deepest first, without the root."""
    found = {(root / path).parent for path in removed} - {root}
    return sorted((folder for folder in found if folder.is_dir()), key=lambda folder: -len(folder.parts))
