"""At start, makes files with secrets readable by their owner alone: older releases or manual copies may have left them open."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from aggregator.files import make_private, remove_leftovers
from aggregator.settings import Settings, is_on_server
from aggregator.store.backup import kept


def restrict_private_files(settings: Settings) -> None:
    """Restricts the database with its side files, backups, fetched OPML lists and private feeds; removes temporary leftovers."""
    folder = settings.storage.folder
    copies = settings.storage.backup.directory if settings.storage.backup else None
    lists = folder / "lists"
    if not is_on_server(settings.storage.database):
        make_private(folder.glob(f"{glob.escape(Path(settings.storage.database).name)}*"))
    make_private([*_tree(lists), *_tree(settings.publish.private)])
    if copies is not None:
        database = Path(settings.storage.database)
        make_private(kept(database, copies))
        if not _holds(copies, settings.publish.directory) and not _holds(copies, database):
            make_private([copies])
    for place in {folder, lists, copies or lists}:
        remove_leftovers(place)


def _tree(root: Path) -> Iterator[Path]:
    """Yields a folder and everything below it."""
    for folder, _, names in os.walk(root):
        yield Path(folder)
        yield from (Path(folder, name) for name in names)


def _holds(folder: Path, path: Path) -> bool:
    return folder.resolve() in (path.resolve(), *path.resolve().parents)
