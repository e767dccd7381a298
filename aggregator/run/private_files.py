"""At start, makes files with secrets readable by their owner alone: older releases or manual copies may have left them open."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from aggregator.files import make_private, remove_leftovers
from aggregator.settings import Settings
from aggregator.store.backup import kept


def restrict_private_files(settings: Settings) -> None:
    """Restricts the database with its side files, backups, fetched OPML lists and private feeds; removes temporary leftovers."""
    database = Path(settings.storage.database)
    copies = settings.storage.backup.directory if settings.storage.backup else None
    lists = database.parent / "lists"
    make_private(database.parent.glob(f"{glob.escape(database.name)}*"))
    make_private([*_tree(lists), *_tree(settings.publish.private)])
    if copies is not None:
        make_private(kept(database, copies))
        if not _holds(copies, settings.publish.directory) and not _holds(copies, database):
            make_private([copies])
    for folder in {database.parent, lists, copies or lists}:
        remove_leftovers(folder)


def _tree(root: Path) -> Iterator[Path]:
    """Yields a folder and everything below it."""
    for folder, _, names in os.walk(root):
        yield Path(folder)
        yield from (Path(folder, name) for name in names)


def _holds(folder: Path, path: Path) -> bool:
    return folder.resolve() in (path.resolve(), *path.resolve().parents)
