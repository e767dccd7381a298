"""`Settings`, the whole config, and its channels in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from msgspec import Struct, field

from aggregator.model import Source, SourceId
from aggregator.settings.hooks import Hook
from aggregator.settings.outputs import Channel, Output
from aggregator.settings.rules import Dedup, Outlet, Tagging, TagRule, Threads, Topic
from aggregator.settings.service import HostRule, Network, Polling, Publishing, Server, Site, Storage
from aggregator.text.masks import repr_without


class Settings(Struct, frozen=True, dict=True):
    """All of `feeds.yaml`. file: as named by the user; sources: in order, those of included lists last.

    outputs: all published feeds: `all`, one for each topic, and those under `outputs:`.
    """

    file: Path
    sources: tuple[Source, ...]
    site: Site = Site()
    storage: Storage = Storage()
    server: Server = Server()
    publish: Publishing = Publishing()
    network: Network = Network()
    polling: Polling = Polling()
    hosts: Mapping[str, HostRule] = field(default_factory=dict)
    tags: tuple[TagRule, ...] = ()
    topics: tuple[Topic, ...] = ()
    outputs: tuple[Output, ...] = ()
    outlets: Mapping[str, Outlet] = field(default_factory=dict)
    dedup: Dedup = Dedup()
    threads: Threads = Threads()
    tagging: Tagging = Tagging()
    enrich: Mapping[str, Hook] = field(default_factory=dict)
    """The hooks by name, with all that they are asked about."""
    alerts_webhook: str | None = None
    alerts_notify: tuple[Channel, ...] = ()
    channel_places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Line and column of each channel's address, by the channel's id."""
    notes: tuple[str, ...] = ()
    """Warnings (two sources with one address, a list of feeds not read yet), as `file:line:col: …`."""
    lists: tuple[str, ...] = ()
    """Addresses of lists of feeds, which are fetched each day (`config.opml.cached_path` says where they are kept)."""
    includes: tuple[Path, ...] = ()
    """The other files that were read: lists of feeds, names, secrets. A change of any of them causes a reload."""
    secrets: frozenset[str] = frozenset()
    """Values from the environment and from files, and passwords in addresses. They must not be shown or logged."""
    apply: bool = False
    """Whether an edited `keep` or `drop` is applied to stored entries when the config is adopted."""

    @cached_property
    def sources_by_id(self) -> Mapping[SourceId, Source]:
        return {source.id: source for source in self.sources}

    @cached_property
    def enabled_sources(self) -> Mapping[SourceId, Source]:
        """The sources that are polled."""
        if all(source.enabled for source in self.sources):
            return self.sources_by_id
        return {source.id: source for source in self.sources if source.enabled}

    def __repr__(self) -> str:
        return repr_without(self, "alerts_webhook", "lists", "secrets")


def numbered_channels(settings: Settings) -> Iterator[tuple[str, int, Channel]]:
    """All channels, each with the slug of its output, or "" for those of alerts, and its number there, from 1."""
    for output in settings.outputs:
        yield from ((output.slug, number, channel) for number, channel in enumerate(output.notify, 1))
    yield from (("", number, channel) for number, channel in enumerate(settings.alerts_notify, 1))


def configured_channels(settings: Settings) -> Iterator[tuple[str, Channel]]:
    """All channels, each with the slug of its output, or "" for those of alerts."""
    return ((place, channel) for place, _, channel in numbered_channels(settings))
