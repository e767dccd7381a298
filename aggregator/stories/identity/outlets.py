"""Decides which outlet an entry speaks for. That is not always the feed, and never a site that the entry only links to.

A source speaks for its own domains: the domain of its address, those that `outlet:` and `outlets:` name, and (Feedburner and the
like) the one that most of its entries link to, unless another source has it (`claims`). An entry that links elsewhere is
second-hand: the source's own voice about another site's page. Nine feeds of one paper are one outlet, two blogs of one platform
are two. What is called a domain here is a publisher of `text.publishers`: on a platform, a blog, a channel or an account.
See docs/decisions/036-whom-an-entry-speaks-for.md, 051-outlets-by-name.md and 053-who-has-a-domain.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Entry, Item, Source
from aggregator.stories.identity.claims import Claims, learnt_domain, why_not
from aggregator.stories.identity.domains import Owners, is_shared
from aggregator.text.outlet_names import (
    core_of,
    may_name_outlet,
    name_keys,
    outlet_in,
    strength,
    whole_title,
    without_outlet,
)
from aggregator.text.publishers import KNOWN, Publishers, counted_as
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


class Voice(Struct, frozen=True):
    """Whom a source speaks for. key: counts outlets; domains: the source's own; named: cores of the config's outlets.

    unsaid: the platform that its address is on: pages there that do not say whose they are count as its own. names: as `Owners`.
    server: the host of its address, whose accounts are its own pages; neighbours: accounts of other sources there.
    called: what its outlet is called beside `name`, in titles. reason: why this is its outlet; lost: the domain that its entries
    lead to, and why it is not its own.
    """

    name: str
    key: str
    domains: frozenset[str]
    named: Collection[str] = frozenset()
    unsaid: str = ""
    names: Mapping[str, str] = {}
    called: tuple[str, ...] = ()
    publishers: Publishers = KNOWN
    server: str = ""
    neighbours: Collection[str] = frozenset()
    reason: str = ""
    lost: tuple[str, str] | None = None

    def owns(self, domain: str) -> bool:
        """True if a domain is the source's own, or an account of the server that it is the feed of."""
        if domain in self.domains or domain == self.unsaid:
            return True
        is_account = "/" in domain and registrable_domain(domain) == self.server and not self.publishers.is_platform(self.server)
        return is_account and domain not in self.neighbours


def count_domains(
    led: Mapping[str, int], entries: Iterable[Entry], publishers: Publishers = KNOWN, *, shared: bool = False
) -> Mapping[str, int]:
    """Adds the domains that a document's entries link to, until LEARNT_FROM entries are counted.

    shared: the feed is on a shared host. The first domain that most of its entries lead to gives it its name: another one would
    make it two outlets.
    """
    if any(map(publishers.is_platform, led)):  # counted before the platform was known
        led = {domain: count for domain, count in led.items() if not publishers.is_platform(domain)}
    room = LEARNT_FROM - sum(led.values())
    if room <= 0 or (shared and learnt_domain(led) is not None):
        return led
    domains = (_plain_domain(entry.url, publishers) for entry in entries if entry.url)
    found = [domain for domain in domains if domain and not publishers.is_platform(domain)]
    return Counter(led) + Counter(found[:room]) if found else led


def decide_voice(
    source: Source, led: Mapping[str, int], home: str | None, owned: Owners, claims: Claims, title: str | None = None
) -> Voice:
    """Decides whom a source speaks for. home: what its channel calls its page; title: the feed's own."""
    address, shared = owned.publishers.of(source.url), is_shared(source.url)
    outlet = source.outlet or owned.names.get(address)
    domains = {address, *(owned.domains_of(outlet) if outlet else ())}
    domain, lost = learnt_domain(led), None
    if domain is not None and domain not in domains:
        why = why_not(domain, source, home, owned, claims)
        if why is None:
            domains |= {domain, *(owned.domains_of(owned.names[domain]) if shared and domain in owned.names else ())}
        else:
            lost = domain, why
    base = registrable_domain(source.url)
    voice = Voice(
        source.title or source.id,
        source.id,
        frozenset(domains),
        owned.cores,
        base if base != address and owned.publishers.is_platform(base) else "",
        owned.names,
        _titles(source, address, title),
        owned.publishers,
        "" if shared else address,
        frozenset([owned.homes[id] for id in owned.accounts.get(address, ())]),
        "its address does not tell who publishes there, nor do its first links",
        lost,
    )
    if outlet:
        why = "`outlet` of its source" if source.outlet else f"`outlets:` gives it {address}"
        return replace(voice, name=outlet, key=fold(outlet), reason=why)
    if not shared and address:
        key = counted_as(address, owned.publishers)
        return replace(voice, name=_name(address, source, owned, claims, title), key=key, reason="the address of its feed")
    if domain is not None and domain in domains:
        learnt = f"most of its first entries lead to {domain}"
        if domain in owned.names:
            return replace(voice, name=owned.names[domain], key=fold(owned.names[domain]), reason=learnt)
        key = counted_as(domain, owned.publishers)
        return replace(voice, name=_name(domain, source, owned, claims, title), key=key, reason=learnt)
    return voice


