"""What several keys of a config say together: names given twice, references, limits.

Works on the tree, so that a mistake in one key does not hide those of others.
"""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from ipaddress import IPv6Address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aggregator.config.channels import check_channels
from aggregator.config.database import folder_of, is_filled_in
from aggregator.config.document import Document, nodes, pairs, text_of
from aggregator.config.extras import check_extras
from aggregator.config.hooks import check_hooks
from aggregator.config.keys import FIRST_SOURCE, may_be_null
from aggregator.config.kinds import Refused
from aggregator.config.queries import check_queries
from aggregator.config.schema import PLAIN, Dedup, Polling, Publish, Storage
from aggregator.config.subscriptions import List
from aggregator.config.tree import Mapping as MapNode
from aggregator.config.tree import Node, Scalar
from aggregator.config.values import duration, in_words
from aggregator.errors import Problem
from aggregator.ports import QueryChecker
from aggregator.settings import OUTLETS, WEIGHT, Backup

KNOWN_DOMAIN = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,}")
"""An outlet's name that is its domain."""
RESERVED = frozenset(
    {
        "all",
        "health",
        "hub",
        "opml",
        "index",
        "feeds",
        "topics",
        "stories",
        "healthz",
        "readyz",
        "metrics",
        "search",
        "status",
        "static",
    }
)
"""Slugs that addresses of the site have already."""


def check_all(document: Document, lists: Mapping[int, List], check_query: QueryChecker, path: Path) -> list[Problem]:
    """Every problem that is not one of a single value."""
    return [
        *(one.problem for one in lists.values() if one.problem is not None),
        *check_nulls(document),
        *check_ids(document),
        *check_slugs(document),
        *check_rejected(document),
        *check_thresholds(document),
        *check_channels(document),
        *check_limits(document),
        *check_groups(document),
        *check_outlets(document),
        *check_hooks(document, path.parent),
        *check_address(document),
        *check_directories(document, path),
        *check_extras(document),
        *check_queries(document, lists, check_query, path.parent),
    ]


def check_nulls(document: Document) -> Iterator[Problem]:
    """Keys without a value: `id:` alone is a slip, not a wish."""
    stack: list[tuple[tuple[str, ...], Node]] = [((), document.root)]
    while stack:
        path, node = stack.pop()
        for item in nodes(node):
            if not isinstance(item, Scalar):
                stack.append((path, item))
        for key, _, value in pairs(node):
            if not isinstance(value, Scalar):
                stack.append(((*path, key), value))
            elif value.value is None and not may_be_null((*path, key)):
                if (*path, key) == ("sources",):
                    yield document.problem(value, f"`sources:` has no feeds; {FIRST_SOURCE}")
                    continue
                example = ', for example "${FEED_TOKEN}" with that variable set' if key == "token" else ""
                yield document.problem(value, f"`{key}` has no value; write one{example}, or remove the key")


def check_ids(document: Document) -> Iterator[Problem]:
    """Ids of sources, unique whatever the case of their letters."""
    at = (node.get("id") for node in nodes(document.root.get("sources")) if isinstance(node, MapNode))
    yield from _twice(document, "id", at)


def check_slugs(document: Document) -> Iterator[Problem]:
    """Slugs: not reserved, unique among topics and among outputs; an output may take a topic's to reshape its feed."""
    topics = {}
    for section in ("topics", "outputs"):
        items = [node for node in nodes(document.root.get(section)) if isinstance(node, MapNode)]
        at = [node.get("slug") for node in items]
        yield from _twice(document, "slug", at)
        for node, slug in zip(items, at, strict=True):
            name = (text_of(slug) or "").lower()
            if name in RESERVED and slug is not None:
                yield document.problem(slug, f"slug: `{name}` is reserved (taken by the site itself); choose another")
            if section == "topics":
                topics[name] = node
            elif name in topics and (query := node.get("query")) is not None:
                message = (
                    "query: this output has the slug of a topic and shows its stories; remove the query, or choose another slug"
                )
                yield document.problem(query, message)


def _twice(document: Document, what: str, at: Iterable[Node | None]) -> Iterator[Problem]:
    first: dict[str, Node] = {}
    for node in at:
        name = text_of(node)
        if node is None or not name:
            continue
        if name.lower() in first:
            yield document.problem(
                node, f"duplicate {what}: `{name[:60]}` is given already in line {first[name.lower()].line}; it must be unique"
            )
        else:
            first[name.lower()] = node


