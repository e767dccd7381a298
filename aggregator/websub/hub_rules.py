"""The hub's rules (W3C WebSub): reading requests, verifying intent, headers of deliveries, and retries. Pure."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Mapping
from math import ceil
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from aggregator.fetch.guard import literal_address, unwrap
from aggregator.model import Fault, Instant
from aggregator.ports import Delivery, Reply, Subscription
from aggregator.publish.messages.webhooks import sign
from aggregator.text.urls import registrable_domain, resolve

SHORTEST_LEASE = 300
LONGEST_LEASE = 864_000
"""Seconds of a lease: five minutes to ten days; the longest is the default (WebSub 5.1)."""
SECRET_LIMIT = 200
"""Bytes; a secret must be shorter (WebSub 5.1)."""
PER_TOPIC = 2_000
PER_DOMAIN = 200
"""Subscriptions to one feed, and from callbacks of one domain to all feeds."""
RATE_SECONDS = 60.0
RATE_PER_DOMAIN = 30
RATE_IN_ALL = 300
"""Verifications per RATE_SECONDS, to callbacks of one domain and of all: a callback may be anybody's address."""
FIRST_RETRY = 60.0
"""Seconds from the first failed delivery to the next try; doubled each time."""
LAST_TRY = 86_400.0
"""Seconds after which a delivery is given up."""
_CALLBACK = re.compile(r"https?://(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%(?![01]|7F)[0-9A-F]{2})+", re.A | re.I)
"""An address of the characters of RFC 3986, without a fragment and encoded control characters. `resolve` refuses a user."""


class HubRequest(Struct, frozen=True):
    """A request to subscribe or unsubscribe. topic: the feed's path; topic_url: as the subscriber wrote it."""

    mode: str
    topic: str
    topic_url: str
    callback: str
    lease: int
    secret: str | None
    domain: str


class Refused(Struct, frozen=True):
    """Why a request is refused: one line for the subscriber's developer."""

    reason: str


def read_request(form: Mapping[str, str], topic_of: Callable[[str], str | None]) -> HubRequest | Refused:
    """Reads a request to the hub. topic_of: returns the path of one of our feeds by its public URL, else None."""
    mode = form.get("hub.mode", "")
    if mode not in ("subscribe", "unsubscribe"):
        return Refused("hub.mode must be subscribe or unsubscribe")
    topic_url = form.get("hub.topic", "")
    topic = topic_of(topic_url)
    if topic is None:
        return Refused("hub.topic is not a feed of this hub")
    callback = form.get("hub.callback", "")
    if not _can_be_asked(callback):
        return Refused("hub.callback must be an absolute http or https address without user, fragment and control characters")
    secret = form.get("hub.secret") or None
    if secret is not None and len(secret.encode()) >= SECRET_LIMIT:
        return Refused(f"hub.secret must be shorter than {SECRET_LIMIT} bytes")
    return HubRequest(mode, topic, topic_url, callback, _lease(form.get("hub.lease_seconds", "")), secret, domain_of(callback))


def _can_be_asked(callback: str) -> bool:
    """True if exactly this address can be requested: what URLs may not hold is dropped or encoded on the way, in silence."""
    return _CALLBACK.fullmatch(callback) is not None and resolve(None, callback) is not None and urlsplit(callback).port != 0


def domain_of(callback: str) -> str:
    """Returns whom a callback belongs to: its registrable domain, its IPv4 address, or its IPv6 /64, which one customer has.

    All spellings of an address are one (`0x1.2.772`, `16909060`, `[::ffff:1.2.3.4]`).
    """
    address = literal_address(urlsplit(callback).hostname or "")
    if address is None:
        return registrable_domain(callback)
    address = unwrap(address)
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def _lease(asked: str) -> int:
    seconds = int(asked) if re.fullmatch(r"[0-9]{1,12}", asked) else LONGEST_LEASE
    return min(max(seconds, SHORTEST_LEASE), LONGEST_LEASE)


def why_full(of_topic: int, of_domain: int) -> Refused | None:
    """Refuses a new subscription if the feed or the callback's domain has too many; None if it fits."""
    if of_topic >= PER_TOPIC:
        return Refused("this feed has as many subscribers as the hub serves")
    if of_domain >= PER_DOMAIN:
        return Refused("this domain has as many subscriptions as the hub gives to one")
    return None


class RateLimit:
    """Limits verifications per window of RATE_SECONDS. It keeps one window, so RATE_IN_ALL bounds its memory."""

    def __init__(self) -> None:
        self._began: Instant = 0.0
        self._asked: Counter[str] = Counter()

    def wait(self, domain: str, now: Instant) -> int | None:
        """Counts a verification of a domain's callback; if there are too many, returns the seconds until the next is allowed."""
        if not 0.0 <= now - self._began < RATE_SECONDS:
            self._began, self._asked = now, Counter()
        if self._asked[domain] >= RATE_PER_DOMAIN or self._asked.total() >= RATE_IN_ALL:
            return max(1, ceil(self._began + RATE_SECONDS - now))
        self._asked[domain] += 1
        return None


def verification_url(asked: HubRequest, challenge: str) -> str:
    """Builds the URL that must echo the challenge (WebSub 5.3); the callback's own query stays."""
    added = {"hub.mode": asked.mode, "hub.topic": asked.topic_url, "hub.challenge": challenge}
    if asked.mode == "subscribe":
        added["hub.lease_seconds"] = str(asked.lease)
    return with_query(asked.callback, added)


def denial_url(callback: str, topic_url: str, reason: str) -> str:
    """Builds the URL that tells a subscriber that its subscription is over (WebSub 5.2)."""
    return with_query(callback, {"hub.mode": "denied", "hub.topic": topic_url, "hub.reason": reason})


def with_query(url: str, added: Mapping[str, str]) -> str:
    return url + ("&" if urlsplit(url).query else "?") + urlencode(added, quote_via=quote)


def is_confirmed(reply: Reply | Fault, challenge: str) -> bool:
    """True if the subscriber confirms its intent: a 2xx with the challenge as its whole body (WebSub 5.3.1)."""
    return isinstance(reply, Reply) and 200 <= reply.status < 300 and hmac.compare_digest(reply.body, challenge.encode())


def make_subscription(asked: HubRequest, now: Instant) -> Subscription:
    return Subscription(asked.topic, asked.callback, asked.secret, now + asked.lease, now, asked.domain)


def delivery_headers(
    content_type: str, hub_url: str, topic_url: str, secret: str | None, body: bytes
) -> tuple[tuple[str, str], ...]:
    """Builds the headers of a delivery (WebSub 7), with a signature if the subscriber gave a secret (7.1)."""
    plain = (("Content-Type", content_type), ("Link", f'<{hub_url}>; rel="hub", <{topic_url}>; rel="self"'))
    return (*plain, ("X-Hub-Signature", sign(secret, body))) if secret else plain


class Outcome(Struct, frozen=True):
    """The result of an attempt. retry: the delivery to store for the next one; ended: the subscriber wants no more (410)."""

    reason: str
    retry: Delivery | None = None
    ended: bool = False


def decide_outcome(delivery: Delivery, reply: Reply | Fault, now: Instant) -> Outcome:
    """Decides what follows from a reply: 2xx is delivered, 410 ends the subscription, all else (also redirects) is retried.

    The wait doubles with each attempt, and a delivery is given up after LAST_TRY.
    """
    if isinstance(reply, Reply):
        if 200 <= reply.status < 300:
            return Outcome("delivered")
        if reply.status == 410:
            return Outcome("the subscriber is gone", ended=True)
        reason = f"answered {reply.status}"
    else:
        reason = reply.detail
    wait = FIRST_RETRY * 2**delivery.attempts
    if now + wait > delivery.created + LAST_TRY:
        return Outcome(f"given up after {delivery.attempts + 1} attempts: {reason}")
    return Outcome(reason, retry=replace(delivery, due=now + wait, attempts=delivery.attempts + 1, last_error=reason))
