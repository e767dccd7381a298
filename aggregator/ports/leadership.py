"""Which process leads on a database: one alone polls, publishes, and writes what sources brought."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Leadership(Protocol):
    """A file of SQLite has one daemon. On a server others may stand by, and one of them follows when the leader is gone."""

    @property
    def may_stand_by(self) -> bool:
        """Whether other daemons may wait for their turn."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Holds the database for a daemon or a poll, until the end of the context. Raises HeldError."""
        ...

    def holder(self) -> str | None:
        """The process that holds the database ("process 4711"), or None."""
        ...

    def confirm_lead(self) -> None:
        """Returns if this process, inside `lock`, still leads. Never waits.

        Raises LeadershipLostError if another process leads meanwhile, UnreachableError while the server does not answer.
        """
        ...

    def depose_frozen(self) -> str | None:
        """Ends the leader's connection if it gives no sign of life; returns who that was. To be called several times a second."""
        ...
