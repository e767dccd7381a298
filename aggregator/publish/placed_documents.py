"""Documents that are published: on the shelf, from which they are served, and as files."""

from __future__ import annotations

from collections.abc import Mapping

from aggregator.publish.pages import pages
from aggregator.publish.shelf import Prepared, Shelf
from aggregator.publish.site.files import Tree


class PlacedDocuments:
    """Puts documents on a shelf and into the trees (whether private → folder), each if it has changed."""

    def __init__(self, shelf: Shelf, trees: Mapping[bool, Tree]) -> None:
        self._shelf, self._trees = shelf, trees
        self._filed: set[str] = set()
        self._unfiled: dict[str, tuple[Prepared, bool]] = {}

    def put(self, path: str, document: Prepared) -> None:
        """Writes the file, then serves the document. Does nothing if the document is unchanged.

        Where it is seen only by `Shelf.show`, the file waits for `file_rest`: a disk that is slow or full holds up no other node.
        """
        shown = self._shelf.get(path)
        is_filed = path in self._filed  # by this publisher: another one may have written to another folder
        if shown is not None and shown.is_as(document) and is_filed:
            return
        known = shown is not None and shown.token == document.token and is_filed  # the file has the old document
        if self._shelf.is_seen_at_once:
            self._file(path, document, known)
        else:
            self._unfiled[path] = document, known
        self._shelf.put(path, document)

    def file_rest(self) -> None:
        """Writes the files that were not written by `put`. What can't be written is tried again by the next call."""
        while self._unfiled:
            path, (document, known) = next(iter(self._unfiled.items()))
            self._file(path, document, known)
            del self._unfiled[path]

    def _file(self, path: str, document: Prepared, known: bool) -> None:
        body = pages.as_file(document.body) if document.type.startswith("text/html") else document.body
        self._trees[document.token is not None].write(path[1:], body, changed=known)
        self._filed.add(path)

    def forget_files(self) -> None:
        """Takes no file for written any more."""
        self._filed.clear()
