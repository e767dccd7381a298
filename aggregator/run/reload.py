"""What a reload looks at, and what it can't change: the files that make the config, and what the process holds on to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from aggregator.settings import Settings


def fingerprint(settings: Settings, also: Iterable[Path] = ()) -> bytes:
    """A hash of the config file and of all that it includes, as they are now; a file that is missing counts as empty.

    also: files that a refused config names; mending one of them is a reason to read it again.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in (settings.file, *settings.includes, *also):
        try:
            digest.update(path.read_bytes() + b"\0")
        except OSError:
            digest.update(b"-")
    return digest.digest()


def held(running: Settings, wanted: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The wanted config without what only a restart can change, and the keys of which that is so.

    The socket is open and the database is held: everything that names them must go on naming what is in use.
    """
    keys = []
    if (running.server.host, running.server.port) != (wanted.server.host, wanted.server.port):
        keys.append("server")
    if running.storage.database != wanted.storage.database:
        keys.append("storage.database")
    if running.polling.readers != wanted.polling.readers:
        keys.append("polling.readers")
    storage = replace(wanted.storage, database=running.storage.database)
    server = replace(wanted.server, host=running.server.host, port=running.server.port)
    return replace(wanted, server=server, storage=storage), tuple(keys)
