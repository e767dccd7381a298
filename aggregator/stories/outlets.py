"""Decides which outlet an entry speaks for. That is not always the feed, and never a site that the entry only links to.

A source speaks for its own domains: the domain of its address, those that `outlet:` names, and (Feedburner and the like) the one
that most of its entries link to, unless another source has it. An entry that links elsewhere is second-hand: the source's own
voice about another site's page. Nine section feeds of one publisher are one outlet.
See docs/decisions/036-whom-an-entry-speaks-for.md.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
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
"""Hosts that only redirect to articles: they are not outlets."""
_SHARED = frozenset(
    ["feedburner.com", "google.com", "feedsportal.com", "feedblitz.com", "rss.app", "rsshub.app", "fetchrss.com", "feed43.com"]
)
"""Domains that serve other people's feeds: a feed's address there does not tell who publishes it."""
_ADDRESS = re.compile(r"[\d.]+|\[.*\]|[^.]*")
"""A host that is an IP address or a single label (a proxy in one's own network): it may serve anybody's feeds."""

_DOMAIN = re.compile(r"(?:https?://)?([\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,})/?")
"""A name that is read as a domain."""
LEARNT_FROM = 20
"""Entries with a link from which a source's domain is learnt for good: a page or two of a feed. Later entries change nothing, so
that an established feed can't take over another outlet's domain."""

Claims: TypeAlias = Callable[[str], Mapping[SourceId, Instant]]
"""Returns the sources that have learnt a domain as theirs, and when: `claims` with a store."""
_CLAIM = "domain:"
"""Prefix of the stored values that keep claims."""


class Owners(Struct, frozen=True):
    """The domains that the config assigns. addresses: the sources at each domain; homes: the domain of each source's address.

    outlets: the domains of each `outlet:` name (folded).
    """

    addresses: Mapping[str, frozenset[SourceId]] = {}
    outlets: Mapping[str, frozenset[str]] = {}
    homes: Mapping[SourceId, str] = {}


class Voice(Struct, frozen=True):
    """Whom a source speaks for. key: counts outlets; domains: the source's own; named: the config's outlets, folded."""

    name: str
    key: str
    domains: frozenset[str]
    named: Collection[str] = frozenset()


def owners(sources: Iterable[Source]) -> Owners:
    """Collects the domains of sources. Private sources own none: other sources' outlets must not reveal that they exist."""
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
    """True if the host of an address serves other people's feeds, or there is no host."""
    domain = registrable_domain(url)
    return domain in _SHARED or _ADDRESS.fullmatch(domain) is not None


def led_to(led: Mapping[str, int], entries: Iterable[Entry]) -> Mapping[str, int]:
    """Adds the domains that a document's entries link to, until LEARNT_FROM entries are counted."""
    room = LEARNT_FROM - sum(led.values())
    if room <= 0:
        return led
    found = [domain for entry in entries if entry.url and (domain := _plain_domain(entry.url))]
    return Counter(led) + Counter(found[:room]) if found else led


def learnt(led: Mapping[str, int]) -> str | None:
    """Returns the domain that more than half of a source's counted entries link to, or None."""
    most = max(led, key=lambda domain: (led[domain], domain), default=None)
    return most if most is not None and 2 * led[most] > sum(led.values()) else None


def voice_of(source: Source, led: Mapping[str, int], home: str | None, owned: Owners, claims: Claims) -> Voice:
    """Decides whom a source speaks for. claims: asked if that would be a domain other than its address's.

    home: the feed's page; it names the publisher if the address is a shared one and no entry has linked anywhere yet.
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
    own, named = frozenset(domains), owned.outlets.keys()
    if source.outlet:
        return Voice(source.outlet, fold(source.outlet), own, named)
    if shared and domain is not None and domain in own:
        return Voice(domain, domain, own, named)
    if shared or not address:
        return Voice(source.title or source.id, source.id, own, named)
    return Voice(address, address, own, named)


def _is_free(domain: str, source: Source, shared: bool, owned: Owners, claims: Claims) -> bool:
    """True if a source may speak for the domain that its entries link to.

    It may not if another source's address is there, or if a source of another address has learnt it before. A source on a shared
    host, which has no other name, yields only to those that have none either.
    """
    if domain in owned.addresses:
        return False
    address, learned = registrable_domain(source.url), claims(domain)
    homes = {other: owned.homes.get(other, address) for other in learned}
    rivals = [other for other, home in homes.items() if home != address and (is_shared(home) or not shared)]
    mine = learned.get(source.id, float("inf")), source.id
    return all((learned[other], other) > mine for other in rivals)


def claims(store: Values, domain: str) -> Mapping[SourceId, Instant]:
    """Returns the sources that have learnt a domain, and when each did."""
    key = f"{_CLAIM}{domain} "
    return {SourceId(name.removeprefix(key)): float(at) for name, at in store.values(key).items()}


def claim(transaction: ValueWrites, store: Values, state: SourceState, now: Instant) -> None:
    """Stores, once, that a source has learnt a domain other than that of its address."""
    domain = learnt(state.led)
    if domain is None or domain == registrable_domain(state.url):
        return
    key = f"{_CLAIM}{domain} {state.id}"
    if store.value(key) is None:
        transaction.set_value(key, repr(now))


def outlet_of(entry: Entry, source: Source, voice: Voice) -> tuple[str, str, bool]:
    """Returns an entry's outlet as (name to show, key to count by, whether the entry is second-hand)."""
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


def own_authors(entry: Entry, source: Source, voice: Voice) -> tuple[str, ...]:
    """The entry's authors without those that are called like another outlet: a byline is read as who publishes."""
    if source.aggregator:
        return entry.authors
    return tuple([name for name in entry.authors if not _is_another(fold(name).strip(), voice)])


def _is_another(name: str, voice: Voice) -> bool:
    if (found := _DOMAIN.fullmatch(name)) is not None:
        return registrable_domain(found[1]) not in voice.domains
    return name in voice.named and name != fold(voice.name)


def _plain_domain(url: str) -> str:
    """Returns the registrable domain of a link; "" if its host only redirects."""
    domain = registrable_domain(url)
    host = url.split("//", 1)[-1].split("/", 1)[0].lower()
    return "" if domain in _WRAPPERS or host in _WRAPPERS else domain
