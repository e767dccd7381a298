"""The hub's rules (W3C WebSub): what a request asks, how intent is verified, what is sent, what follows from an answer. Pure."""

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

from aggregator.model import Fault, Instant
from aggregator.ports import Delivery, Reply, Subscription
from aggregator.publish.notifications import sign
from aggregator.text.urls import registrable_domain, resolve

SHORTEST_LEASE = 300
LONGEST_LEASE = 864_000
"""Seconds: five minutes to ten days, which is also what is given where nothing is asked for (WebSub 5.1)."""
SECRET_LIMIT = 200
"""Bytes that a secret must stay below (WebSub 5.1)."""
PER_TOPIC = 2_000
PER_DOMAIN = 200
"""Subscriptions to one feed, and of callbacks of one domain to all of them."""
RATE_SECONDS = 60.0
RATE_PER_DOMAIN = 30
RATE_IN_ALL = 300
"""Verifications in so many seconds, with callbacks of one domain and of all: a callback may be anybody's address."""
FIRST_RETRY = 60.0
LAST_TRY = 86_400.0
"""Seconds after a failed delivery until the next, doubled each time; and until it is given up."""


class Asked(Struct, frozen=True):
    """A request for a subscription or its end. topic: the feed's path; topic_url: as the subscriber wrote it."""

    mode: str
    topic: str
    topic_url: str
    callback: str
    lease: int
    secret: str | None
    domain: str


class Refused(Struct, frozen=True):
    """Why a request is not taken: a line for the subscriber's developer."""

    reason: str


def read(form: Mapping[str, str], topic_of: Callable[[str], str | None]) -> Asked | Refused:
    """Reads a request to the hub. topic_of: the path of a feed of ours by its public address, or None for other people's."""
    mode = form.get("hub.mode", "")
    if mode not in ("subscribe", "unsubscribe"):
        return Refused("hub.mode must be subscribe or unsubscribe")
    topic_url = form.get("hub.topic", "")
    topic = topic_of(topic_url)
    if topic is None:
        return Refused("hub.topic is not a feed of this hub")
    callback = form.get("hub.callback", "")
    if not _is_written_well(callback) or resolve(None, callback) is None or urlsplit(callback).fragment:
        return Refused("hub.callback must be an absolute http or https address without fragment, spaces and control characters")
    secret = form.get("hub.secret") or None
    if secret is not None and len(secret.encode()) >= SECRET_LIMIT:
        return Refused(f"hub.secret must be shorter than {SECRET_LIMIT} bytes")
    return Asked(mode, topic, topic_url, callback, _lease(form.get("hub.lease_seconds", "")), secret, domain_of(callback))


def _is_written_well(url: str) -> bool:
    """Without line ends, other controls and spaces: urllib drops some of them silently, and then asks another address."""
    return url.isprintable() and " " not in url


def domain_of(callback: str) -> str:
    """Whose a callback is: the registrable domain, or of an address the network that one customer has (/64 of IPv6)."""
    domain = registrable_domain(callback)
    try:
        address = ipaddress.ip_address(domain.strip("[]"))
    except ValueError:
        return domain
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else domain


def _lease(asked: str) -> int:
    seconds = int(asked) if re.fullmatch(r"[0-9]{1,12}", asked) else LONGEST_LEASE
    return min(max(seconds, SHORTEST_LEASE), LONGEST_LEASE)


def has_room(of_topic: int, of_domain: int) -> Refused | None:
    """Whether one more subscription fits beside those that there are."""
    if of_topic >= PER_TOPIC:
        return Refused("this feed has as many subscribers as the hub serves")
    if of_domain >= PER_DOMAIN:
        return Refused("this domain has as many subscriptions as the hub gives to one")
    return None


class Rate:
    """Counts verifications in windows of RATE_SECONDS. It remembers one window, so its memory is bounded by RATE_IN_ALL."""

    def __init__(self) -> None:
        self._began: Instant = 0.0
        self._asked: Counter[str] = Counter()

    def wait(self, domain: str, now: Instant) -> int | None:
        """Counts one more with a callback of this domain; or says in how many seconds it may come again, and counts nothing."""
        if not 0.0 <= now - self._began < RATE_SECONDS:
            self._began, self._asked = now, Counter()
        if self._asked[domain] >= RATE_PER_DOMAIN or self._asked.total() >= RATE_IN_ALL:
            return max(1, ceil(self._began + RATE_SECONDS - now))
        self._asked[domain] += 1
        return None


def verification(asked: Asked, challenge: str) -> str:
    """The address that must echo the challenge (WebSub 5.3); the callback's own query stays."""
    added = {"hub.mode": asked.mode, "hub.topic": asked.topic_url, "hub.challenge": challenge}
    if asked.mode == "subscribe":
        added["hub.lease_seconds"] = str(asked.lease)
    return with_query(asked.callback, added)


def denial(callback: str, topic_url: str, reason: str) -> str:
    """The address that tells a subscriber that its subscription is over (WebSub 5.2)."""
    return with_query(callback, {"hub.mode": "denied", "hub.topic": topic_url, "hub.reason": reason})


def with_query(url: str, added: Mapping[str, str]) -> str:
    return url + ("&" if urlsplit(url).query else "?") + urlencode(added, quote_via=quote)


def is_confirmed(reply: Reply | Fault, challenge: str) -> bool:
    """Whether the subscriber means it: a 2xx with the challenge as its whole body."""
    return isinstance(reply, Reply) and 200 <= reply.status < 300 and hmac.compare_digest(reply.body, challenge.encode())


def subscription(asked: Asked, now: Instant) -> Subscription:
    return Subscription(asked.topic, asked.callback, asked.secret, now + asked.lease, now, asked.domain)


def headers(content_type: str, hub_url: str, topic_url: str, secret: str | None, body: bytes) -> tuple[tuple[str, str], ...]:
    """The headers of a delivery (WebSub 7); the signature only where a secret was given (7.1)."""
    plain = (("Content-Type", content_type), ("Link", f'<{hub_url}>; rel="hub", <{topic_url}>; rel="self"'))
    return (*plain, ("X-Hub-Signature", sign(secret, body))) if secret else plain


class Outcome(Struct, frozen=True):
    """What follows from an attempt. retry: the delivery to store; ended: the subscriber wants no more (410)."""

    reason: str
    retry: Delivery | None = None
    ended: bool = False


def after(delivery: Delivery, reply: Reply | Fault, now: Instant) -> Outcome:
    """2xx: done. 410: the subscription ends. All else, redirects too, is tried again, twice as late each time, for a day."""
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
