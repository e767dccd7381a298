"""Whether everything published is still as the last whole publication left it: then a poll that brought nothing leaves it so."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from aggregator import __version__
from aggregator.ports import StoreView
from aggregator.settings import Settings

KEY = "publish.seal"
"""Of the stored value that `seal` gave after the last whole publication."""
HEALTH_ENTRIES = 100
"""Entries of `/health.atom`."""


def seal(settings: Settings, store: StoreView, beside: bytes) -> str | None:
    """Stands for all that the published files are made from, and for the files: no two states of these have the same.

    beside: what only the caller knows of (the content of the config, the last retention). None: a feed of what `keep` and
    `drop` threw away, or a digest, which change without a mark that could be looked at.
    """
    if any(output.rejected or output.digest is not None for output in settings.outputs):
        return None
    digest = hashlib.blake2b(beside, digest_size=16)
    config = (settings.site, settings.publish, settings.polling.min, settings.outputs)
    stored = (store.outputs(), store.events(HEALTH_ENTRIES), len(store.overrides()))
    digest.update(repr((__version__, config, stored)).encode("utf-8", "surrogatepass"))
    for root in (settings.publish.directory, settings.publish.private):
        for file, size, changed in sorted(_files(root)):
            digest.update(f"{file}\0{size} {changed}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _files(folder: Path | str) -> Iterator[tuple[str, int, int]]:
    """Path, bytes and time of the last change (ns) of each file below."""
    try:
        entries = os.scandir(folder)
    except OSError:
        return
    with entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif (facts := _facts(entry)) is not None:
                yield entry.path, facts.st_size, facts.st_mtime_ns


def _facts(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:  # gone meanwhile, or a link to nowhere
        return None
