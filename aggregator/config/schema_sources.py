"""What may be said of sources, in `sources`, `groups` and `defaults`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aggregator import model
from aggregator.config.kinds import SWITCH, Either, ListOf, MapOf, Refused, choice, count, text
from aggregator.config.schema_hooks import ENRICH, HOOKS, Named
from aggregator.config.secrets import HEADER_NAME, HEADER_VALUE, URL, Secretive
from aggregator.config.section import CENTURY, LEVEL, YEAR, Part, Section, key, needed
from aggregator.config.values import EVERY, ID, QUERY, TAG, TEXT, USER_AGENT, span
from aggregator.model import Every
from aggregator.settings import DAY

PLAIN = model.Source(model.SourceId(""), "")
"""A source of which nothing but its address is said."""


class SourceDedup(Section):
    """How a source's entries are grouped."""

    level: str | None = key(LEVEL, "`story` or `event`, for this source. Default: `dedup.level`.", default=None)


DEDUP = Either(lambda value: isinstance(value, bool), ("=switch", SWITCH), ("=map", Part(SourceDedup)))


class Inherited(Section):
    """What a source can also get from its group or from the defaults."""

    rank: int | None = key(count(1, 9), f"1 is best: the better outlet leads a story. Default: {PLAIN.rank}.", default=None)
    tags: Sequence[str] = key(ListOf(TAG), "Tags that every entry gets; those of defaults, group and source add up.", default=())
    every: Every | None = key(
        EVERY, "When to poll: `auto` (default; the rhythm is learnt), a duration, or a cron line.", default=None
    )
    keep: str | None = key(QUERY, "Query: entries that don't match are dropped, and counted.", default=None)
    drop: str | None = key(QUERY, "Query: entries that match are dropped, and counted.", default=None)
    headers: Mapping[str, Secretive] = key(
        MapOf(HEADER_NAME, HEADER_VALUE), "Request headers. `${VAR}` and `file:/path` are filled in.", default={}
    )
    outlet: str | None = key(TEXT, "Name of the publisher. Default: the registrable domain of the article's link.", default=None)
    aggregator: bool | None = key(
        SWITCH, "Whether the feed republishes other outlets, which its entries then name. Default: false.", default=None
    )
    dedup: bool | SourceDedup | None = key(
        DEDUP, "`false`: entries never join a story; or a map with `level`. Default: true.", default=None
    )
    proxy: Secretive | None = key(URL, "HTTP proxy. Default: `network.proxy`.", default=None)
    user_agent: str | None = key(USER_AGENT, "The User-Agent header. Default: `network.user_agent`.", default=None)
    silent_after: float | None = key(
        span(60, YEAR), "Time without a new entry after which it counts as silent. Default: learnt.", default=None
    )
    retain: float | None = key(span(DAY, CENTURY), "As `storage.keep`, for these entries.", default=None)
    private: bool | None = key(
        SWITCH, "Its stories are in feeds with a token alone, and it is named nowhere in public. Default: false.", default=None
    )
    full_text: bool | None = key(
        SWITCH,
        "Whether the article of each new entry with a short text is fetched, for queries and `content: full`. Default: false.",
        default=None,
    )
    budget: int | None = key(
        count(1, 1_000_000),
        "New entries a day (UTC) that may enter feeds; more are grouped alone, beyond twice as many not stored. "
        f"Default: {PLAIN.budget}.",
        default=None,
    )
    enrich: Named | None = key(HOOKS, ENRICH + " Default: none.", default=None)
    kind: str | None = key(
        choice("feed", "sitemap"),
        "What its document must be: `feed`, or `sitemap` (of news, or an index of such). Default: either.",
        default=None,
    )
    enabled: bool | None = key(SWITCH, "`false`: not polled, its stories stay. Default: true.", default=None)


class Group(Inherited):
    """What the sources of a group have in common."""


class Defaults(Inherited):
    """What all sources have in common, unless their group or they themselves say otherwise."""

    group: str | None = key(TEXT, "Group of sources that name none.", default=None, nullable=True)


class Source(Inherited):
    """A feed to poll."""

    id: str | None = key(
        ID, "Name in commands, queries and the database; never changes. Default: made from the address.", default=None
    )
    url: Secretive = needed(URL, "Address of the feed. `${VAR}` is filled in.")
    title: str | None = key(TEXT, "Name as shown. Default: the feed's own title.", default=None)
    group: str | None = key(TEXT, "Group that it belongs to.", default=None)


def _some(value: str) -> str:
    if not value:
        raise Refused("empty")
    return value


class OpmlSource(Inherited):
    """A list of feeds, polled like sources; nested outlines give the groups."""

    opml: str = needed(text(_some, minLength=1), "File, or http(s) address that is read again each day.", secret=True)
    group: str | None = key(TEXT, "Group of all its feeds. Default: the outline that a feed stands in.", default=None)


def _is_feed(value: object) -> bool:
    return not (isinstance(value, dict) and value.get("opml") is not None and value.get("url") is None)


SOURCE = Either(_is_feed, ("=source", Part(Source, "url")), ("=opml", Part(OpmlSource)))
