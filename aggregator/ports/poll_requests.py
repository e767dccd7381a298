"""Polls asked of the daemon: for `aggregator poll` and the daemon's turn."""

from __future__ import annotations

from typing import Protocol

from aggregator.ports.rows import PollRequest


class PollRequests(Protocol):
    """Requests that wait, and answers."""

    def poll_requests(self) -> list[PollRequest]:
        """Those that nobody has taken up yet, in the order in which they were made."""
        ...

    def poll_answer(self, key: str) -> str | None:
        """What was answered to a request, or None as long as there is no answer."""
        ...


class PollRequestWrites(Protocol):
    """Asking, taking up, answering."""

    def add_poll_request(self, request: PollRequest) -> None: ...

    def take_poll_requests(self) -> list[PollRequest]:
        """Those that nobody has taken up yet; nobody gets them a second time."""
        ...

    def answer_poll_request(self, key: str, answer: str) -> None:
        """For `Store.poll_answer`. The newest answers alone are kept."""
        ...

    def remove_poll_request(self, key: str) -> None: ...
