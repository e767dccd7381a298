"""Keeps which sources have learnt a domain that is not that of their address, and decides which of them may speak for it.

A claim can be written by anybody: it takes links, and for a better one a channel that calls the domain its home. So it is worth
nothing against a source that is at the domain by its address, and among claims the earlier wins. See
docs/decisions/053-who-has-a-domain.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from aggregator.model import Instant, Source, SourceId, SourceState
from aggregator.ports import Values, ValueWrites
from aggregator.stories.identity.domains import Owners, is_shared
from aggregator.text.publishers import KNOWN, Publishers, are_akin
from aggregator.text.urls import registrable_domain

_PREFIX = "domain:"
"""Prefix of the stored values that keep claims: `domain:alpha.example burner`."""
_NEVER = float("inf")
_JUST_NOW = 1e300
"""An instant after all that are stored."""


class Claim(Struct, frozen=True):
    """since: when a source learnt a domain; at_home: since when its channel has called the domain its home as well."""

    since: Instant = _NEVER
    at_home: Instant = _NEVER

    def __str__(self) -> str:
        return f"{self.since!r}" if self.at_home == _NEVER else f"{self.since!r} {self.at_home!r}"


class Claims(Struct, frozen=True):
    """The stored claims. values: returns stored values by the beginning of their keys."""

    values: Callable[[str], Mapping[str, str]]

    def of(self, domain: str) -> dict[SourceId, Claim]:
        """The sources that have learnt a domain."""
        key = f"{_PREFIX}{domain} "
        return {SourceId(name.removeprefix(key)): _read(value) for name, value in self.values(key).items()}

    def all(self) -> dict[SourceId, set[str]]:
        """The domains that each source has learnt."""
        return self._by_source("")

    def labelled(self, label: str) -> dict[SourceId, set[str]]:
        """The domains of this label that sources have learnt: `alpha` finds `alpha.example`."""
        return self._by_source(f"{label}.")

    def _by_source(self, beginning: str) -> dict[SourceId, set[str]]:
        found: dict[SourceId, set[str]] = {}
        for key in self.values(_PREFIX + beginning):
            domain, _, id = key.removeprefix(_PREFIX).partition(" ")
            found.setdefault(SourceId(id), set()).add(domain)
        return found


NO_CLAIMS = Claims(lambda prefix: {})


def _read(value: str) -> Claim:
    return Claim(*map(float, value.split()))


def learnt_domain(led: Mapping[str, int]) -> str | None:
    """Returns the domain that more than half of a source's counted entries link to, or None."""
    most = max(led, key=lambda domain: (led[domain], domain), default=None)
    return most if most is not None and 2 * led[most] > sum(led.values()) else None


def is_home(home: str | None, domain: str) -> bool:
    """True if the page that a channel calls its home is at a domain, or at the platform that this is on."""
    return home is not None and registrable_domain(home) == registrable_domain(domain)


def save_claim(transaction: ValueWrites, store: Values, state: SourceState, now: Instant, publishers: Publishers = KNOWN) -> None:
    """Stores, once each, that a source has learnt a domain other than that of its address, and that its channel names it, too."""
    domain = learnt_domain(state.led)
    if domain is None or domain == publishers.of(state.url):
        return
    key = f"{_PREFIX}{domain} {state.id}"
    stored = store.value(key)
    before = _read(stored) if stored is not None else Claim()
    after = Claim(min(before.since, now), min(before.at_home, now) if is_home(state.home, domain) else before.at_home)
    if after != before:
        transaction.set_value(key, str(after))


def why_not(domain: str, source: Source, home: str | None, owned: Owners, claims: Claims) -> str | None:
    """Why a source may not speak for a domain that its entries link to; None if it may.

    home: what its channel calls its page. A source on a shared host, which has no other name, yields only to those that have none
    either, or whose address says the domain's name (`bbci.co.uk` for `bbc.co.uk`).
    """
    shared = is_shared(source.url)
    if shared and home and not is_shared(home) and not is_home(home, domain):
        return "its channel calls another page its home"
    if domain in owned.addresses:
        return f"{_first(owned.addresses[domain])} is read there"
    if domain in owned.accounts:
        return f"{_first(owned.accounts[domain])} has an account there"
    if domain in owned.names and not shared:
        return f"`outlets:` gives it to {owned.names[domain]}"
    address, own = owned.publishers.of(source.url), claims.of(domain).get(source.id, Claim())
    if is_home(home, domain):
        own = Claim(own.since, min(own.at_home, _JUST_NOW))
    mine = _rank(source.id, own, address, domain)
    for other, claim in _claims_of_outlet(domain, owned, claims):
        there = owned.homes.get(other)
        if there is None or other == source.id:
            continue
        if there == address and (not shared or own.at_home < _NEVER):
            continue  # two sections of one paper
        if shared and not is_shared(there) and not are_akin(there, domain):
            continue
        if _rank(other, claim, there, domain) < mine:
            return f"{other} has it: its address says so, or it led there first"
    return None


def _claims_of_outlet(domain: str, owned: Owners, claims: Claims) -> Iterator[tuple[SourceId, Claim]]:
    """The claims to a domain, and to all others that `outlets:` gives to the same outlet."""
    for one in {domain, *(owned.domains_of(owned.names[domain]) if domain in owned.names else ())}:
        yield from claims.of(one).items()


def _rank(id: SourceId, claim: Claim, address: str, domain: str) -> tuple[bool, Instant, Instant, SourceId]:
    """The order in which sources may have a domain, first one first."""
    return (not are_akin(address, domain), claim.at_home, claim.since, id)


def lost_domains(claims: Claims, sources: Mapping[SourceId, Source], owned: Owners) -> dict[SourceId, tuple[str, ...]]:
    """The domains that sources may not speak for, of each source that has learnt any."""
    stored: dict[str, dict[str, str]] = {}
    for key, value in claims.values(_PREFIX).items():
        stored.setdefault(key[: key.index(" ") + 1], {})[key] = value
    read = Claims(lambda prefix: stored.get(prefix, {}))  # one query for all
    return {
        id: tuple(sorted(domain for domain in domains if why_not(domain, sources[id], None, owned, read) is not None))
        for id, domains in claims.all().items()
        if id in sources
    }


def _first(ids: frozenset[SourceId]) -> SourceId:
    return min(ids)