def check_rejected(document: Document) -> Iterator[Problem]:
    """A feed of what was thrown away has entries, not stories: nothing to rank them by."""
    for node in nodes(document.root.get("outputs")):
        rejected = node.get("rejected") if isinstance(node, MapNode) else None
        if not (isinstance(node, MapNode) and isinstance(rejected, Scalar) and rejected.value is True):
            continue
        for key in ("sort", "per_thread", "per_outlet"):
            if (given := node.get(key)) is not None and (key != "sort" or text_of(given) in (OUTLETS, WEIGHT)):
                what = f"`{text_of(given)}`" if key == "sort" else "this"
                yield document.problem(given, f"{key}: {what} ranks stories; what `keep` and `drop` threw away are none")


def check_thresholds(document: Document) -> Iterator[Problem]:
    """A threshold holds something back: there must be something to hold back."""
    for node in nodes(document.root.get("outputs")):
        given = node.get("when") if isinstance(node, MapNode) else None
        if isinstance(node, MapNode) and given is not None and node.get("webhook") is None:
            said = "when: it says when a `webhook` is told, and this output has none; a channel has a `when` of its own"
            yield document.problem(given, said)


def check_limits(document: Document) -> Iterator[Problem]:
    """Pairs of durations of which one must not exceed the other."""
    for section, low, high, first, second in (
        ("polling", "min", "max", Polling.min, Polling.max),
        ("dedup", "within", "at_most", Dedup.within, Dedup.at_most),
    ):
        given = document.root.get(section)
        if not isinstance(given, MapNode):
            continue
        lower, upper = _seconds(given.get(low), first), _seconds(given.get(high), second)
        if lower is not None and upper is not None and lower > upper:
            both = f"{section}.{low} ({in_words(lower)}) is longer than {section}.{high} ({in_words(upper)})"
            yield document.problem(given.get(low) or given.get(high) or given, f"{both}; lower {low} or raise {high}")


def _seconds(node: Node | None, default: float) -> float | None:
    """The duration at a node; None where it is no duration (which is told elsewhere)."""
    if node is None:
        return default
    try:
        return duration(node.value) if isinstance(node, Scalar) else None
    except Refused:
        return None


def check_groups(document: Document) -> Iterator[Problem]:
    """A group that is nearly one of `groups` is a misspelling; others need no entry there."""
    known = dict.fromkeys(key for key, _, _ in pairs(document.root.get("groups")))
    meant = cache(partial(_meant, known))  # many sources have one group
    at = [document.root.get("defaults"), *nodes(document.root.get("sources"))]
    for node in at:
        given = node.get("group") if isinstance(node, MapNode) else None
        name = text_of(given)
        if given is None or not name or name in known:
            continue
        if right := meant(name):
            yield document.problem(given, f"group: `{name[:60]}` is not in `groups`; did you mean `{right}`?")


def _meant(known: Iterable[str], name: str) -> str | None:
    """The group that is probably meant by a name."""
    near = difflib.get_close_matches(name.lower(), {one.lower(): one for one in known}, n=1, cutoff=0.85)
    return next((one for one in known if one.lower() == near[0]), None) if near else None


def check_outlets(document: Document) -> Iterator[Problem]:
    """Domains of outlets: each belongs to one; an outlet without any has a domain as its name."""
    first: dict[str, tuple[str, int]] = {}
    for name, key, value in pairs(document.root.get("outlets")):
        given = value.get("domains") if isinstance(value, MapNode) else value
        listed = list(nodes(given))
        strange = isinstance(given, Scalar) or {one for one, _, _ in pairs(value)} - {"domains", "platform"}  # told elsewhere
        if not (listed or strange or KNOWN_DOMAIN.fullmatch(name)):
            example = f"write for example `{name[:40]}: [bbc.co.uk, bbc.com]`"
            yield document.problem(key, f"outlets: `{name[:60]}` has no domains; {example}")
        for node in listed:
            domain = (text_of(node) or "").lower()
            if domain in first and first[domain][0] != name:
                other, line = first[domain]
                yield document.problem(node, f"outlets: `{domain[:60]}` belongs to `{other[:60]}` already, in line {line}")
            first.setdefault(domain, (name, node.line))


