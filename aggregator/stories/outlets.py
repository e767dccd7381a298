"""Decides which outlet an entry speaks for. That is not always the feed, and never a site that the entry only links to.

A source speaks for its own domains: the domain of its address, those that `outlet:` and `outlets:` name, and (Feedburner and the
like) the one that most of its entries link to, unless another source has it. An entry that links elsewhere is second-hand: the
source's own voice about another site's page. Nine feeds of one paper are one outlet, two blogs of one platform are two.
What is called a domain here is a publisher of `text.publishers`: on a platform, a blog, a channel or an account.
See docs/decisions/036-whom-an-entry-speaks-for.md and 051-outlets-by-name.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct

from aggregator.model import Entry, Instant, Source, SourceId, SourceState
from aggregator.ports import Values, ValueWrites
from aggregator.stories.domains import Owners, is_shared
from aggregator.text.outlet_names import outlet_in, whole_title, without_outlet
from aggregator.text.publishers import KNOWN, Publishers
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
_DOMAIN = re.compile(r"(?:https?://)?([\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,})/?")
"""A name that is read as a domain."""
LEARNT_FROM = 20
"""Entries with a link from which a source's domain is learnt for good: a page or two of a feed. Later entries change nothing, so
that an established feed can't take over another outlet's domain."""

Claims: TypeAlias = Callable[[str], Mapping[SourceId, Instant]]
"""Returns the sources that have learnt a domain as theirs, and when: `claims` with a store."""
_CLAIM = "domain:"
"""Prefix of the stored values that keep claims."""


class Voice(Struct, frozen=True):
    """Whom a source speaks for. key: counts outlets; domains: the source's own; named: the config's outlets, folded.

    unsaid: the platform that its address is on: pages there that do not say whose they are count as its own. names: as `Owners`.
    called: what its outlet is called beside `name`, in titles.
    """

    name: str
    key: str
    domains: frozenset[str]
    named: Collection[str] = frozenset()
    unsaid: str = ""
    names: Mapping[str, str] = {}
    called: tuple[str, ...] = ()
    publishers: Publishers = KNOWN

    def owns(self, domain: str) -> bool:
        """True if a domain is the source's own, or lies in one: the accounts of a server are its feed's own pages."""
        if domain in self.domains or domain == self.unsaid:
            return True
        base = registrable_domain(domain)
        return "/" in domain and base in self.domains and not self.publishers.is_platform(base)


def count_domains(led: Mapping[str, int], entries: Iterable[Entry], publishers: Publishers = KNOWN) -> Mapping[str, int]:
    """Adds the domains that a document's entries link to, until LEARNT_FROM entries are counted."""
    if any(map(publishers.is_platform, led)):  # counted before the platform was known
        led = {domain: count for domain, count in led.items() if not publishers.is_platform(domain)}
    room = LEARNT_FROM - sum(led.values())
    if room <= 0:
        return led
    domains = (_plain_domain(entry.url, publishers) for entry in entries if entry.url)
    found = [domain for domain in domains if domain and not publishers.is_platform(domain)]
    return Counter(led) + Counter(found[:room]) if found else led


def learnt_domain(led: Mapping[str, int]) -> str | None:
    """Returns the domain that more than half of a source's counted entries link to, or None."""
    most = max(led, key=lambda domain: (led[domain], domain), default=None)
    return most if most is not None and 2 * led[most] > sum(led.values()) else None


def decide_voice(
    source: Source, led: Mapping[str, int], home: str | None, owned: Owners, claims: Claims, title: str | None = None
) -> Voice:
    """Decides whom a source speaks for. claims: asked if that would be a domain other than its address's.

    home: the feed's page; it names the publisher if the address is a shared one and no entry has linked anywhere yet.
    title: the feed's own.
    """
    address, shared = owned.publishers.of(source.url), is_shared(source.url)
    outlet = source.outlet or owned.names.get(address)
    domains = {address, *(owned.domains_of(outlet) if outlet else ())}
    domain = learnt_domain(led)
    if shared and home and not led:
        domain = _plain_domain(home, owned.publishers) or None
        domain = None if domain and owned.publishers.is_platform(domain) else domain
    if domain is not None and domain not in domains and _is_free(domain, source, shared, owned, claims):
        domains |= {domain, *(owned.domains_of(owned.names[domain]) if shared and domain in owned.names else ())}
    base = registrable_domain(source.url)
    unsaid = base if base != address and owned.publishers.is_platform(base) else ""
    titles = _titles(source, address, title)
    rest = frozenset(domains), owned.outlets.keys(), unsaid, owned.names, titles, owned.publishers
    if outlet:
        return Voice(outlet, fold(outlet), *rest)
    if shared and domain is not None and domain in domains:
        name = owned.names.get(domain)
        return Voice(name, fold(name), *rest) if name else Voice(_name(domain, source, owned, title), domain, *rest)
    if shared or not address:
        return Voice(source.title or source.id, source.id, *rest)
    return Voice(_name(address, source, owned, title), address, *rest)


