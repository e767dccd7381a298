"""Errors of a fetch as faults: one clean line each, whatever the server sent."""

from __future__ import annotations

import re
import ssl

import httpx

from aggregator.fetch.body import TrickleError
from aggregator.fetch.decode import DecodingError, TooLargeError
from aggregator.fetch.errors import (
    AddressRefusedError,
    BudgetError,
    HeadersTooLargeError,
    IncompleteError,
    NameNotFoundError,
    NoAnswerError,
    OfflineError,
    ProxyFailedError,
)
from aggregator.model import Fault, FaultKind

_SHOWN = 160
"""Characters shown of a library's message, which may quote the server."""
_UNSHOWABLE = re.compile(r"[^\x20-\x7e]+")


KNOWN: tuple[type[Exception], ...] = (
    httpx.TransportError,
    httpx.InvalidURL,
    OSError,
    DecodingError,
    TooLargeError,
    TrickleError,
    UnicodeError,
    OverflowError,
)
"""Exceptions that a server or the network can cause. Anything else is a bug of ours."""


def fault_of(error: Exception, max_bytes: int) -> Fault:
    """The fault for an exception in KNOWN."""
    match error:
        case ProxyFailedError():
            return error.fault
        case AddressRefusedError():
            return Fault(FaultKind.ADDRESS, str(error))
        case NameNotFoundError():
            return Fault(FaultKind.DNS, clean(str(error)))
        case OfflineError():
            return Fault(FaultKind.OFFLINE, clean(str(error)))
        case BudgetError() if "header" not in str(error):
            return Fault(FaultKind.TOO_LARGE, f"too large: {error}")
        case BudgetError() | HeadersTooLargeError():
            return Fault(FaultKind.TOO_LARGE, "too large: headers beyond 64 KiB or 256 lines")
        case TooLargeError():
            return Fault(FaultKind.TOO_LARGE, f"too large: more than polling.max_bytes ({megabytes(max_bytes)})")
        case DecodingError():
            return Fault(FaultKind.CODING, clean(str(error)))
        case TrickleError():
            return Fault(FaultKind.PROTOCOL, "protocol error: the body comes in too many tiny parts")
        case ssl.SSLError():
            return Fault(FaultKind.TLS, _tls_text(error))
        case httpx.ConnectTimeout():
            return Fault(FaultKind.TIMEOUT, f"too slow: {clean(str(error)) or 'no connection in time'}")
        case TimeoutError() | httpx.TimeoutException():
            return Fault(FaultKind.TIMEOUT, "too slow: no answer in time")
        case httpx.InvalidURL():
            return Fault(FaultKind.URL, f"not a valid address: {clean(str(error))}")
        case httpx.LocalProtocolError():
            return Fault(FaultKind.PROTOCOL, "a header of the config can't be sent: it holds characters that HTTP forbids")
        case NoAnswerError():
            return Fault(FaultKind.CONNECT, "disconnected: the server closed the connection without an answer")
        case IncompleteError():
            return Fault(FaultKind.PROTOCOL, "incomplete: the connection closed before the end of the body")
        case httpx.ProtocolError():
            return Fault(FaultKind.PROTOCOL, f"protocol error: {clean(str(error)) or 'not HTTP'}")
        case _:
            return _connection_fault(error)


def clean(text: str) -> str:
    """One short line of printable ASCII."""
    return _UNSHOWABLE.sub("?", text).strip()[:_SHOWN]


def megabytes(size: int) -> str:
    return f"{size / 1_048_576:.3g} MB"


def _connection_fault(error: Exception) -> Fault:
    cause: BaseException = error
    while cause.__cause__ is not None and not isinstance(cause, OSError):
        cause = cause.__cause__
    text = str(error).lower()
    if isinstance(cause, ssl.SSLError):
        return Fault(FaultKind.TLS, _tls_text(cause))
    if isinstance(cause, ConnectionResetError | BrokenPipeError | ConnectionAbortedError) or "reset" in text:
        return Fault(FaultKind.CONNECT, "connection reset by the server")
    return Fault(FaultKind.CONNECT, clean(str(error)) or "the connection broke")


def _tls_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {clean(error.verify_message or 'unknown reason')}"
    reason = (error.reason or "handshake failed").replace("_", " ").lower()
    return f"TLS failed: {clean(reason)}"
