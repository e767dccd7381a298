"""Where the site is and where its files lie: addresses that readers can open, folders that hold nothing but what they are for."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from ipaddress import IPv6Address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aggregator.config.database import folder_of, is_filled_in
from aggregator.config.document import Document, text_of
from aggregator.config.schema import PLAIN, Publish, Storage
from aggregator.config.tree import Mapping as MapNode
from aggregator.config.tree import Node, Scalar
from aggregator.errors import Problem
from aggregator.settings import PUBLIC, Backup, is_in_object_store


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
        place = folder_of(text_of(database), text_of(kept), base) / "lists"
    if is_in_object_store(text_of(at) or ""):
        public = place.parent / PUBLIC
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
