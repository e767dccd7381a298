"""Whom an entry speaks for: the outlet, which is not always the feed, and never one that it only links to.

A source speaks for its own domains: that of its address, what `outlet:` names, and (Feedburner and the like) the one that most of
its entries have led to, unless another source has it. What links elsewhere is second-hand: the source's own voice about
somebody else's page. Nine section feeds of one publisher are one outlet. docs/decisions/036-whom-an-entry-speaks-for.md.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct

from aggregator.model import Entry, Instant, Source, SourceId, SourceState
from aggregator.ports import Values, ValueWrites
from aggregator.text.urls import registrable_domain
from aggregator.text.words import fold

_WRAPPERS = frozenset(
    [
        "feedproxy.google.com",
        "feeds.feedburner.com",
        "news.google.com",
        "t.co",
        "bit.ly",
        "feedsportal.com",
        "lnkd.in",
        "buff.ly",
        "trib.al",
    ]
)
"""Hosts that only forward to an article: they are nobody's outlet."""
_SHARED = frozenset(
    ["feedburner.com", "google.com", "feedsportal.com", "feedblitz.com", "rss.app", "rsshub.app", "fetchrss.com", "feed43.com"]
)
"""Domains that serve other people's feeds: the address of a feed there says nothing of who publishes."""
_ADDRESS = re.compile(r"[\d.]+|\[.*\]|[^.]*")
"""A host that is a number, or a name of one label (a proxy in one's own network): it serves whatever feeds it is asked for."""

LEARNT_FROM = 20
"""Entries with a link from which a source's domain is learnt, for good: a page or two of a feed. Later ones change nothing, so
that a feed that has made itself a name can't take another's."""

Claims: TypeAlias = Callable[[str], Mapping[SourceId, Instant]]
"""Which sources have learnt a domain as theirs, and when: `claims` of a store."""
_CLAIM = "domain:"
"""Begin of the keys under which the store keeps that."""


class Owners(Struct, frozen=True):
    """Whose a domain is by the config. addresses: the sources of each domain; homes: the domain of each source's address.

    outlets: the domains of what `outlet:` names, folded.
    """

    addresses: Mapping[str, frozenset[SourceId]] = {}
    outlets: Mapping[str, frozenset[str]] = {}
    homes: Mapping[SourceId, str] = {}


class Voice(Struct, frozen=True):
    """Whom a source speaks for: name as shown, key that outlets are counted by, and the domains that are its own."""

    name: str
    key: str
    domains: frozenset[str]


def owners(sources: Iterable[Source]) -> Owners:
    """Whose the domains of these sources are. A private one has none: whom others speak for must not tell that it is there."""
    addresses: defaultdict[str, set[SourceId]] = defaultdict(set)
    outlets: defaultdict[str, set[str]] = defaultdict(set)
    homes = {}
    for source in sources:
        if source.private:
            continue
        homes[source.id] = domain = registrable_domain(source.url)
        addresses[domain].add(source.id)
        if source.outlet:
            outlets[fold(source.outlet)] |= {domain} if not is_shared(source.url) else set()
            outlets[fold(source.outlet)] |= {registrable_domain(source.outlet)} if "." in source.outlet else set()
    return Owners(
        {domain: frozenset(ids) for domain, ids in addresses.items()},
        {outlet: frozenset(domains) for outlet, domains in outlets.items()},
        homes,
    )


def is_shared(url: str) -> bool:
    """Whether the host of a feed serves other people's feeds, too. True for no host at all."""
    domain = registrable_domain(url)
    return domain in _SHARED or _ADDRESS.fullmatch(domain) is not None


def led_to(led: Mapping[str, int], entries: Iterable[Entry]) -> Mapping[str, int]:
    """The domains that a source's first entries have led to, those of a document counted."""
    room = LEARNT_FROM - sum(led.values())
    if room <= 0:
        return led
    found = [domain for entry in entries if entry.url and (domain := _plain_domain(entry.url))]
    return Counter(led) + Counter(found[:room]) if found else led


def learnt(led: Mapping[str, int]) -> str | None:
    """The domain that more than half of a source's entries have led to."""
    most = max(led, key=lambda domain: (led[domain], domain), default=None)
    return most if most is not None and 2 * led[most] > sum(led.values()) else None


def voice_of(source: Source, led: Mapping[str, int], home: str | None, owned: Owners, claims: Claims) -> Voice:
    """Whom the source speaks for. claims: asked where it would speak for a domain that is not in its address.

    home: the feed's page, which names who publishes where the address says nothing and no entry led anywhere yet.
    """
    address, shared = registrable_domain(source.url), is_shared(source.url)
    domains = {address}
    if source.outlet:
        domains |= owned.outlets.get(fold(source.outlet), frozenset())
    domain = learnt(led)
    if shared and home and not led:
        domain = _plain_domain(home) or None
    if domain is not None and domain not in domains and _is_free(domain, source, shared, owned, claims):
        domains.add(domain)
    own = frozenset(domains)
    if source.outlet:
        return Voice(source.outlet, fold(source.outlet), own)
    if domain in own and domain is not None:
        return Voice(domain, domain, own)
    if shared or not address:
        return Voice(source.title or source.id, source.id, own)
    return Voice(address, address, own)


def _is_free(domain: str, source: Source, shared: bool, owned: Owners, claims: Claims) -> bool:
    """Whether a source may speak for the domain that its entries lead to.

    Not if another source has it by its address. A source with an address of its own also stands back behind one that learnt it
    before; one on a host that serves others' feeds has no other name, and shares it.
    """
    if domain in owned.addresses:
        return False
    if shared:
        return True
    address, learned = registrable_domain(source.url), claims(domain)
    own = learned.get(source.id, float("inf"))
    return not any(owned.homes.get(other, address) != address and (at, other) < (own, source.id) for other, at in learned.items())


def claims(store: Values, domain: str) -> Mapping[SourceId, Instant]:
    """The sources that have learnt a domain, and when each did."""
    key = f"{_CLAIM}{domain} "
    return {SourceId(name.removeprefix(key)): float(at) for name, at in store.values(key).items()}


def claim(transaction: ValueWrites, store: Values, state: SourceState, now: Instant) -> None:
    """Notes the domain that a source's entries lead to, once, if that is not the domain of its address."""
    domain = learnt(state.led)
    if domain is None or domain == registrable_domain(state.url):
        return
    key = f"{_CLAIM}{domain} {state.id}"
    if store.value(key) is None:
        transaction.set_value(key, repr(now))


def outlet_of(entry: Entry, source: Source, voice: Voice) -> tuple[str, str, bool]:
    """(name as shown, key that outlets are counted by, whether it is second-hand) of an entry."""
    domain = _plain_domain(entry.url) if entry.url else ""
    second_hand = bool(domain) and domain not in voice.domains
    if source.outlet or not source.aggregator or entry.origin is None:
        return voice.name, voice.key, second_hand
    named = registrable_domain(entry.origin.url) if entry.origin.url else ""
    if is_shared(named):
        named = domain if second_hand else ""
    name = (entry.origin.title or "").strip()
    if not (name or named):
        return voice.name, voice.key, second_hand
    key = named or fold(name)
    return name or named, key, second_hand or key != voice.key


def _plain_domain(url: str) -> str:
    """The registrable domain that a link leads to; "" if it only forwards."""
    domain = registrable_domain(url)
    host = url.split("//", 1)[-1].split("/", 1)[0].lower()
    return "" if domain in _WRAPPERS or host in _WRAPPERS else domain
