"""Poll requests in the database, by which `aggregator poll` asks a running daemon to poll."""

from __future__ import annotations

from typing import Protocol

from aggregator.ports.rows import PollRequest


class PollRequests(Protocol):
    """Reads waiting requests and answers."""

    def poll_requests(self) -> list[PollRequest]:
        """The requests that are not taken yet, oldest first."""
        ...

    def poll_answer(self, key: str) -> str | None:
        """The answer to a request, or None if there is none yet."""
        ...


class PollRequestWrites(Protocol):
    """Writes requests and answers."""

    def add_poll_request(self, request: PollRequest) -> None: ...

    def take_poll_requests(self) -> list[PollRequest]:
        """Takes the waiting requests. Each is returned only once."""
        ...

    def answer_poll_request(self, key: str, answer: str) -> None:
        """Stores an answer for `Store.poll_answer`. Only the newest answers are kept."""
        ...

    def remove_poll_request(self, key: str) -> None: ...
