"""What goes wrong between us and a server. `faults` puts it into words for the user."""

from __future__ import annotations


class WireError(Exception):
    """The network or the server failed."""


class ConnectError(WireError):
    """No connection."""


class ConnectTimeoutError(ConnectError):
    """No connection in time."""


class ReadError(WireError):
    """The connection broke; its cause says how."""


class BudgetError(ReadError):
    """The server has sent more than was allowed at this point."""


class ProtocolError(WireError):
    """What came is no HTTP, or breaks its rules."""


class NoAnswerError(ProtocolError):
    """The server closed the connection without a byte."""


class IncompleteError(ProtocolError):
    """The connection closed before the end of the body."""


class UnsendableError(WireError):
    """A request that can't be sent as it is. Says nothing of its content, which may be a secret."""


class HeadersTooLargeError(WireError):
    """More header lines or bytes than are read."""
