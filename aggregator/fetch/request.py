"""The headers of a request (RFC 9110): who asks, what we can read, and "only if it has changed"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

from aggregator import __version__
from aggregator.fetch.errors import UnsendableError
from aggregator.fetch.guard import Guard, is_private_name
from aggregator.fetch.target import Target, parse_target
from aggregator.model import FetchRequest, Source, Validators
from aggregator.settings import Settings

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
ACCEPT_ENCODING = "gzip, deflate, br"
"""The codings that `decode` can unpack within a limit."""
MAX_VALIDATOR = 6_000
"""Characters of the longest validator we keep: servers refuse header lines much longer (8 KiB is common)."""

_OURS = frozenset(
    {
        "host", "connection", "keep-alive", "proxy-connection", "upgrade", "expect", "te", "trailer", "transfer-encoding",
        "content-length", "accept-encoding", "range", "if-range", "a-im", "if-none-match", "if-modified-since", "cookie2",
    }
)  # fmt: skip
"""Headers that the config can't set, because the connection or the conditional request needs them."""

_SENDABLE = re.compile(r"[\t\x20-\x7e\x80-\xff]+")
_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?")

Headers = tuple[tuple[str, str], ...]
Encoded = tuple[tuple[bytes, bytes], ...]


class LastDocument(Protocol):
    """What is known of a document from the last time: the address in use, its validators, and where those came from."""

    @property
    def url(self) -> str: ...
    @property
    def validators(self) -> Validators: ...
    @property
    def validators_url(self) -> str | None: ...


def conditional_request(source: Source, last: LastDocument, proxy: str | None = None) -> FetchRequest:
    """The request for a document of a source: a feed (its state), or a sitemap that an index lists."""
    return FetchRequest(
        url=last.url,
        validators=last.validators,
        validators_url=last.validators_url,
        headers=source.headers,
        user_agent=source.user_agent,
        proxy=source.proxy or proxy,
        configured=source.url,
    )


def validators_for(request: FetchRequest, target: Target) -> Validators:
    """The validators if they belong to this address, else none."""
    return request.validators if request.validators_url == target.url else Validators()


def headers_for(request: FetchRequest, target: Target, home: Target, identity: Headers, keep: bool) -> Encoded:
    """All headers of one request but `Host`. Raises UnsendableError.

    home: the target of the configured address; only its origin gets its credentials and the source's own headers.
    identity: what `identity()` returned; keep: whether the connection may be used again.
    """
    standing = _constant_headers(*_own_headers(request, target, home), request.user_agent, identity, keep)
    return (*standing, *encode_headers(_conditional_headers(validators_for(request, target))))


def encode_headers(headers: Headers) -> Encoded:
    """Headers as bytes for the wire. Raises UnsendableError for what HTTP forbids (RFC 9110 5.1, 5.5).

    Values are latin-1, so that validators go back byte for byte; a value that is not latin-1 goes as UTF-8.
    """
    pairs = tuple((name.encode("ascii", "replace"), _encode_value(value)) for name, value in headers)
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in pairs):
        raise UnsendableError("a header that HTTP forbids")
    return pairs


def _encode_value(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _own_headers(request: FetchRequest, target: Target, home: Target) -> tuple[Headers, str | None]:
    """The source's own headers and credentials that this target may see."""
    at_home = target is home or target.origin == home.origin
    return (request.headers, target.authorization or home.authorization) if at_home else ((), target.authorization)


@lru_cache(maxsize=1_024)
def _constant_headers(own: Headers, login: str | None, agent: str | None, identity: Headers, keep: bool) -> Encoded:
    """The headers that are the same in each poll of a source."""
    own = tuple((name, value) for name, value in own if name.lower() not in _OURS)
    taken = {name.lower() for name, _ in own}
    base = _first_of_each((*((("User-Agent", agent),) if agent else ()), *identity, ("Accept", ACCEPT)), taken)
    credentials = (("Authorization", login),) if login and "authorization" not in taken else ()
    closing = () if keep else (("Connection", "close"),)
    return encode_headers((*base, ("Accept-Encoding", ACCEPT_ENCODING), *own, *credentials, *closing))


def identity(settings: Settings) -> Headers:
    """Who asks: `User-Agent: aggregator/VERSION (+contact)`, and `From` if the contact is a mail address (RFC 9110 10.1.2).

    In brackets stands the contact if that is a web address, else the site, else the page of the mail address's domain with the
    address: servers' operators look for a page. Addresses that only our own machine or network can open are left out.
    """
    contact = (settings.site.contact or "").strip()
    contact = contact.removeprefix("mailto:")
    mail = contact if "@" in contact and "://" not in contact else None
    told = next(filter(_is_public, (contact, settings.site.url)), f"https://{mail.rpartition('@')[2]}; {mail}" if mail else None)
    agent = settings.network.user_agent or f"aggregator/{__version__}" + (f" (+{told})" if told else "")
    return (("User-Agent", agent), *((("From", mail),) if mail else ()))


def _is_public(page: str) -> bool:
    """Whether anybody can open a web address, as far as its host shows."""
    target = parse_target(page) if page.startswith(("http://", "https://")) else None
    if not isinstance(target, Target) or is_private_name(target.host):
        return False
    return Guard().refusal_of_host(target.host) is None


def sendable(value: str | None) -> str | None:
    """The validator if it can be sent back byte for byte (latin-1, no controls but tab, not too long), else None."""
    return value if value and len(value) <= MAX_VALIDATOR and _SENDABLE.fullmatch(value) else None


def _conditional_headers(validators: Validators) -> Headers:
    """Both validators (RFC 9110 13.1). With an ETag a server may send only what is new (RFC 3229, `A-IM: feed`)."""
    tag = (("A-IM", "feed"), ("If-None-Match", validators.etag)) if validators.etag is not None else ()
    since = (("If-Modified-Since", validators.last_modified),) if validators.last_modified is not None else ()
    return (*tag, *since)


def _first_of_each(headers: Iterable[tuple[str, str]], taken: set[str]) -> Headers:
    """The first header of each name, without the names in `taken`."""
    kept: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        if name.lower() not in taken:
            kept.setdefault(name.lower(), (name, value))
    return tuple(kept.values())
