"""Addresses as they go over the wire: what is asked for, of whom, and with which credentials."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from msgspec import Struct

from aggregator.fetch.guard import literal
from aggregator.model import Fault, FaultKind
from aggregator.text import masks
from aggregator.text.urls import PORTS, is_plain, resolve

_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
_USERINFO = re.compile(r"\A(\s*[A-Za-z][A-Za-z0-9+.-]*:[/\\]{2})([^/?#\\]*)@")
Origin = tuple[str, str, int]
"""Scheme, host and port: what credentials and connections are bound to (RFC 6454)."""
_SHOWN = 200
"""Characters of an address that a message shows."""


class Target(Struct, frozen=True):
    """An http or https address in ASCII, without fragment and credentials. `authorization`: what its user:password become."""

    url: str
    scheme: str
    host: str
    port: int
    authorization: str | None = None

    @property
    def origin(self) -> Origin:
        return self.scheme, self.host, self.port


@lru_cache(maxsize=4_096)
def parse(url: str) -> Target | Fault:
    """An address from the config or a redirect as a target; a fault that says what is wrong with it."""
    if is_plain(url) and "#" not in url and url[-1] != "?":  # most are: by name, at the usual port, resolved already
        scheme, _, rest = url.partition("://")
        return Target(url, scheme, rest.partition("/")[0], PORTS[scheme])
    bare, authorization = _without_credentials(url)
    clean = resolve(None, bare)
    if clean is None:
        return Fault(FaultKind.URL, _complaint(url))
    parts = urlsplit(clean)
    host = parts.hostname or ""
    address = literal(host)
    host = str(address) if address is not None else host
    port = parts.port or PORTS[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    place = shown if port == PORTS[parts.scheme] else f"{shown}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return Target(f"{parts.scheme}://{place}{parts.path or '/'}{query}", parts.scheme, host, port, authorization)


def follow(base: Target, location: str) -> Target | Fault:
    """Where a `Location` leads from `base`. Only http and https, and never from https down to http."""
    text = re.sub(r"[\t\r\n]+", "", location.strip())
    if not text:
        return Fault(FaultKind.REDIRECT, "redirect without an address")
    try:
        joined = urljoin(base.url, text)
    except ValueError:
        return Fault(FaultKind.REDIRECT, f"redirect to an invalid address: {shown(text)}")
    scheme = _SCHEME.match(joined)
    if scheme is None or scheme[1].lower() not in PORTS:
        name = scheme[1].lower() if scheme else "?"
        return Fault(FaultKind.REDIRECT, f"redirect to a {name}: address refused: only the schemes http and https are allowed")
    target = parse(joined)
    if isinstance(target, Fault):
        return Fault(FaultKind.REDIRECT, f"redirect to an invalid address: {shown(text)}")
    if base.scheme == "https" and target.scheme == "http":
        return Fault(FaultKind.REDIRECT, f"redirect from https down to http refused: {shown(target.url)}")
    return target


def shown(url: str) -> str:
    """An address for a message: masked (text.masks), one line, not longer than a line."""
    text = masks.shown(url)
    return "".join(character if character.isprintable() else "\ufffd" for character in text)[:_SHOWN]


def _without_credentials(url: str) -> tuple[str, str | None]:
    """The address without user:password, and the Basic credentials that these are (RFC 7617, percent escapes undone)."""
    match = _USERINFO.match(url)
    if match is None:
        return url, None
    user, colon, password = match[2].partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return match[1] + url[match.end() :], "Basic " + b64encode(pair).decode("ascii") if user or colon else None


def _complaint(url: str) -> str:
    scheme = _SCHEME.match(url)
    if scheme is None:
        return f"not an address: {shown(url)} (http:// or https:// is missing)"
    if scheme[1].lower() not in PORTS:
        return f"the scheme {scheme[1].lower()[:20]}: is not allowed, only http and https"
    return f"not a valid address: {shown(url)}"
