"""Errors between us and a server for which httpx has no class. `faults` puts them into words."""

from __future__ import annotations

import httpx

from aggregator.model import Fault


class AddressRefusedError(httpx.ConnectError):
    """All addresses of the name are refused (see `guard`). address: the first of them, "" if a proxy would find it."""

    def __init__(self, message: str, address: str = "") -> None:
        super().__init__(message)
        self.address = address


class NameNotFoundError(httpx.ConnectError):
    """The name has no address, or the look-up failed."""


class OfflineError(httpx.ConnectError):
    """There is no route from here, or no name server answers."""


class BudgetError(httpx.ReadError):
    """The server sent more than the budget of `Wire.allow`."""


class NoAnswerError(httpx.RemoteProtocolError):
    """The server closed the connection without sending a byte."""


class IncompleteError(httpx.RemoteProtocolError):
    """The connection closed before the end of the body."""


class HeadersTooLargeError(httpx.RemoteProtocolError):
    """More header lines or bytes than we accept."""


class UnsendableError(httpx.LocalProtocolError):
    """The request can't be sent as it is. The message must not quote it: it may hold a secret."""


class ProxyFailedError(httpx.ProxyError):
    """A request through a proxy failed. fault: what to report."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault
