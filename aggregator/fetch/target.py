"""The target of a request: address, origin and credentials."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from msgspec import Struct

from aggregator.fetch.guard import literal_address
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
    """An http or https address in ASCII, without fragment and credentials. authorization: made from its user:password."""

    url: str
    scheme: str
    host: str
    port: int
    authorization: str | None = None

    @property
    def origin(self) -> Origin:
        return self.scheme, self.host, self.port


@lru_cache(maxsize=4_096)
def parse_target(url: str) -> Target | Fault:
    """The target of an address from the config or a redirect, or a fault that says what is wrong with it."""
    if is_plain(url) and "#" not in url and url[-1] != "?":  # most addresses are; nothing to resolve
        scheme, _, rest = url.partition("://")
        return Target(url, scheme, rest.partition("/")[0], PORTS[scheme])
    bare, authorization = _without_credentials(url)
    clean = resolve(None, bare)
    if clean is None:
        return Fault(FaultKind.URL, _complaint(url))
    parts = urlsplit(clean)
    host = parts.hostname or ""
    address = literal_address(host)
    host = str(address) if address is not None else host
    port = parts.port or PORTS[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    place = shown if port == PORTS[parts.scheme] else f"{shown}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return Target(f"{parts.scheme}://{place}{parts.path or '/'}{query}", parts.scheme, host, port, authorization)


def follow_location(base: Target, location: str) -> Target | Fault:
    """The target of a `Location` seen from `base`. Only http and https; never from https down to http."""
    text = re.sub(r"[\t\r\n]+", "", location.strip())
    if not text:
        return Fault(FaultKind.REDIRECT, "redirect without an address")
    try:
        joined = urljoin(base.url, text)
    except ValueError:
        return Fault(FaultKind.REDIRECT, f"redirect to an invalid address: {show_url(text)}")
    scheme = _SCHEME.match(joined)
    if scheme is None or scheme[1].lower() not in PORTS:
        name = scheme[1].lower() if scheme else "?"
        return Fault(FaultKind.REDIRECT, f"redirect to a {name}: address refused: only the schemes http and https are allowed")
    target = parse_target(joined)
    if isinstance(target, Fault):
        return Fault(FaultKind.REDIRECT, f"redirect to an invalid address: {show_url(text)}")
    if base.scheme == "https" and target.scheme == "http":
        return Fault(FaultKind.REDIRECT, f"redirect from https down to http refused: {show_url(target.url)}")
    return target


def show_url(url: str) -> str:
    """An address for a message: masked (`text.masks`), printable, at most _SHOWN characters."""
    text = masks.mask_url(url)
    return "".join(character if character.isprintable() else "\ufffd" for character in text)[:_SHOWN]


def _without_credentials(url: str) -> tuple[str, str | None]:
    """The address without user:password, and these as Basic credentials (RFC 7617), percent-decoded."""
    match = _USERINFO.match(url)
    if match is None:
        return url, None
    user, colon, password = match[2].partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return match[1] + url[match.end() :], "Basic " + b64encode(pair).decode("ascii") if user or colon else None


def _complaint(url: str) -> str:
    scheme = _SCHEME.match(url)
    if scheme is None:
        return f"not an address: {show_url(url)} (http:// or https:// is missing)"
    if scheme[1].lower() not in PORTS:
        return f"the scheme {scheme[1].lower()[:20]}: is not allowed, only http and https"
    return f"not a valid address: {show_url(url)}"
