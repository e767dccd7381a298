"""Resolves addresses, and finds whose they are. No function here raises, whatever a feed holds."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import idna

from aggregator.text.suffixes import rules_for

MAX_LENGTH = 4096
"""Characters of the longest address; longer ones are data (servers refuse from about 8,000 on)."""

PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_NO_HOST = re.compile(r"""[%<>"{}|\\^`'!$&()*+,;=]""")
_LINE_BREAKS = re.compile(r"[\t\r\n\v\f]+")
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}"
_PLAIN_HOST = re.compile(rf"https?://(?![^/]{{254}})({_HOST}|\d{{1,3}}(?:\.\d{{1,3}}){{3}})(?::\d{{1,5}})?/", re.A)
"""A host that needs no normalising, with or without a port."""
PLAIN = (
    rf"https?://(?![^/]{{254}}){_HOST}/"
    r"(?!\.)(?:[A-Za-z0-9_~@:,;=+()-]++|/(?![./])|\.(?!/)|%[0-9A-Fa-f]{2})*"
)
"""Matches addresses that are resolved already, up to query and fragment. Most are, and a match is five times as fast as
parsing. For at most LONGEST_PLAIN characters."""
_PLAIN = re.compile(PLAIN + r"(?:[?#](?:[A-Za-z0-9_~.@:,;=+&/()-]++|%[0-9A-Fa-f]{2})*)?", re.A)
LONGEST_PLAIN = 2000
_SAFE_PATH = "!$&'()*+,;=:@/~-._%"
_SAFE_QUERY = _SAFE_PATH + "?"
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def resolve(base: str | None, url: str | None) -> str | None:
    """The absolute http or https address of a link in a document at `base`, or None.

    Line breaks inside are removed as browsers do (WHATWG URL 4.4), other white space and non-ASCII characters are
    percent-encoded, host names are in ASCII. None: another scheme, credentials, no host, a bad port, too long.
    """
    if not url:
        return None
    if url[-1] not in "?#" and is_plain(url):
        return url
    text = _LINE_BREAKS.sub("", url.strip())
    if not text or len(text) > MAX_LENGTH:
        return None
    try:
        absolute = base is None or text.startswith(("https://", "http://"))
        parts = urlsplit(text if absolute else urljoin(base or "", text))
        host = _ascii_host(parts)
        if host is None or parts.scheme not in PORTS or "@" in parts.netloc:
            return None
        port = parts.port
        netloc = host if port is None or port == PORTS[parts.scheme] else f"{host}:{port}"
    except ValueError:
        return None
    path = _percent_encode(_without_dots(parts.path.replace("\\", "/")), _SAFE_PATH) or "/"
    query = f"?{_percent_encode(parts.query, _SAFE_QUERY)}" if parts.query else ""
    fragment = f"#{_percent_encode(parts.fragment, _SAFE_QUERY)}" if parts.fragment else ""
    result = f"{parts.scheme}://{netloc}{path}{query}{fragment}"
    return result if len(result) <= MAX_LENGTH else None


def is_plain(url: str) -> bool:
    """True if an address is clearly resolved already. It may still end in an empty query or fragment."""
    return len(url) <= LONGEST_PLAIN and _PLAIN.fullmatch(url) is not None


def registrable_domain(host_or_url: str) -> str:
    """The domain that someone registered (`bbc.co.uk` for `news.bbc.co.uk`), by the bundled Public Suffix List.

    IP addresses, names of one label and public suffixes are returned as they are; "" if there is no host. Never raises.
    """
    plain = _PLAIN_HOST.match(host_or_url)
    return _registered(plain[1] if plain else _host_of(host_or_url))


@lru_cache(maxsize=8_192)
def _registered(host: str) -> str:
    if not host or _is_address(host) or "." not in host:
        return host
    return rules_for(host).privatesuffix(host) or host


def _host_of(host_or_url: str) -> str:
    text = host_or_url.strip()
    try:
        parts = urlsplit(text if "//" in text else "//" + text)
        return _ascii_host(parts) or ""
    except ValueError:
        return ""


def _ascii_host(parts: SplitResult) -> str | None:
    """The host in lower case and ASCII, or None if it is missing or invalid."""
    return _ascii((parts.hostname or "").rstrip("."))


@lru_cache(maxsize=8_192)
def _ascii(host: str) -> str | None:
    if not host or _FORBIDDEN.search(host) or _NO_HOST.search(host):
        return None
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host)}]"
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii").rstrip(".")
        except idna.IDNAError:
            return None
    return host if all(0 < len(label) < 64 for label in host.split(".")) and len(host) <= 253 else None


def _is_address(host: str) -> bool:
    if ":" not in host and not host.rstrip("]")[-1:].isdigit():
        return False  # the usual name, told without an exception
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _percent_encode(text: str, safe: str) -> str:
    cleaned = _BROKEN_PERCENT.sub("%25", text)
    return quote(cleaned, safe=safe, errors="replace")


def _without_dots(path: str) -> str:
    """Removes dot segments (RFC 3986 5.2.4), which urljoin leaves in absolute addresses."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)
