"""From the checked sections to sources: what each says, else its group, else the defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TypeVar

from msgspec.structs import replace

from aggregator.config import schema as said
from aggregator.config import schema_sources as feeds
from aggregator.config.document import Document
from aggregator.config.opml import Subscription
from aggregator.config.schema_hooks import named
from aggregator.config.subscriptions import List, included
from aggregator.model import Auto, Every, Source, SourceId
from aggregator.text.masks import mask_url
from aggregator.text.publishers import is_aggregator

T = TypeVar("T")


def build_sources(
    document: Document,
    config: said.Config,
    lists: Mapping[int, List],
    names: Sequence[str],
    before: Mapping[SourceId, Source],
) -> Iterator[Source]:
    """All sources: those of the file in its order, those of lists behind. names: their ids.

    before: sources of an earlier text. One that comes out equal stays the same object, which takes no memory twice.
    """
    for made in _make_all(document, config, lists, names):
        known = before.get(made.id)
        yield known if known == made else made


def _make_all(document: Document, config: said.Config, lists: Mapping[int, List], names: Sequence[str]) -> Iterator[Source]:
    make, ids = _Maker(config), iter(names)
    for source in config.sources:
        if isinstance(source, feeds.Source):
            yield make.own(source, next(ids))
    for position, feed in included(document, lists):
        yield make.listed(position, feed, next(ids))


class _Maker:
    """Makes sources of one config."""

    def __init__(self, config: said.Config) -> None:
        self._config = config
        self._common = cache(partial(_common, config))
        self._base = cache(self._make_base)

    def own(self, source: feeds.Source, name: str) -> Source:
        """A source that the file names itself."""
        common = self._common(source.group or self._config.defaults.group)
        made = _source(common, source, name, source.url.value, source.url.shown, source.title)
        return made if _is_told(self._config, made, source) else _judged(made)

    def listed(self, position: int, feed: Subscription, name: str) -> Source:
        """A source of a list. position: of the list in `sources`."""
        base, is_told = self._base(position, feed.group)
        made = replace(base, id=name, url=feed.url, title=feed.title, shown=mask_url(feed.url))
        return made if is_told else _judged(made)

    def _make_base(self, position: int, group: str | None) -> tuple[Source, bool]:
        """What the sources of a list and a group have in common, and whether the file tells if they are aggregators."""
        own = self._config.sources[position]
        base = _source(self._common(own.group or group or self._config.defaults.group), own)
        return base, _is_told(self._config, base, own)


def _common(config: said.Config, group: str | None) -> Source:
    """What every source of the group is that says nothing itself: what the group says, else the defaults."""
    network = config.network
    plain = Source(
        SourceId(""),
        "",
        level=config.dedup.level,
        proxy=network.proxy.value if network.proxy else None,
        user_agent=network.user_agent,
    )
    base = _source(plain, config.defaults)
    of_group = _source(base, config.groups.get(group or "", feeds.Group()))
    return replace(of_group, group=group, every=_slowed(of_group.every))


def _source(base: Source, own: feeds.Inherited, id: str = "", url: str = "", shown: str = "", title: str | None = None) -> Source:
    """What is said here, else what `base` has; tags and headers add up."""
    headers = {name.lower(): (name, value) for name, value in base.headers}
    headers |= {name.lower(): (name, value.value) for name, value in own.headers.items()}
    dedup = own.dedup
    return Source(
        SourceId(id),
        url,
        title,
        base.group,
        rank=_either(own.rank, base.rank),
        tags=tuple(dict.fromkeys((*base.tags, *own.tags))) if own.tags else base.tags,
        every=_either(own.every, base.every),
        keep=_either(own.keep, base.keep),
        drop=_either(own.drop, base.drop),
        headers=tuple(headers.values()),
        outlet=_either(own.outlet, base.outlet),
        aggregator=_either(own.aggregator, base.aggregator),
        dedup=base.dedup if dedup is None else dedup is not False,
        level=(dedup.level if isinstance(dedup, feeds.SourceDedup) else None) or base.level,
        proxy=own.proxy.value if own.proxy else base.proxy,
        user_agent=_either(own.user_agent, base.user_agent),
        silent_after=_either(own.silent_after, base.silent_after),
        retain=_either(own.retain, base.retain),
        budget=_either(own.budget, base.budget),
        enabled=_either(own.enabled, base.enabled),
        private=_either(own.private, base.private),
        full_text=_either(own.full_text, base.full_text),
        enrich=base.enrich if own.enrich is None else tuple((one.value, one.shown) for one in named(own.enrich)),
        shown=shown,
        kind=_either(own.kind, base.kind),
    )


def _either(own: T | None, base: T) -> T:
    return base if own is None else own


def _slowed(every: Every) -> Every:
    """An interval that is not written at the source itself: the feed's hints slow it down."""
    return every if isinstance(every, Auto) else replace(every, strict=False)


def _is_told(config: said.Config, source: Source, own: feeds.Inherited) -> bool:
    """Whether the file tells if a source is an aggregator."""
    layers = (own, config.groups.get(source.group or ""), config.defaults)
    return bool(source.outlet) or any(layer is not None and layer.aggregator is not None for layer in layers)


def _judged(source: Source) -> Source:
    """The source, marked as an aggregator if its site is known to be one."""
    return replace(source, aggregator=True) if is_aggregator(source.url) else source
