"""The exceptions of the product. Expected failures of a fetch or a parse are values (`model.Fault`), not exceptions."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class AggregatorError(Exception):
    """Something that a person can act on. Its text is shown without a traceback. Exit code 1."""

    exit_code = 1


class UsageError(AggregatorError):
    """A command was asked for something that doesn't exist or doesn't fit together. Exit code 2."""

    exit_code = 2


class Problem(NamedTuple):
    """One thing wrong with a config file. Lines and columns count from 1; 0 if the place is unknown.

    No msgspec struct: `--help` needs this module and would take a tenth longer.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}" if self.line else f"{self.file}: {self.message}"


class ConfigError(AggregatorError):
    """A config that can't be used, with all its problems. Exit code 2.

    includes: the other files that it names; the mistake may be in one of them. note: a line behind the problems.
    """

    exit_code = 2

    def __init__(self, problems: list[Problem], includes: tuple[Path, ...] = (), note: str = "") -> None:
        super().__init__("\n".join(filter(None, (*map(str, problems), note))))
        self.problems = problems
        self.includes = includes


class QueryError(AggregatorError):
    """A query that can't be read. `offset` is the character (from 0) in the query's text where reading failed."""

    exit_code = 2

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class StoreError(AggregatorError):
    """The database can't be opened, is of a newer version, damaged, or in use by another daemon."""


class DatabaseLostError(StoreError):
    """The database was deleted or replaced while open. Its content has been saved; this process can't go on with it."""


class UnreachableError(StoreError):
    """The server of the database does not answer, or has cut the connection. It may be back in a moment."""


class LeadershipLostError(StoreError):
    """Another process leads on this database now: this one has to stop writing, and to forget what it knows."""


class TookTooLongError(StoreError):
    """A search was stopped because its time was over."""


class HeldError(StoreError):
    """Another process (a daemon, a poll) has locked the database."""
