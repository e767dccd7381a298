"""`storage.database`: the path of a file, or the address of a PostgreSQL database, which may hold a password."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.config.kinds import Filled, Refused, wrong
from aggregator.config.secrets import fill, text_or_wrong
from aggregator.config.surroundings import Surroundings
from aggregator.errors import UsageError
from aggregator.settings import SERVERS, Publishing, Storage, is_on_server

_FORM = "postgresql://USER:PASSWORD@HOST/NAME"


def _database(value: object, around: Surroundings) -> str:
    said = text_or_wrong(value, "database")
    if not is_filled_in(said):
        if "://" in said:
            wrong(f"storage.database is the path of an SQLite file, or {_FORM}")
        if not said.strip() or said != said.strip() or not said.isprintable():
            wrong("a path of a file or directory is needed")
        return said
    filled = fill(said, around)
    if not is_on_server(filled):
        wrong(f"what storage.database is filled in with is no address of PostgreSQL: {_FORM}")
    try:
        named = urlsplit(filled).port != 0 and filled.isprintable() and " " not in filled
    except ValueError:
        named = False
    if not named:
        wrong(f"storage.database has a host or port that is not valid, or a blank: {_FORM}")
    return filled


def read_address(said: str, environ: Mapping[str, str]) -> str:
    """What a person names a database by on the command line, filled in. Raises UsageError, which doesn't repeat it."""
    try:
        return _database(said, Surroundings(environ, Path()))
    except Refused as error:
        raise UsageError(str(error).replace("storage.database", "a database")) from error


def is_filled_in(said: str) -> bool:
    """Whether it is an address, or stands for one. A path is taken as it is written."""
    return said.startswith((*SERVERS, "${", "file:"))


def folder_of(said: str | None, private: str | None, base: Path) -> Path:
    """Where files lie that are kept beside the database; for one on a server, beside the private feeds, in a place for files.

    said, private: `storage.database` and `publish.private`, as the config writes them.
    """
    is_file = said is None or not (is_filled_in(said) or "://" in said)
    return (base / ((said or Storage().database) if is_file else (private or Publishing().private))).parent


DATABASE = Filled(_database, {"type": "string", "examples": ["data/aggregator.db", "postgresql://news@db.example/news"]})
