"""Posts to Mastodon over our own connection: with `Idempotency-Key`, so that a message which is sent again is no second post.

Apprise knows these addresses, too, but sends no such header. Ours is one request, checked like those to webhooks.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from aggregator.model import Fault
from aggregator.ports import FAILED, SENT, UNKNOWN, Message, Messenger, Notice, Sent

SCHEMES = {"mastodon": "http", "toot": "http", "mastodons": "https", "toots": "https"}
OPTIONS = {"visibility": "visibility", "spoiler": "spoiler_text", "language": "language"}
"""Parameters of the address, and what Mastodon calls them."""
VISIBILITIES = frozenset({"public", "unlisted", "private"})
LONGEST = 500
"""Characters of a post on an instance with default settings."""
LINK = 23
"""Characters that any link counts for."""


class Account(Struct, frozen=True):
    """Where to post. options: further fields of each post."""

    url: str
    token: str
    options: dict[str, str]

    def __repr__(self) -> str:
        return "Account()"


def is_address(url: str) -> bool:
    return url.partition("://")[0].lower() in SCHEMES


def read_address(url: str) -> Account | str:
    """The account of `mastodons://TOKEN@HOST?visibility=unlisted`, or what is wrong with the address, without any part of it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "this address has a host or port that is not valid"
    query = parse_qs(parts.query)
    token = unquote(parts.username or "") or query.get("token", [""])[0]
    if not host or not token or parts.password:
        return "write `mastodons://TOKEN@HOST`, with the access token of an application that may write statuses"
    if parts.path.strip("/") or query.keys() - OPTIONS.keys() - {"token"}:
        return f"a post has no receivers, and of parameters only {', '.join(OPTIONS)} are known"
    if query.get("visibility", ["public"])[0] not in VISIBILITIES:
        return f"the visibility is one of {', '.join(sorted(VISIBILITIES))}"
    place = f"[{host}]" if ":" in host else host
    base = f"{SCHEMES[parts.scheme.lower()]}://{place}{f':{port}' if port else ''}"
    options = {OPTIONS[name]: values[0] for name, values in query.items() if name in OPTIONS}
    return Account(f"{base}/api/v1/statuses", token, options)


async def post(url: str, notice: Notice, messenger: Messenger) -> Sent:
    """Posts the message. The server keeps the key for an hour."""
    account = read_address(url)
    if isinstance(account, str):
        return Sent(FAILED, account)
    text = shorten("\n\n".join(filter(None, (notice.title, notice.body))))
    headers = (
        ("Authorization", f"Bearer {account.token}"),
        ("Content-Type", "application/json"),
        ("Idempotency-Key", notice.key),
    )
    reply = await messenger.send(Message("POST", account.url, headers, json.dumps(account.options | {"status": text}).encode()))
    if isinstance(reply, Fault):
        return Sent(UNKNOWN if reply.detail.startswith("too slow") else FAILED, reply.detail)
    return Sent(SENT) if 200 <= reply.status < 300 else Sent(FAILED, f"answered {reply.status}")


def shorten(text: str) -> str:
    """The text without the lines at its end that a post has no room for."""
    lines = text.split("\n")
    while len(lines) > 1 and sum(map(_length, lines)) + len(lines) > LONGEST:
        lines.pop()
    return "\n".join(lines).rstrip() if len(lines) > 1 else text[:LONGEST]


def _length(line: str) -> int:
    return sum(LINK if word.startswith(("http://", "https://")) else len(word) for word in line.split(" ")) + line.count(" ")
