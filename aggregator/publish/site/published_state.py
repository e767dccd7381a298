"""Detects whether anything published may have changed since the last full publication. If not, publishing is skipped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from aggregator import __version__
from aggregator.ports import StoreView
from aggregator.settings import Settings

FINGERPRINT_KEY = "publish.seal"
"""Key of the stored fingerprint of the last full publication."""
STORIES = "stories"
LAYOUT = 4
"""Grows with each release that writes other files than the one before."""
HEALTH_ENTRIES = 100
"""Entries of `/health.atom`."""


def fingerprint_published(settings: Settings, store: StoreView, beside: bytes) -> str | None:
    """A fingerprint of the published files and of everything they are made from.

    beside: further state that only the caller knows (the content of the config, the last retention). None if there is a feed
    of rejected entries or a digest, whose changes can't be detected here.
    """
    if any(output.rejected or output.digest is not None for output in settings.outputs):
        return None
    digest = hashlib.blake2b(beside, digest_size=16)
    config = (settings.site, settings.publish, settings.polling.min, settings.outputs)
    stored = (store.outputs(), store.events(HEALTH_ENTRIES), store.overrides())
    digest.update(repr((__version__, LAYOUT, config, stored)).encode("utf-8", "surrogatepass"))
    for root in (settings.publish.directory, settings.publish.private):
        for file, size, changed in sorted(_files(root)):
            digest.update(f"{file}\0{size} {changed}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _files(folder: Path | str) -> Iterator[tuple[str, int, int]]:
    """Path, size in bytes, and time of last change (ns) of each file below the folder.

    The folder of story pages counts as one: they may be tens of thousands, and whatever is written there changes its time.
    """
    try:
        entries = os.scandir(folder)
    except OSError:
        return
    with entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.name != STORIES:
                yield from _files(entry.path)
            elif (facts := _facts(entry)) is not None:
                yield entry.path, facts.st_size, facts.st_mtime_ns


def _facts(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:  # removed meanwhile, or a dangling link
        return None
