"""`export`: a copy of the published site. All its pages and feeds are files in `publish.directory`, with relative links."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from aggregator.errors import UsageError
from aggregator.model import Slug
from aggregator.ports import StoreView
from aggregator.publish.site.files import Tree
from aggregator.publish.site.ownership import SITE_ID, examine, make_owner
from aggregator.settings import Settings


class Exported(Struct, frozen=True):
    """Result of an export. written and removed: paths; kept: the number of files that were already up to date."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int


class Export:
    """Copies what is published in public."""

    def __init__(self, settings: Settings, store: StoreView) -> None:
        self._owner = make_owner(settings, store.value(SITE_ID), store.outputs().keys())
        self._published = settings.publish.directory
        self._slugs = frozenset[Slug](output.slug for output in settings.outputs if output.token is None)

    def run(self, target: Path) -> Exported:
        """Brings a directory up to date.

        Raises AggregatorError if it can't be written, UsageError if it holds others' files or if nothing is published yet.
        """
        standing = examine(self._published, self._owner, (), private=False)
        if standing.refusal is not None or standing.marker is None:
            why = standing.refusal or f"nothing is published in {self._published} yet"
            raise UsageError(f"{why}: run `aggregator poll`, or the daemon")
        source, tree = Tree(self._published), Tree(target)
        tree.claim(self._owner, self._slugs)
        written: list[str] = []
        wanted: set[str] = set()
        for path, body in self._files(source):
            wanted.add(path)
            if tree.write(path, body, lasting=False):
                written.append(path)
        removed = tree.clean(wanted)
        tree.release(self._owner, self._slugs)
        return Exported(tuple(written), removed, len(wanted) - len(written))

    def _files(self, source: Tree) -> Iterator[tuple[str, bytes]]:
        for path in sorted(source.ours(self._slugs)):
            with suppress(FileNotFoundError):  # the daemon has removed it meanwhile
                yield path, (self._published / path).read_bytes()
