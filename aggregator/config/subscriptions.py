"""The lists of feeds (`- opml: …`) that a config names, read from files or from what was last fetched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from aggregator.config import opml
from aggregator.config.document import Document, nodes, text_of
from aggregator.config.kinds import Refused
from aggregator.config.schema import Storage
from aggregator.config.secrets import check_url, fill, masked
from aggregator.config.surroundings import Surroundings
from aggregator.config.tree import Mapping as MapNode
from aggregator.config.tree import Node, Scalar
from aggregator.errors import Problem


class List(Struct, frozen=True):
    """One `opml:` entry. address: where it is fetched from (None: a file). told: what `check` should say of it."""

    node: Node
    address: str | None = None
    feeds: tuple[opml.Subscription, ...] = ()
    problem: Problem | None = None
    told: tuple[str, ...] = ()


def data_directory(document: Document, base: Path) -> Path:
    """The directory of the database: what is fetched and kept lies there, too."""
    storage = document.root.get("storage")
    named = text_of(storage.get("database")) if isinstance(storage, MapNode) else None
    return (base / (named or Storage.database)).parent


def read_lists(document: Document, around: Surroundings, base: Path) -> dict[int, List]:
    """Each list of the config by its position in `sources`."""
    found = {}
    for position, node in enumerate(nodes(document.root.get("sources"))):
        at = node.get("opml") if isinstance(node, MapNode) else None
        if at is not None and text_of(at):
            found[position] = _read(document, at, around, base)
    return found


def _read(document: Document, at: Node, around: Surroundings, base: Path) -> List:
    written = text_of(at) or ""
    try:
        filled = fill(written, around)
        if "://" in filled:
            check_url(filled, hidden=filled != written)
            return _fetched(document, at, filled, masked(written), around, base)
    except Refused as refused:
        return List(at, problem=document.problem(at, f"opml: {refused.said}"))
    file = base / filled
    around.files.add(file)
    try:
        raw = file.read_bytes()
    except OSError as error:
        return List(
            at, problem=document.problem(at, f"opml: {masked(written)} can't be read: {error.strerror or 'no such file'}")
        )
    return _listed(document, at, raw, masked(written))


def _fetched(document: Document, at: Node, url: str, shown: str, around: Surroundings, base: Path) -> List:
    file = opml.cached_path(data_directory(document, base), url)
    around.files.add(file)
    try:
        raw = file.read_bytes()
    except OSError:
        told = str(document.problem(at, f"opml: {shown} has not been fetched yet; its feeds come with the first fetch"))
        return List(at, url, told=(told,))
    listed = _listed(document, at, raw, shown)
    if listed.problem is not None:  # what a server answered must not stop the daemon
        return List(at, url, told=(str(listed.problem),))
    return List(at, url, listed.feeds, None, listed.told)


def _listed(document: Document, at: Node, raw: bytes, shown: str) -> List:
    content = opml.read(raw)
    if isinstance(content, opml.Unreadable):
        return List(at, problem=document.problem(at, f"opml: {shown} is no list of feeds: {content.reason}"))
    told = tuple(str(document.problem(at, f"opml: {shown}: {reason}")) for reason in content.refused)
    return List(at, None, content.feeds, None, told)


def listed(document: Document, lists: Mapping[int, List]) -> list[tuple[str | None, str]]:
    """(id or None, address as written) of every source: those of the file in its order, then those of lists, each address once.

    What ids are made from (`ids.assign`), so that checks and settings come to the same ones.
    """
    own: list[tuple[str | None, str]] = []
    for position, node in enumerate(nodes(document.root.get("sources"))):
        if isinstance(node, Scalar):
            own.append((None, node.text))
        elif isinstance(node, MapNode) and position not in lists:
            own.append((text_of(node.get("id")), text_of(node.get("url")) or ""))
    return own + [(None, feed.url) for _, feed in included(document, lists)]


def included(document: Document, lists: Mapping[int, List]) -> list[tuple[int, opml.Subscription]]:
    """The feeds of lists that the file does not name itself, with the position of their list."""
    if not lists:
        return []
    seen = {node.text for node in nodes(document.root.get("sources")) if isinstance(node, Scalar)}
    seen |= {text_of(node.get("url")) or "" for node in nodes(document.root.get("sources")) if isinstance(node, MapNode)}
    found = []
    for position, one in lists.items():
        for feed in one.feeds:
            if feed.url not in seen:
                seen.add(feed.url)
                found.append((position, feed))
    return found


def addresses(lists: Mapping[int, List]) -> tuple[str, ...]:
    """The addresses that must be fetched."""
    return tuple(one.address for one in lists.values() if one.address is not None)
