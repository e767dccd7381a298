"""Which domains the config gives to which outlets. What is called a domain is a publisher of `text.publishers`: on a platform, a
blog, a channel or an account. See docs/decisions/051-outlets-by-name.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec import Struct

from aggregator.model import Source, SourceId
from aggregator.settings import Outlet
from aggregator.text.outlet_names import core_of, index_keys, name_keys, outlet_in
from aggregator.text.publishers import ANY_PLATFORM, BUILT_IN, KNOWN, Publishers
from aggregator.text.suffixes import is_private
from aggregator.text.urls import registrable_domain
from aggregator.text.words import fold

T = TypeVar("T")
_SHARED = frozenset(
    ["feedburner.com", "google.com", "feedsportal.com", "feedblitz.com", "rss.app", "rsshub.app", "fetchrss.com", "feed43.com"]
)
"""Domains that serve other people's feeds: a feed's address there does not tell who publishes it."""
_ADDRESS = re.compile(r"[\d.]+|\[.*\]|[^.]*")
"""A host that is an IP address or a single label (a proxy in one's own network): it may serve anybody's feeds."""


class Owners(Struct, frozen=True):
    """The domains that the config assigns. addresses: the sources at each domain; homes: the domain of each source's address.

    outlets: the domains of each outlet that the config names (folded); names: the outlet that `outlets:` gives a domain to;
    titles: what the titles of the config call the sources of a domain. accounts: the sources with accounts on each host.
    called: the domains of each name that a person wrote (its core), "" for a source without one; labels: the domains that may be
    meant by a word; cores: of the names of `outlets`. publishers: the rules by which addresses have domains.
    """

    addresses: Mapping[str, frozenset[SourceId]] = {}
    outlets: Mapping[str, frozenset[str]] = {}
    homes: Mapping[SourceId, str] = {}
    names: Mapping[str, str] = {}
    titles: Mapping[str, str] = {}
    accounts: Mapping[str, frozenset[SourceId]] = {}
    called: Mapping[str, frozenset[str]] = {}
    labels: Mapping[str, frozenset[str]] = {}
    cores: frozenset[str] = frozenset()
    publishers: Publishers = KNOWN

    def domains_of(self, outlet: str) -> frozenset[str]:
        return self.outlets.get(fold(outlet), frozenset())

    def like(self, name: str) -> frozenset[str]:
        """The sources' domains that may bear a name out."""
        return frozenset().union(*(self.labels.get(key, ()) for key in name_keys(name)))

    def near(self, domain: str) -> frozenset[str]:
        """The other sources' domains that may bear out the same names."""
        return frozenset().union(*(self.labels.get(key, ()) for key in index_keys(domain))) - {domain}


def collect_owners(sources: Iterable[Source], outlets: Mapping[str, Outlet] | None = None) -> Owners:
    """Collects the domains of sources and of `outlets:`.

    Private sources own none: other sources' outlets must not reveal that they exist.
    """
    outlets = outlets or {}
    publishers, names = _publishers(outlets), {domain: name for name, one in outlets.items() for domain in one.domains}
    named = {domain: name for domain, name in names.items() if not outlets[name].platform}
    domains: defaultdict[str, set[str]] = defaultdict(set)
    for domain, name in named.items():
        domains[fold(name)].add(domain)
    public = [source for source in sources if not source.private]
    homes, shared = {}, set()
    for source in public:
        homes[source.id] = publishers.of(source.url)
        if is_shared(source.url):  # here, while its domain is in the cache
            shared.add(source.id)
    for source in public:
        if source.outlet:
            domains[fold(source.outlet)] |= {homes[source.id]} if source.id not in shared else set()
            domains[fold(source.outlet)] |= {publishers.of(source.outlet)} if "." in source.outlet else set()
    addresses: defaultdict[str, set[SourceId]] = defaultdict(set)
    titles: defaultdict[str, list[str]] = defaultdict(list)
    for source in public:
        home = homes[source.id]
        outlet = source.outlet or named.get(home)
        for domain in {home, *(domains[fold(outlet)] & named.keys() if outlet else ())}:
            addresses[domain].add(source.id)
        if source.title and source.id not in shared:
            titles[home].append(outlet_in(source.title, home, trusted=True) or "")
    common = {domain: name for domain, found in titles.items() if (name := _in_common(found))}
    return Owners(
        {domain: frozenset(ids) for domain, ids in addresses.items()},
        {outlet: frozenset(found) for outlet, found in domains.items()},
        homes,
        named,
        common,
        _inverted((registrable_domain(home), id) for id, home in homes.items() if "/" in home),
        _inverted(_called(public, shared, named, domains, common)),
        _inverted((key, domain) for domain in addresses if _is_own(domain, publishers) for key in index_keys(domain)),
        frozenset(map(core_of, domains)),
        publishers,
    )


def _is_own(domain: str, publishers: Publishers) -> bool:
    """True for a domain that a publisher has for itself: no account, no name that a platform gives away."""
    parent = domain.partition(".")[2]
    given = "/" in domain or publishers.is_platform(parent) or is_private(parent)
    return not given and domain not in _SHARED and _ADDRESS.fullmatch(domain) is None


def _called(
    sources: Iterable[Source],
    shared: Collection[SourceId],
    named: Mapping[str, str],
    domains: Mapping[str, set[str]],
    titles: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """The names that a person wrote, each with the domains that may be called so. shared: sources on hosts that serve anybody."""
    yield from ((core_of(name), domain) for domain, name in [*named.items(), *titles.items()])
    for source in sources:
        if source.outlet:
            yield from ((core_of(source.outlet), domain) for domain in domains[fold(source.outlet)] or {""})
        elif source.title and source.id in shared:
            yield core_of(source.title), ""


def _inverted(pairs: Iterable[tuple[str, T]]) -> dict[str, frozenset[T]]:
    found: defaultdict[str, set[T]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return {key: frozenset(values) for key, values in found.items()}


def _publishers(outlets: Mapping[str, Outlet]) -> Publishers:
    """The known platforms, those that the config marks, and without those that it says to be one outlet."""
    if not outlets:
        return KNOWN
    platforms, sites = dict(BUILT_IN), set()
    for one in outlets.values():
        for domain in one.domains:
            if one.platform:
                platforms.setdefault(domain, ANY_PLATFORM)
            else:
                platforms.pop(domain, None)
                sites.add(domain)
    return Publishers(platforms, frozenset(sites))


def _in_common(names: list[str]) -> str:
    """The words that all names begin with: `The Herald` of `The Herald World` and `The Herald Sport`."""
    first, *others = [name.split() for name in names]
    count = next((n for n in range(len(first), 0, -1) if all(words[:n] == first[:n] for words in others)), 0)
    return " ".join(first[:count])


def is_shared(url: str) -> bool:
    """True if the host of an address serves other people's feeds, or there is no host."""
    domain = registrable_domain(url)
    return domain in _SHARED or _ADDRESS.fullmatch(domain) is not None
