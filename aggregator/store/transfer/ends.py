"""Opens a database as an end of a copy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.settings import is_on_server
from aggregator.store.transfer.sqlite_end import SqliteEnd

if TYPE_CHECKING:
    from aggregator.store.postgres.transfer import PostgresEnd


def open_end(database: str, *, writes: bool) -> SqliteEnd | PostgresEnd:
    """The database as an end of a copy. It must have been opened as a store before."""
    if not is_on_server(database):
        return SqliteEnd(Path(database), writes=writes)
    from aggregator.store.postgres.transfer import PostgresEnd  # here: of an optional extra

    return PostgresEnd(database, writes=writes)
