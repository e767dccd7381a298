"""What a request says (RFC 9110): who asks, what it can read, and "only if it has changed"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from aggregator import __version__
from aggregator.fetch.errors import UnsendableError
from aggregator.fetch.target import Target
from aggregator.model import FetchRequest, Source, SourceState, Validators
from aggregator.settings import Settings

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
ACCEPT_ENCODING = "gzip, deflate, br"
"""Only what `decode` reads within bounds."""
MAX_VALIDATOR = 6_000
"""Characters of a validator that is kept: with longer ones our own request would break servers' limits on a header line."""

_OURS = frozenset(
    {
        "host", "connection", "keep-alive", "proxy-connection", "upgrade", "expect", "te", "trailer", "transfer-encoding",
        "content-length", "accept-encoding", "range", "if-range", "a-im", "if-none-match", "if-modified-since", "cookie2",
    }
)  # fmt: skip
"""Headers that the config can't set: they belong to the connection or to the conditional request."""

_SENDABLE = re.compile(r"[\t\x20-\x7e\x80-\xff]+")
_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?")

Headers = tuple[tuple[str, str], ...]
Encoded = tuple[tuple[bytes, bytes], ...]


def conditional(source: Source, state: SourceState, proxy: str | None = None) -> FetchRequest:
    """The request for a source as the store knows it: at the address in use, with the validators of its last document."""
    return FetchRequest(
        url=state.url,
        validators=state.validators,
        validators_url=state.validators_url,
        headers=source.headers,
        user_agent=source.user_agent,
        proxy=source.proxy or proxy,
        configured=source.url,
    )


def validators_for(request: FetchRequest, target: Target) -> Validators:
    """The validators that belong to this very address, or none."""
    return request.validators if request.validators_url == target.url else Validators()


def headers_for(request: FetchRequest, target: Target, home: Target, identity: Headers, keep: bool) -> Encoded:
    """All headers of one request but `Host`. Raises UnsendableError.

    home: the target of the configured address; its credentials and the source's own headers go to its origin alone.
    identity: `identity()`; keep: whether the connection may be used again.
    """
    standing = _standing(*_own(request, target, home), request.user_agent, identity, keep)
    return (*standing, *encoded(_conditions(validators_for(request, target))))


def encoded(headers: Headers) -> Encoded:
    """Headers as they go over the wire. Raises UnsendableError for what HTTP forbids (RFC 9110 5.1, 5.5).

    Validators are latin-1 byte for byte; a header of the config that is not goes out as UTF-8.
    """
    pairs = tuple((name.encode("ascii", "replace"), _bytes(value)) for name, value in headers)
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in pairs):
        raise UnsendableError("a header that HTTP forbids")
    return pairs


def _bytes(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _own(request: FetchRequest, target: Target, home: Target) -> tuple[Headers, str | None]:
    """The source's own headers and credentials, as far as they may go to this target."""
    at_home = target is home or target.origin == home.origin
    return (request.headers, target.authorization or home.authorization) if at_home else ((), target.authorization)


@lru_cache(maxsize=1_024)
def _standing(own: Headers, login: str | None, agent: str | None, identity: Headers, keep: bool) -> Encoded:
    """The headers that are the same each time."""
    own = tuple((name, value) for name, value in own if name.lower() not in _OURS)
    taken = {name.lower() for name, _ in own}
    base = _merged((*((("User-Agent", agent),) if agent else ()), *identity, ("Accept", ACCEPT)), taken)
    credentials = (("Authorization", login),) if login and "authorization" not in taken else ()
    closing = () if keep else (("Connection", "close"),)
    return encoded((*base, ("Accept-Encoding", ACCEPT_ENCODING), *own, *credentials, *closing))


def identity(settings: Settings) -> Headers:
    """Who asks: `User-Agent: aggregator/VERSION (+contact)`, and `From` if the contact is a mail address (RFC 9110 10.1.2).

    The product in brackets names a page: the contact if it is one, else the site.
    """
    contact = (settings.site.contact or "").strip()
    contact = contact.removeprefix("mailto:")
    mail = contact if "@" in contact and "://" not in contact else None
    page = contact if contact.startswith(("http://", "https://")) else settings.site.url
    agent = settings.network.user_agent or f"aggregator/{__version__} (+{page})"
    return (("User-Agent", agent), *((("From", mail),) if mail else ()))


def sendable(value: str | None) -> str | None:
    """A validator as it came, if it can go back byte for byte: latin-1, no control characters but tab, not endless."""
    return value if value and len(value) <= MAX_VALIDATOR and _SENDABLE.fullmatch(value) else None


def _conditions(validators: Validators) -> Headers:
    """Both validators (RFC 9110 13.1). With an ETag a server may send only what is new (RFC 3229, `A-IM: feed`)."""
    tag = (("A-IM", "feed"), ("If-None-Match", validators.etag)) if validators.etag is not None else ()
    since = (("If-Modified-Since", validators.last_modified),) if validators.last_modified is not None else ()
    return (*tag, *since)


def _merged(headers: Iterable[tuple[str, str]], taken: set[str]) -> Headers:
    """The first header of each name, without those in `taken`."""
    kept: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        if name.lower() not in taken:
            kept.setdefault(name.lower(), (name, value))
    return tuple(kept.values())