def check_address(document: Document) -> Iterator[Problem]:
    """A server that listens on every address has none that readers could use, so `site.url` must give it."""
    site, server = document.root.get("site"), document.root.get("server")
    host = server.get("host") if isinstance(server, MapNode) else None
    url = site.get("url") if isinstance(site, MapNode) else None
    port = server.get("port") if isinstance(server, MapNode) else None
    shown = port.value if isinstance(port, Scalar) and isinstance(port.value, int) else PLAIN.server.port
    example = f'`site: {{url: "http://192.168.1.20:{shown}"}}`, with the address of this machine or its name'
    if host is not None and url is None and _is_every_address(text_of(host) or ""):
        message = f"server.host: {text_of(host)} listens on every address, so feeds need one that readers can open; add {example}"
        yield document.problem(host, message)
    if url is not None and _is_every_address(_host_of(text_of(url) or "")):
        yield document.problem(url, f"site.url: no reader can open {text_of(url)}; write {example}")
    if url is not None and not _may_go_on(text_of(url) or ""):
        yield document.problem(
            url, "site.url: addresses of feeds are made by adding to it, so no `?`, `#`, `//`, `.` or `..` in its path"
        )


def _may_go_on(url: str) -> bool:
    """Whether paths can be added to an address: it has no query or fragment, and a path that nobody shortens (RFC 3986 5.2.4)."""
    path = url.partition("://")[2].partition("/")[2].rstrip("/")
    parts = unquote(path).split("/") if path else []
    return not {"?", "#"}.intersection(url) and not {"", ".", ".."}.intersection(parts)


def _is_every_address(host: str) -> bool:
    """Whether a host is the unspecified address (RFC 4291 2.5.2) in any notation that the system takes: 0.0.0.0, 0, ::, [::]."""
    host = host.strip("[]")
    try:
        if ":" not in host:
            return socket.inet_aton(host) == bytes(4)
        address = IPv6Address(host)
    except (OSError, ValueError):
        return False
    return address.is_unspecified or (address.ipv4_mapped is not None and address.ipv4_mapped.is_unspecified)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def check_directories(document: Document, path: Path) -> Iterator[Problem]:
    """The public directory holds nothing that is not public; files that are named exist."""
    publish, storage, base = document.root.get("publish"), document.root.get("storage"), path.parent
    at, public = _named(publish, "directory", base, Publish.directory)
    kept, private = _named(publish, "private", base, Publish.private)
    database, place = _named(storage, "database", base, Storage.database)
    if is_remote := is_filled_in(text_of(database) or ""):
        place = folder_of(text_of(database), base) / "lists"
    inside = {"publish.private": private, "storage.database": place, "the config file": _absolute(base, path.name)}
    copies = storage.get("backup") if isinstance(storage, MapNode) else None
    if isinstance(copies, MapNode):
        inside["storage.backup.directory"] = _named(copies, "directory", base, str(place.parent / Backup().directory.name))[1]
    if found := [name for name, each in inside.items() if _lies_in(each, public)]:
        message = f"publish.directory is public, but {' and '.join(found)} would lie in it; choose a directory of its own"
        yield document.problem(at or kept or database or document.root, message)
    elif _lies_in(public, private):
        yield document.problem(
            kept or at or document.root, "publish.private holds publish.directory; choose directories side by side"
        )
    if isinstance(copies, MapNode) and is_remote:
        yield document.problem(copies, "storage.backup copies a file: a database on a server is backed up there (`pg_dump`)")
    names = document.root.get("entities")
    file = names.get("file") if isinstance(names, MapNode) else None
    if file is not None and text_of(file) and not (base / (text_of(file) or "")).is_file():
        yield document.problem(file, f"entities.file: there is no file {text_of(file)}")


def _lies_in(path: Path, folder: Path) -> bool:
    """By their names or, where symbolic links stand in them, by what these lead to."""
    paths, folders = {path, Path(os.path.realpath(path))}, {folder, Path(os.path.realpath(folder))}
    return any(folders.intersection((one, *one.parents)) for one in paths)


def _named(section: Node | None, key: str, base: Path, default: str) -> tuple[Node | None, Path]:
    node = section.get(key) if isinstance(section, MapNode) else None
    return node, _absolute(base, text_of(node) or default)


def _absolute(base: Path, written: str) -> Path:
    return Path(os.path.normpath((base / written).absolute()))