def _titles(source: Source, address: str, title: str | None) -> tuple[str, ...]:
    """What a source's titles call its outlet: for headlines, which may end with it. A section is not an outlet."""
    configured = outlet_in(source.title, address, trusted=True) if source.title else None
    return tuple(name for name in (configured, title and (outlet_in(title, address) or whole_title(title))) if name)


def headline_of(entry: Entry, outlet: str, key: str, voice: Voice) -> str | None:
    """The title without the outlet's name; None if it has none. outlet, key: whom the entry speaks for."""
    if not may_name_outlet(entry.title):
        return None
    names = {outlet, voice.name, *voice.called, *([entry.origin.title] if entry.origin and entry.origin.title else ())}
    domains = {key, *voice.domains, *([voice.publishers.of(entry.url)] if entry.url else ())}
    shown = without_outlet(entry.title, names, [domain for domain in domains if "." in domain])
    return None if shown == entry.title else shown


def _name(domain: str, source: Source, owned: Owners, claims: Claims, title: str | None) -> str:
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
        elif name is not None and _is_anothers(name, domain, owned, claims):
            name = None
    return name or domain


def _is_anothers(name: str, domain: str, owned: Owners, claims: Claims) -> bool:
    """True if a person calls another outlet so, or if another source's domain bears the name out as well as this one or better.

    Of two of one name, both are shown by their domains: which of them is better known, no feed can tell.
    """
    if domain not in owned.called.get(core_of(name), {domain}):
        return True
    others = owned.like(name) | {
        one
        for key in name_keys(name)
        for id, learnt in claims.labelled(key).items()
        if is_shared(owned.homes.get(id, "")) and id in owned.homes
        for one in learnt
    }
    return any(strength(name, other) >= strength(name, domain) for other in others - {domain})


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
    key = counted_as(named, voice.publishers) or fold(name)
    return name or named, key, second_hand or key != voice.key


def tell_outlet(item: Item, voice: Voice | None) -> str:
    """Says for which outlet a stored entry counts, and why. voice: its source's; None if that has left the config."""
    if item.unattributed:
        return "counts for no outlet: who passes it on does not say whose it is"
    if voice is not None and item.outlet_key == voice.key:
        told = f"counts for {item.outlet}: {voice.reason}"
    elif item.aggregator:
        told = f"counts for {item.outlet}: who passes it on says that it is theirs"
    else:
        told = f"counts for {item.outlet}, as its source was known when it came"
    domain = _plain_domain(item.entry.url, voice.publishers if voice is not None else KNOWN) if item.entry.url else ""
    if not item.second_hand or not domain:
        return told
    why = f" ({voice.lost[1]})" if voice is not None and voice.lost is not None and voice.lost[0] == domain else ""
    return f"{told}; second-hand: it links to {domain}, which is not its own{why}"


def is_unattributed(entry: Entry, source: Source) -> bool:
    """True for what an aggregator passes on without a word on whose it is: it counts as no outlet."""
    return source.aggregator and not source.outlet and (entry.origin is None or not (entry.origin.title or entry.origin.url))


def own_authors(entry: Entry, source: Source, voice: Voice) -> tuple[str, ...]:
    """The entry's authors without those that are called like another outlet: a byline is read as who publishes."""
    if source.aggregator:
        return entry.authors
    return tuple([name for name in entry.authors if not _is_another(name, voice)])


def _is_another(name: str, voice: Voice) -> bool:
    if (found := _DOMAIN.fullmatch(fold(name).strip())) is not None:
        return not voice.owns(voice.publishers.of(found[1]))
    return bool(voice.named) and (core := core_of(name)) in voice.named and core != core_of(voice.name)


def _plain_domain(url: str, publishers: Publishers) -> str:
    """Returns the publisher of a link; "" if its host only redirects."""
    domain = publishers.of(url)
    host = url.split("//", 1)[-1].split("/", 1)[0].lower()
    return "" if domain in _WRAPPERS or host in _WRAPPERS else domain
