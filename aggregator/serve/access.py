"""Private feeds and the administrator: a token in the query or as the password of Basic authentication."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from urllib.parse import parse_qs

LONGEST_QUERY = 2_048
"""Bytes of a query: ours have one parameter."""


class Credentials:
    """What a request proves to know."""

    def __init__(self, query: bytes, authorization: str | None) -> None:
        self._query = query
        self._authorization = authorization

    def know(self, token: str) -> bool:
        """Whether one of them is this token."""
        return is_allowed(token, self._query, self._authorization)

    def named(self, token: str) -> bool:
        """Whether the query itself has the token: then an address that the request is sent on to must have it, too."""
        return is_allowed(token, self._query, None)


def is_allowed(token: str, query: bytes, authorization: str | None) -> bool:
    """Whether a request proves that it knows the token. The time it takes tells nothing about the token."""
    given = [*_from_query(query), *_from_basic(authorization)]
    matches = [_equal(token, one) for one in given]  # every one is compared
    return True in matches


def _from_query(query: bytes) -> list[str]:
    if b"token=" not in query:
        return []
    return parse_qs(query.decode("latin-1"), errors="replace", max_num_fields=20).get("token", [])[:2]


def _from_basic(authorization: str | None) -> list[str]:
    scheme, _, coded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        plain = base64.b64decode(coded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return []
    return [plain.partition(":")[2]]


def _equal(token: str, given: str) -> bool:
    """By digests, so that neither length nor content shows in the time."""
    return hmac.compare_digest(hashlib.sha256(token.encode()).digest(), hashlib.sha256(given.encode()).digest())
