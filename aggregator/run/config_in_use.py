"""The config in use: a fingerprint of its files, and what of an edited one has to wait for a restart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from aggregator.settings import Settings, own_address


def fingerprint(settings: Settings, more: Iterable[Path] = ()) -> bytes:
    """Hashes the config file and all files that it includes, as they are now; a missing file counts as empty.

    more: files that a refused config includes; fixing one of them triggers a reload, too.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in (settings.file, *settings.includes, *more):
        try:
            digest.update(path.read_bytes() + b"\0")
        except OSError:
            digest.update(b"-")
    return digest.digest()


def keep_until_restart(running: Settings, wanted: Settings) -> tuple[Settings, tuple[str, ...]]:
    """Returns the wanted settings with the running values of keys that only a restart can change, and those keys that differ.

    The socket is open, the database is locked, and the reading workers run, so everything must go on using the ones in use.
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
    # Links made of the new port would lead nowhere until the restart.
    site = wanted.site if wanted.site.url != own_address(wanted.server) else replace(wanted.site, url=own_address(server))
    polling = replace(wanted.polling, readers=running.polling.readers)
    if (server, storage, site, polling) == (wanted.server, wanted.storage, wanted.site, wanted.polling):
        return wanted, tuple(keys)  # with what it has found out already
    return replace(wanted, server=server, storage=storage, site=site, polling=polling), tuple(keys)
