"""What goes wrong between us and a server, where httpx has no class of its own for it. `faults` puts it into words."""

from __future__ import annotations

import httpx

from aggregator.model import Fault


class AddressRefusedError(httpx.ConnectError):
    """The name leads to addresses that must not be connected to, and to no others."""


class NameNotFoundError(httpx.ConnectError):
    """The name has no address, or nobody could say."""


class OfflineError(httpx.ConnectError):
    """No route from here, or no name server that answers."""


class BudgetError(httpx.ReadError):
    """The server has sent more than was allowed at this point."""


class NoAnswerError(httpx.RemoteProtocolError):
    """The server closed the connection without a byte."""


class IncompleteError(httpx.RemoteProtocolError):
    """The connection closed before the end of the body."""


class HeadersTooLargeError(httpx.RemoteProtocolError):
    """More header lines or bytes than are read."""


class UnsendableError(httpx.LocalProtocolError):
    """A request that can't be sent as it is. Says nothing of its content, which may be a secret."""


class ProxyFailedError(httpx.ProxyError):
    """What went wrong on the way through a proxy, in its own words."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault
