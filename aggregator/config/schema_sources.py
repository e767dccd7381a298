"""What may be said of sources, in `sources`, `groups` and `defaults`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from aggregator.config.secrets import HeaderName, HeaderValue, Url
from aggregator.config.section import CENTURY, DAY, YEAR, Level, Section, wrapped
from aggregator.config.values import (
    EveryValue,
    Id,
    Query,
    Span,
    TagText,
    Text,
    UserAgent,
    count,
)


class SourceDedup(Section):
    """How a source's entries are grouped."""

    level: Level | None = Field(default=None, description="`story` or `event`, for this source. Default: `dedup.level`.")


SourceDedupValue = Annotated[
    Annotated[Annotated[bool, Field(strict=True)], Tag("=switch")] | Annotated[SourceDedup, Tag("=map")],
    Discriminator(lambda value: "=switch" if isinstance(value, bool) else "=map"),
]


class Inherited(Section):
    """What a source can also get from its group or from the defaults."""

    rank: Annotated[int, count(1, 9)] | None = Field(
        default=None, description="1 is best: the better outlet leads a story. Default: 2."
    )
    tags: list[TagText] = Field(default=[], description="Tags that every entry gets; those of defaults, group and source add up.")
    every: EveryValue | None = Field(
        default=None, description="When to poll: `auto` (default; the rhythm is learnt), a duration, or a cron line."
    )
    keep: Query | None = Field(default=None, description="Query: entries that don't match are dropped, and counted.")
    drop: Query | None = Field(default=None, description="Query: entries that match are dropped, and counted.")
    headers: dict[HeaderName, HeaderValue] = Field(
        default={}, description="Request headers. `${VAR}` and `file:/path` are filled in."
    )
    outlet: Text | None = Field(
        default=None, description="Name of the publisher. Default: the registrable domain of the article's link."
    )
    aggregator: Annotated[bool, Field(strict=True)] | None = Field(
        default=None, description="Whether the feed republishes other outlets, which its entries then name. Default: false."
    )
    dedup: SourceDedupValue | None = Field(
        default=None, description="`false`: entries never join a story; or a map with `level`. Default: true."
    )
    proxy: Url | None = Field(default=None, description="HTTP proxy. Default: `network.proxy`.")
    user_agent: UserAgent | None = Field(default=None, description="The User-Agent header. Default: `network.user_agent`.")
    silent_after: Annotated[float, Span(60, YEAR)] | None = Field(
        default=None, description="Time without a new entry after which it counts as silent. Default: learnt."
    )
    retain: Annotated[float, Span(DAY, CENTURY)] | None = Field(default=None, description="As `storage.keep`, for these entries.")
    enabled: Annotated[bool, Field(strict=True)] | None = Field(
        default=None, description="`false`: not polled, its stories stay. Default: true."
    )


class Group(Inherited):
    """What the sources of a group have in common."""


class Defaults(Inherited):
    """What all sources have in common, unless their group or they themselves say otherwise."""

    group: Text | None = Field(default=None, description="Group of sources that name none.")


class Source(Inherited):
    """A feed to poll."""

    id: Id | None = Field(
        default=None, description="Name in commands, queries and the database; never changes. Default: made from the address."
    )
    url: Url = Field(description="Address of the feed. `${VAR}` is filled in.")
    title: Text | None = Field(default=None, description="Name as shown. Default: the feed's own title.")
    group: Text | None = Field(default=None, description="Group that it belongs to.")


class OpmlSource(Inherited):
    """A list of feeds, polled like sources; nested outlines give the groups."""

    opml: Annotated[str, Field(strict=True, min_length=1)] = Field(
        description="File, or http(s) address that is read again each day."
    )
    group: Text | None = Field(default=None, description="Group of all its feeds. Default: the outline that a feed stands in.")


def _is_opml(value: object) -> str:
    return "=opml" if isinstance(value, dict) and "opml" in value and "url" not in value else "=source"


SourceValue = Annotated[
    Annotated[Annotated[Source, wrapped("url", Source)], Tag("=source")] | Annotated[OpmlSource, Tag("=opml")],
    Discriminator(_is_opml),
]
