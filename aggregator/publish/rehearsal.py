"""Renders all that a database publishes, without writing a file or the database: for comparing two of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace

from aggregator.model import Instant, Slug
from aggregator.ports import ArchivePage, Store
from aggregator.publish.publisher import Publisher
from aggregator.publish.shelf import Prepared, digest
from aggregator.publish.site.files import Tree
from aggregator.publish.site.folders import Folders
from aggregator.settings import Settings

_NEW_SITE = uuid.UUID(int=0)
"""Id of the site of a database that has published nothing yet: the same in each rehearsal."""


def render_all(settings: Settings, store: Store, now: Instant) -> dict[str, str]:
    """Path → a hash of the document, for all files and all answers that the config publishes from a database."""
    folders = _MemoryFolders(settings, store)
    publisher = Publisher(settings, _rehearsed(store), mint=lambda: _NEW_SITE, folders=folders)
    publisher.publish(None, now)
    found = {
        f"{'private' if private else 'public'} file {path}": made
        for private, tree in folders.memory.items()
        for path, made in tree.files.items()
    }
    for path in publisher.shelf.paths():
        for kind, document in (("", publisher.shelf.get(path)), (" (with a token)", publisher.shelf.whole(path))):
            if document is not None:
                found[f"{path}{kind}"] = _fingerprint(document)
    return found


def _fingerprint(document: Prepared) -> str:
    """A hash of all that a reader gets."""
    made = document.make("identity")
    return digest(repr((document.digest, document.token, made.headers)).encode())


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The paths of documents that are not the same in both, or in one alone."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


class _MemoryTree(Tree):
    """A folder of which hashes are kept in memory. files: path → hash."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.files: dict[str, str] = {}

    def has(self, path: str) -> bool:
        return path in self.files

    def write(self, path: str, body: bytes, *, changed: bool = False, lasting: bool = True) -> bool:
        made = digest(body)
        is_new = self.files.get(path) != made
        self.files[path] = made
        return is_new

    def remove(self, path: str) -> bool:
        return self.files.pop(path, None) is not None

    def names(self, folder: str) -> list[str]:
        before = f"{folder.strip('/')}/" if folder else ""
        return [path[len(before) :] for path in self.files if path.startswith(before) and "/" not in path[len(before) :]]


class _MemoryFolders(Folders):
    """Both folders in memory. They are ours from the start."""

    def __init__(self, settings: Settings, store: Store) -> None:
        super().__init__(settings, store)
        self.memory = {False: _MemoryTree(), True: _MemoryTree()}
        self.trees = {**self.memory}

    @property
    def are_ours(self) -> bool:
        return True

    def claim(self, site_id: str) -> None:
        """Nobody else has them."""

    def clean(self, wanted: Mapping[bool, Collection[str]]) -> None:
        """There is nothing from before."""

    def sync(self) -> None:
        """Nothing lasts."""


def _rehearsed(store: Store) -> Store:
    return cast(Store, _Rehearsed(store))


class _Rehearsed:
    """A store whose changes are kept in memory, as far as the publisher reads them again. The rest is the store's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.changed: dict[str, str | None] = {}
        self.closed: dict[tuple[Slug, int], ArchivePage] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def begin(self) -> Generator[_RehearsedTransaction]:
        yield _RehearsedTransaction(self)

    def value(self, key: str) -> str | None:
        return self.changed[key] if key in self.changed else self._store.value(key)

    def values(self, prefix: str) -> dict[str, str]:
        found = self._store.values(prefix) | {key: value for key, value in self.changed.items() if key.startswith(prefix)}
        return {key: value for key, value in found.items() if value is not None}

    def page(self, slug: Slug, page: int) -> ArchivePage | None:
        return self.closed.get((slug, page)) or self._store.page(slug, page)

    def pages(self, slug: Slug) -> list[ArchivePage]:
        stored = {page.page: page for page in self._store.pages(slug)}
        ours = {number: replace(page, body=b"") for (of, number), page in self.closed.items() if of == slug}
        return [page for _, page in sorted((stored | ours).items())]


class _RehearsedTransaction:
    """Keeps values and archive pages. What else a publication stores (marks, deliveries) is not read again by it."""

    def __init__(self, store: _Rehearsed) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_arguments, **_named: None

    def set_value(self, key: str, value: str | None) -> None:
        self._store.changed[key] = value

    def save_page(self, page: ArchivePage) -> None:
        self._store.closed[page.slug, page.page] = page
