"""What a request says (RFC 9110): who asks, what it can read, and "only if it has changed"."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aggregator import __version__
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

Headers = tuple[tuple[str, str], ...]


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


def headers_for(request: FetchRequest, target: Target, home: Target, identity: Headers, keep: bool) -> Headers:
    """All headers of one request but `Host`, in sending order.

    home: the target of the configured address; its credentials and the source's own headers go to its origin alone.
    identity: `identity()`; keep: whether the connection may be used again.
    """
    own = request.headers if target.origin == home.origin else ()
    own = tuple((name, value) for name, value in own if name.lower() not in _OURS)
    taken = {name.lower() for name, _ in own}
    agent = (("User-Agent", request.user_agent),) if request.user_agent else ()
    base = _merged((*agent, *identity, ("Accept", ACCEPT)), taken)
    login = target.authorization or (home.authorization if target.origin == home.origin else None)
    credentials = (("Authorization", login),) if login and "authorization" not in taken else ()
    closing = () if keep else (("Connection", "close"),)
    condition = _conditions(validators_for(request, target))
    return (*base, ("Accept-Encoding", ACCEPT_ENCODING), *condition, *own, *credentials, *closing)


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