def _titles(source: Source, address: str, title: str | None) -> tuple[str, ...]:
    """What a source's titles call its outlet: for headlines, which may end with it. A section is not an outlet."""
    configured = outlet_in(source.title, address, trusted=True) if source.title else None
    return tuple(name for name in (configured, title and (outlet_in(title, address) or whole_title(title))) if name)


def headline_of(entry: Entry, outlet: str, key: str, voice: Voice) -> str | None:
    """The title without the outlet's name; None if it has none. outlet, key: whom the entry speaks for."""
    names = {outlet, voice.name, *voice.called, *([entry.origin.title] if entry.origin and entry.origin.title else ())}
    domains = {key, *voice.domains, *([voice.publishers.of(entry.url)] if entry.url else ())}
    shown = without_outlet(entry.title, names, [domain for domain in domains if "." in domain])
    return None if shown == entry.title else shown


def _name(domain: str, source: Source, owned: Owners, title: str | None) -> str:
    """How people call a domain: by the titles of the config, else by the feed's own as far as the domain bears it out."""
    name = owned.titles.get(domain) or (
        outlet_in(source.title, domain, trusted=True) if source.title and source.private else None
    )
    if name is None and title:
        name = outlet_in(title, domain)
        platform = owned.publishers.platform_of(domain)
        if domain.startswith("youtube.com/channel/"):
            name = whole_title(title)  # an id says nothing
        elif "/" in domain:
            name = None  # an account says who it is
        if platform is not None:  # anybody may call a blog there like a paper
            name = name and f"{name} ({platform})"
        elif name is not None and fold(name) in owned.outlets:
            name = None
    return name or domain


def _is_free(domain: str, source: Source, shared: bool, owned: Owners, claims: Claims) -> bool:
    """True if a source may speak for the domain that its entries link to.

    It may not if another source's address is there, if `outlets:` gives it to another outlet, or if a source of another address
    has learnt it before. A source on a shared host, which has no other name, yields only to those that have none either.
    """
    if domain in owned.addresses or (domain in owned.names and not shared):
        return False
    address, learned = owned.publishers.of(source.url), claims(domain)
    homes = {other: owned.homes.get(other, address) for other in learned}
    rivals = [other for other, home in homes.items() if home != address and (is_shared(home) or not shared)]
    mine = learned.get(source.id, float("inf")), source.id
    return all((learned[other], other) > mine for other in rivals)


def claims(store: Values, domain: str) -> Mapping[SourceId, Instant]:
    """Returns the sources that have learnt a domain, and when each did."""
    key = f"{_CLAIM}{domain} "
    return {SourceId(name.removeprefix(key)): float(at) for name, at in store.values(key).items()}


def claim(transaction: ValueWrites, store: Values, state: SourceState, now: Instant, publishers: Publishers = KNOWN) -> None:
    """Stores, once, that a source has learnt a domain other than that of its address."""
    domain = learnt_domain(state.led)
    if domain is None or domain == publishers.of(state.url):
        return
    key = f"{_CLAIM}{domain} {state.id}"
    if store.value(key) is None:
        transaction.set_value(key, repr(now))


def outlet_of(entry: Entry, source: Source, voice: Voice) -> tuple[str, str, bool]:
    """Returns an entry's outlet as (name to show, key to count by, whether the entry is second-hand)."""
    domain = _plain_domain(entry.url, voice.publishers) if entry.url else ""
    second_hand = bool(domain) and not voice.owns(domain)
    if source.outlet or not source.aggregator or entry.origin is None:
        return voice.name, voice.key, second_hand
    named = voice.publishers.of(entry.origin.url) if entry.origin.url else ""
    if is_shared(named):
        named = domain if second_hand else ""
    name = (entry.origin.title or "").strip()
    if named in voice.names:
        name, named = voice.names[named], fold(voice.names[named])
    if not (name or named):
        return voice.name, voice.key, second_hand
    key = named or fold(name)
    return name or named, key, second_hand or key != voice.key


def is_unattributed(entry: Entry, source: Source) -> bool:
    """True for what an aggregator passes on without a word on whose it is: it counts as no outlet."""
    return source.aggregator and not source.outlet and (entry.origin is None or not (entry.origin.title or entry.origin.url))


def own_authors(entry: Entry, source: Source, voice: Voice) -> tuple[str, ...]:
    """The entry's authors without those that are called like another outlet: a byline is read as who publishes."""
    if source.aggregator:
        return entry.authors
    return tuple([name for name in entry.authors if not _is_another(fold(name).strip(), voice)])


def _is_another(name: str, voice: Voice) -> bool:
    if (found := _DOMAIN.fullmatch(name)) is not None:
        return not voice.owns(voice.publishers.of(found[1]))
    return name in voice.named and name != fold(voice.name)


def _plain_domain(url: str, publishers: Publishers) -> str:
    """Returns the publisher of a link; "" if its host only redirects."""
    domain = publishers.of(url)
    host = url.split("//", 1)[-1].split("/", 1)[0].lower()
    return "" if domain in _WRAPPERS or host in _WRAPPERS else domain
