"""The subscriber's side of WebSub (`network.websub`): asks the hubs that sources name to push, and knows who may.

What a source's hub is and how the subscription stands is one stored value a source. Sections are of the W3C recommendation.
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
"""Seconds of a lease that are asked for (10 days); the hub decides (5.1)."""
RENEW_SHARE = 0.2
"""Share of a lease that is left when it is renewed."""
ASK_AGAIN = 3_600.0
"""Seconds until the next request to a hub that has not verified, or refused: doubled each time."""
MOST_DOUBLED = 5
"""Times that it is doubled: a hub that never answers is asked every 32 hours."""
LONGEST_LEASE = 30 * 86_400.0
"""Seconds of a lease that are believed: a hub that forgets us in its tenth year would not tell."""
_HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
"""Methods of X-Hub-Signature that are recognised (7.1)."""


class Push(Struct, frozen=True):
    """A source's hub and how the subscription stands. token: names the source in the callback's address, and nobody can guess it.

    asked: when the hub was last asked, and tries: how often since it last agreed. lease: seconds that it granted; until: when
    that ends (0: nothing is granted). leaving: it is being ended, for the source is not to be pushed any more.
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

    def is_wanted(self, now: Instant) -> bool:
        """Whether to ask the hub now: for the first time, again, or for a renewal in time. A clock set back delays nothing."""
        left = self.until - now
        late = left > 0.0 if self.leaving else not RENEW_SHARE * self.lease < left <= self.lease
        return late and self._may_ask(now)

    def is_over(self, now: Instant) -> bool:
        """Whether nothing is left of a subscription that is being ended: the hub agreed, or its lease ran out."""
        return self.leaving and not self.is_active(now)

    def _may_ask(self, now: Instant) -> bool:
        return not 0.0 <= now - self.asked < ASK_AGAIN * 2.0 ** min(max(self.tries - 1, 0), MOST_DOUBLED)


def known(store: Values, source: SourceId) -> Push | None:
    text = store.value(KEY + source)
    return Push(**json.loads(text)) if text else None


def every(store: Values) -> dict[SourceId, Push]:
    """What is stored of all sources, those that left the config, too."""
    return {SourceId(key.removeprefix(KEY)): Push(**json.loads(text)) for key, text in store.values(KEY).items()}


def save(transaction: ValueWrites, source: SourceId, push: Push | None) -> None:
    transaction.set_value(KEY + source, json.dumps(asdict(push)) if push else None)


class Hubs:
    """See ports.Hubs."""

    def __init__(self, store: Values) -> None:
        self._store = store

    def note(self, transaction: ValueWrites, source: SourceId, feed: Feed, url: str) -> None:
        before = known(self._store, source)
        push = noticed(before, feed, url)
        if push != before:
            save(transaction, source, push)

    def pushes_until(self, source: SourceId) -> Instant:
        push = known(self._store, source)
        return push.until if push is not None else 0.0


def noticed(before: Push | None, feed: Feed, url: str) -> Push | None:
    """The push that a document calls for: another hub or topic begins anew, none ends it. url: where the document came from."""
    if feed.hub is None:
        return None
    topic = feed.self_url or url
    if before is not None and (before.hub, before.topic) == (feed.hub, topic):
        return before
    return Push(feed.hub, topic, secrets.token_urlsafe(24), secrets.token_hex(32))


def callback(site_url: str, push: Push) -> str:
    return f"{site_url}/push/{push.token}"


def wished(push: Push, wanted: bool) -> Push:
    """The push as the config wants it: begun, or ended. A change is told to the hub at once."""
    return push if push.leaving is not wanted else replace(push, leaving=not wanted, asked=0.0, tries=0)


def asked(push: Push, now: Instant) -> Push:
    return replace(push, asked=now, tries=push.tries + 1)


def request(push: Push, site_url: str) -> Message:
    """The request to the hub (5.1). Every push must then be signed with the secret, or it is not believed."""
    form = {
        "hub.mode": "unsubscribe" if push.leaving else "subscribe",
        "hub.topic": push.topic,
        "hub.callback": callback(site_url, push),
        "hub.lease_seconds": str(LEASE),
        "hub.secret": push.secret,
    }
    return Message("POST", push.hub, (("Content-Type", "application/x-www-form-urlencoded"),), urlencode(form).encode())


def verified(push: Push, query: Mapping[str, str], now: Instant) -> tuple[Push, str] | None:
    """The push after a hub's verification of intent (5.3) and the challenge to echo; None for what we did not ask for."""
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


def denied(push: Push, query: Mapping[str, str]) -> Push | None:
    """The push after a hub's refusal (5.2), or None if this is none."""
    if query.get("hub.mode") != "denied" or query.get("hub.topic") != push.topic:
        return None
    return replace(push, lease=0.0, until=0.0)


def is_signed(push: Push, signature: str | None, body: bytes) -> bool:
    """Whether a push is the hub's own (7.1): without a valid signature it is not believed."""
    method, _, digest = (signature or "").partition("=")
    if method not in _HASHES:
        return False
    expected = hmac.new(push.secret.encode(), body, _HASHES[method]).hexdigest()
    return hmac.compare_digest(expected.encode(), digest.strip().lower().encode("utf-8", "replace"))
