"""TLS as a client: certificates checked, HTTP/1.1 alone, and sessions taken up again (a fifth of a handshake's cost)."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import certifi

from aggregator.errors import UsageError

MAX_SESSIONS = 512
"""Names whose last session ticket is kept."""


class Resuming(ssl.SSLContext):
    """A context that offers each name its last session. asyncio has no parameter for that, so `wrap_bio` passes it on.

    Sessions are those of this context alone: they were made with its checks of the certificate.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Resuming:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, ssl.SSLSession] = OrderedDict()

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        if session is None and isinstance(server_hostname, str):
            session = self._sessions.get(server_hostname)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def remember(self, name: str, session: ssl.SSLSession | None) -> None:
        """Keeps the ticket of a connection that has been read (tickets come after the handshake)."""
        if session is None or not session.has_ticket:
            return
        self._sessions[name] = session
        self._sessions.move_to_end(name)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)


def context(environ: Mapping[str, str]) -> Resuming:
    """The one context of a fetcher (making one costs 4 ms). SSL_CERT_FILE and SSL_CERT_DIR replace the bundled authorities.

    Raises UsageError if these name nothing that can be used.
    """
    made = Resuming()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.hostname_checks_common_name = False  # a certificate's names are its subjectAltName alone (RFC 9525 2)
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    try:
        made.load_verify_locations(cafile=file or (None if folder else certifi.where()), capath=folder or None)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(f"SSL_CERT_FILE or SSL_CERT_DIR can't be used ({file or folder}): {error}") from error
    made.set_alpn_protocols(["http/1.1"])
    return made
