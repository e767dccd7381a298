"""Access to private feeds and administration: a token in the query, or as the password of Basic authentication (RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from urllib.parse import parse_qs

LONGEST_QUERY = 2_048
"""Bytes of a query. Ours have a single parameter."""


class Credentials:
    """The tokens that a request carries."""

    def __init__(self, query: bytes, authorization: str | None) -> None:
        self._query = query
        self._authorization = authorization

    def know(self, token: str) -> bool:
        """Whether the request carries this token."""
        return is_allowed(token, self._query, self._authorization)

    def in_query(self, token: str) -> bool:
        """Whether the query carries this token, so that the target of a redirect needs it, too."""
        return is_allowed(token, self._query, None)


def is_allowed(token: str, query: bytes, authorization: str | None) -> bool:
    """Whether a request carries the token. Its timing reveals nothing about the token."""
    given = [*_from_query(query), *_from_basic(authorization)]
    matches = [_equal(token, one) for one in given]  # compares all of them, without stopping early
    return True in matches


def _from_query(query: bytes) -> list[str]:
    if b"token=" not in query:
        return []
    return parse_qs(query[:LONGEST_QUERY].decode("latin-1"), errors="replace").get("token", [])[:2]


def _from_basic(authorization: str | None) -> list[str]:
    scheme, _, coded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        plain = base64.b64decode(coded.strip().encode("latin-1"), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeError):
        return []
    return [plain.partition(":")[2]]


def has_bearer(token: str, authorization: str | None) -> bool:
    """Whether an Authorization header is this token (RFC 6750 2.1). Its timing reveals nothing about the token."""
    scheme, _, given = (authorization or "").partition(" ")
    return _equal(token, given.strip()) and scheme.lower() == "bearer"


def _equal(token: str, given: str) -> bool:
    """Compares digests, so that timing reveals neither length nor content."""
    return hmac.compare_digest(hashlib.sha256(token.encode()).digest(), hashlib.sha256(given.encode("utf-8", "replace")).digest())
