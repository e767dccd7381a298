"""The subscriber's rules of WebSub (`network.websub`): when to ask a source's hub, and which pushes to trust.

Each source has one stored value: its hub and the state of the subscription. Sections refer to the W3C Recommendation.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import asdict, replace

from aggregator.model import Feed, Instant, SourceId
from aggregator.ports import Message, Values, ValueWrites

KEY = "push."
"""Prefix of the stored values."""
LEASE = 864_000
"""Seconds of the lease that we request (10 days); the hub decides (5.1)."""
RENEW_SHARE = 0.2
"""A lease is renewed when this share of it is left."""
ASK_AGAIN = 3_600.0
"""Seconds until the next request to a hub that has not verified or has refused; doubled each time."""
MOST_DOUBLED = 5
"""Number of doublings: a hub that never answers is asked every 32 hours."""
LONGEST_LEASE = 30 * 86_400.0
"""Seconds of a lease at most, whatever the hub grants: a hub that has forgotten us would not tell."""
_HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
"""Methods of X-Hub-Signature that are recognised (7.1)."""


class PushSubscription(Struct, frozen=True):
    """A source's hub and the state of our subscription. token: unguessable, names the source in the callback URL.

    asked: when the hub was last asked; tries: how often since it last agreed; lease: seconds granted; until: when the lease ends
    (0: none granted); leaving: the subscription is being ended.
    """

    hub: str
    topic: str
    token: str
    secret: str
    asked: Instant = 0.0
    lease: float = 0.0
    until: Instant = 0.0
    tries: int = 0
    leaving: bool = False

    def is_active(self, now: Instant) -> bool:
        return self.until > now

    def should_ask(self, now: Instant) -> bool:
        """True if the hub should be asked now: first request, retry, or renewal. A clock that is set back delays nothing."""
        left = self.until - now
        is_due = left > 0.0 if self.leaving else not RENEW_SHARE * self.lease < left <= self.lease
        return is_due and self._may_ask(now)

    def has_ended(self, now: Instant) -> bool:
        """True if a subscription that was being ended is over: the hub agreed, or the lease ran out."""
        return self.leaving and not self.is_active(now)

    def _may_ask(self, now: Instant) -> bool:
        return not 0.0 <= now - self.asked < ASK_AGAIN * 2.0 ** min(max(self.tries - 1, 0), MOST_DOUBLED)


def load(store: Values, source: SourceId) -> PushSubscription | None:
    text = store.value(KEY + source)
    return PushSubscription(**json.loads(text)) if text else None


def load_all(store: Values) -> dict[SourceId, PushSubscription]:
    """Returns the subscriptions of all sources, including those that left the config."""
    return {SourceId(key.removeprefix(KEY)): PushSubscription(**json.loads(text)) for key, text in store.values(KEY).items()}


def save(transaction: ValueWrites, source: SourceId, push: PushSubscription | None) -> None:
    transaction.set_value(KEY + source, json.dumps(asdict(push)) if push else None)


class Hubs:
    """Implements ports.Hubs."""

    def __init__(self, store: Values) -> None:
        self._store = store

    def save_hub(self, transaction: ValueWrites, source: SourceId, feed: Feed, url: str) -> None:
        before = load(self._store, source)
        push = after_document(before, feed, url)
        if push != before:
            save(transaction, source, push)

    def pushes_until(self, source: SourceId) -> Instant:
        push = load(self._store, source)
        return push.until if push is not None else 0.0


def after_document(before: PushSubscription | None, feed: Feed, url: str) -> PushSubscription | None:
    """Returns the subscription for the hub that a document names: a new one for another hub or topic, None without a hub.

    url: where the document came from.
    """
    if feed.hub is None:
        return None
    topic = feed.self_url or url
    if before is not None and (before.hub, before.topic) == (feed.hub, topic):
        return before
    return PushSubscription(feed.hub, topic, secrets.token_urlsafe(24), secrets.token_hex(32))


def callback(site_url: str, push: PushSubscription) -> str:
    return f"{site_url}/push/{push.token}"


def as_wanted(push: PushSubscription, wanted: bool) -> PushSubscription:
    """Returns the subscription to be kept or ended, as the config wants it. After a change, the hub is asked at once."""
    return push if push.leaving is not wanted else replace(push, leaving=not wanted, asked=0.0, tries=0)


def after_request(push: PushSubscription, now: Instant) -> PushSubscription:
    return replace(push, asked=now, tries=push.tries + 1)


def make_request(push: PushSubscription, site_url: str) -> Message:
    """Makes the request to the hub (5.1). The hub must then sign every push with the secret (7.1)."""
    form = {
        "hub.mode": "unsubscribe" if push.leaving else "subscribe",
        "hub.topic": push.topic,
        "hub.callback": callback(site_url, push),
        "hub.lease_seconds": str(LEASE),
        "hub.secret": push.secret,
    }
    return Message("POST", push.hub, (("Content-Type", "application/x-www-form-urlencoded"),), urlencode(form).encode())


def after_verification(push: PushSubscription, query: Mapping[str, str], now: Instant) -> tuple[PushSubscription, str] | None:
    """Returns the subscription after a hub's verification (5.3) and the challenge to echo; None if we did not ask for it."""
    mode = "unsubscribe" if push.leaving else "subscribe"
    if push.asked == 0.0 or (query.get("hub.topic"), query.get("hub.mode")) != (push.topic, mode):
        return None
    challenge = query.get("hub.challenge")
    if not challenge:
        return None
    if push.leaving:
        return replace(push, lease=0.0, until=0.0), challenge
    seconds = query.get("hub.lease_seconds", "")
    lease = float(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 20 else float(LEASE)
    lease = min(lease, LONGEST_LEASE)
    return replace(push, lease=lease, until=now + lease, tries=0), challenge


def after_denial(push: PushSubscription, query: Mapping[str, str]) -> PushSubscription | None:
    """Returns the subscription after a hub's denial (5.2), or None if the query is not one."""
    if query.get("hub.mode") != "denied" or query.get("hub.topic") != push.topic:
        return None
    return replace(push, lease=0.0, until=0.0)


def is_signed(push: PushSubscription, signature: str | None, body: bytes) -> bool:
    """True if a push has a valid signature of the hub (7.1)."""
    method, _, digest = (signature or "").partition("=")
    if method not in _HASHES:
        return False
    expected = hmac.new(push.secret.encode(), body, _HASHES[method]).hexdigest()
    return hmac.compare_digest(expected.encode(), digest.strip().lower().encode("utf-8", "replace"))
