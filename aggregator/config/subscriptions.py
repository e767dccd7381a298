"""The lists of feeds (`- opml: …`) that a config names, read from files or from what was last fetched."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from aggregator.config import opml
from aggregator.config.database import folder_of
from aggregator.config.document import Document, nodes, text_of
from aggregator.config.kinds import Refused
from aggregator.config.secrets import check_url, fill, masked
from aggregator.config.surroundings import Surroundings
from aggregator.config.tree import Mapping as MapNode
from aggregator.config.tree import Node, Scalar
from aggregator.errors import Problem
from aggregator.text.masks import mask_url

MAX_INCLUDED = 20
"""Lists that a list may include, those of included ones counted: somebody else says which, and each is asked for daily."""
MAX_DEPTH = 3
"""Lists within one another, beside the one that the config names."""


class List(Struct, frozen=True):
    """One `opml:` entry. addresses: what must be fetched for it: itself, and what it includes. told: what `check` says of it."""

    node: Node
    addresses: tuple[str, ...] = ()
    feeds: tuple[opml.Subscription, ...] = ()
    problem: Problem | None = None
    told: tuple[str, ...] = ()


def data_directory(document: Document, base: Path) -> Path:
    """The directory of the database: what is fetched and kept lies there, too."""
    sections = document.root.get("storage"), document.root.get("publish")
    database, private = (
        text_of(section.get(key)) if isinstance(section, MapNode) else None
        for section, key in zip(sections, ("database", "private"), strict=True)
    )
    return folder_of(database, private, base)


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
    return _listed(document, at, raw, masked(written), around, base)


def _fetched(document: Document, at: Node, url: str, shown: str, around: Surroundings, base: Path) -> List:
    raw = _kept(document, url, around, base)
    if raw is None:
        told = str(document.problem(at, f"opml: {shown} has not been fetched yet; its feeds come with the first fetch"))
        return List(at, (url,), told=(told,))
    listed = _listed(document, at, raw, shown, around, base, url)
    if listed.problem is not None:  # what a server answered must not stop the daemon
        return List(at, (url,), told=(str(listed.problem),))
    return replace(listed, addresses=(url, *listed.addresses))


def _kept(document: Document, url: str, around: Surroundings, base: Path) -> bytes | None:
    """What was last fetched from an address. A change of its file causes a reload."""
    file = opml.cached_path(data_directory(document, base), url)
    around.files.add(file)
    try:
        return file.read_bytes()
    except OSError:
        return None


def _listed(
    document: Document, at: Node, raw: bytes, shown: str, around: Surroundings, base: Path, url: str | None = None
) -> List:
    content = opml.read(raw, url)
    if isinstance(content, opml.Unreadable):
        return List(at, problem=document.problem(at, f"opml: {shown} is no list of feeds: {content.reason}"))
    whole = follow_includes(content, url, lambda address: _kept(document, address, around, base))
    told = tuple(str(document.problem(at, f"opml: {shown}: {reason}")) for reason in whole.told)
    return List(at, whole.addresses, whole.feeds, None, told)


class Followed(Struct, frozen=True):
    """The feeds of a list with those of what it includes. addresses: of the included lists, whether they were read or not."""

    feeds: tuple[opml.Subscription, ...]
    addresses: tuple[str, ...]
    told: tuple[str, ...]


def follow_includes(content: opml.Subscriptions, url: str | None, kept: Callable[[str], bytes | None]) -> Followed:
    """Reads what a list includes, level by level, each address once. kept: what was last fetched from an address, or None."""
    feeds, told = list(content.feeds), list(content.refused)
    waiting = deque((include, 1) for include in content.includes)
    seen: dict[str, None] = {} if url is None else {url: None}
    own, left = len(seen), 0
    while waiting:
        include, depth = waiting.popleft()
        if include.url in seen:
            continue
        if depth > MAX_DEPTH or len(seen) - own >= MAX_INCLUDED:
            left += 1
            continue
        seen[include.url] = None
        inner = _included_list(include, kept)
        if isinstance(inner, str):
            told.append(f"{mask_url(include.url)}, which it includes, {inner}")
            continue
        feeds += [feed if feed.group else replace(feed, group=include.group) for feed in inner.feeds]
        told += [f"{mask_url(include.url)}: {reason}" for reason in inner.refused]
        waiting.extend((further, depth + 1) for further in inner.includes)
    if left:
        told.append(f"{left} of the lists that it includes left out: at most {MAX_INCLUDED} are read, {MAX_DEPTH} deep")
    return Followed(tuple(feeds[: opml.MAX_FEEDS]), tuple(seen)[own:], tuple(told))


def _included_list(include: opml.Include, kept: Callable[[str], bytes | None]) -> opml.Subscriptions | str:
    """The included list, or why it can't be read."""
    raw = kept(include.url)
    if raw is None:
        return "has not been fetched yet; its feeds come with the first fetch"
    content = opml.read(raw, include.url)
    return f"is no list of feeds: {content.reason}" if isinstance(content, opml.Unreadable) else content


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
    return tuple(dict.fromkeys(address for one in lists.values() for address in one.addresses))
