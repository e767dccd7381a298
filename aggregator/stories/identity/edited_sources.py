"""What an edit of sources concerns: as a rule their own domains alone, however many sources there are beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from aggregator.config.diff import take
from aggregator.model import Source, SourceId
from aggregator.settings import Settings
from aggregator.stories.identity.domains import Owners, collect_owners, is_shared

T = TypeVar("T")


def edited_ids(before: Settings, after: Settings) -> frozenset[SourceId]:
    """The sources that an edit adds, removes or changes."""
    old, new = before.sources_by_id, after.sources_by_id
    differing = {id for id, source in new.items() if (known := old.get(id)) is not source and known != source}
    return frozenset(differing | (old.keys() - new.keys()))


def edited_domains(owned: Owners, before: Settings, after: Settings) -> frozenset[str] | None:
    """The domains of these sources; None if any other may be concerned: an outlet has several, and a shared host serves anybody.

    owned: under the config before.
    """
    both = (before.sources_by_id, after.sources_by_id)
    found = [source for id in edited_ids(before, after) for sources in both if (source := sources.get(id)) is not None]
    public = [source for source in found if not source.private]
    domains = frozenset(owned.publishers.of(source.url) for source in public)
    is_local = not any(source.outlet or is_shared(source.url) for source in public) and domains.isdisjoint(owned.names)
    return domains if is_local and before.outlets == after.outlets else None


def owners_after(owned: Owners, before: Settings, after: Settings) -> Owners:
    """`collect_owners` of an edited config. owned: what it gave before, of which all is kept that the edit does not concern."""
    domains = edited_domains(owned, before, after)
    if domains is None:
        return collect_owners(after.sources, after.outlets)
    edited = edited_ids(before, after)
    there = {id for domain in domains for id in owned.addresses.get(domain, ()) if owned.homes.get(id) in domains}
    old = collect_owners(_chosen(before, there), before.outlets)
    new = collect_owners(_chosen(after, (there - edited) | edited), after.outlets)
    return replace(
        owned,
        addresses=_exchanged(owned.addresses, old.addresses, new.addresses),
        homes={**{id: home for id, home in owned.homes.items() if id not in there}, **new.homes},
        titles={**{domain: title for domain, title in owned.titles.items() if domain not in domains}, **new.titles},
        accounts=_exchanged(owned.accounts, old.accounts, new.accounts),
        called=_exchanged(owned.called, old.called, new.called),
        labels=_exchanged(owned.labels, old.labels, new.labels),
    )


def concerned_sources(before: Settings, after: Settings, owned_before: Owners, owned: Owners) -> frozenset[SourceId] | None:
    """The sources whose stored entries an edit may concern; None if it may concern all, as one of anything but sources does.

    Private ones always are. owned_before, owned: under both configs.
    """
    domains = edited_domains(owned_before, before, after)
    if domains is None or take(replace(before, sources=())) != take(replace(after, sources=())):
        return None
    near = domains | {other for domain in domains for one in (owned_before, owned) for other in one.near(domain)}
    there = {id for domain in near for one in (owned_before, owned) for id in one.addresses.get(domain, ())}
    return edited_ids(before, after) | there | {source.id for source in after.sources if source.private}


def _chosen(settings: Settings, ids: Iterable[SourceId]) -> list[Source]:
    sources = settings.sources_by_id
    return [sources[id] for id in sorted(ids) if id in sources]


def _exchanged(
    whole: Mapping[str, frozenset[T]], old: Mapping[str, frozenset[T]], new: Mapping[str, frozenset[T]]
) -> dict[str, frozenset[T]]:
    """The whole with the new part in place of the old one."""
    found, none = dict(whole), frozenset[T]()
    for key in old.keys() | new.keys():
        found[key] = (found.get(key, none) - old.get(key, none)) | new.get(key, none)
        if not found[key]:
            del found[key]
    return found
