"""Keys that need an optional extra: what to install where it is missing. Nothing of an extra is imported for that."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from aggregator.config.database import is_filled_in
from aggregator.config.document import Document, nodes, pairs, text_of
from aggregator.config.object_stores import MISSING
from aggregator.config.tree import Mapping as MapNode
from aggregator.config.tree import Node, Scalar
from aggregator.errors import Problem
from aggregator.settings import is_in_object_store


def check_extras(document: Document) -> Iterator[Problem]:
    """`full_text: true` without trafilatura, at each place that says it; a server or object store without its library."""
    if find_spec("trafilatura") is None:
        yield from _check_full_text(document)
    storage = document.root.get("storage")
    database = storage.get("database") if isinstance(storage, MapNode) else None
    if database is not None and is_filled_in(text_of(database) or ""):
        yield from _check_database(document, database)
    publish = document.root.get("publish")
    directory = publish.get("directory") if isinstance(publish, MapNode) else None
    if directory is not None and is_in_object_store(text_of(directory) or "") and find_spec("obstore") is None:
        yield document.problem(directory, f"publish.directory: {MISSING}")


def _check_database(document: Document, database: Node) -> Iterator[Problem]:
    install = "`pip install 'aggregator[postgres]'` or `pipx inject aggregator 'psycopg[binary]' procrastinate`"
    for package, does in (("psycopg", "speaks to PostgreSQL"), ("procrastinate", "keeps the jobs of several nodes there")):
        if find_spec(package) is None:
            yield document.problem(database, f"storage.database: {package} is not installed, which {does}: {install}")
            return


def _check_full_text(document: Document) -> Iterator[Problem]:
    for node in _inherited(document.root):
        said = node.get("full_text") if isinstance(node, MapNode) else None
        if isinstance(said, Scalar) and said.value is True:
            install = "`pip install 'aggregator[fulltext]'` or `pipx inject aggregator trafilatura`"
            yield document.problem(said, f"full_text: trafilatura is not installed, which finds the article in a page: {install}")


def _inherited(root: MapNode) -> Iterator[Node | None]:
    """What says something of sources: each source, each group, and the defaults."""
    yield from nodes(root.get("sources"))
    yield from (group for _, _, group in pairs(root.get("groups")))
    yield root.get("defaults")
