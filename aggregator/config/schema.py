"""What may be said in `feeds.yaml`: one class per section.

From it come the checks, `aggregator schema` and what the reference is compared with.

What a key means when it is absent stands in `Settings` and the model; `build` turns the sections into these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aggregator import settings as to
from aggregator.config.channels import CHANNEL_URL, LIMIT, LIMIT_SAID
from aggregator.config.database import DATABASE
from aggregator.config.kinds import SWITCH, Either, ListOf, MapOf, OrNothing, choice, count, text
from aggregator.config.object_stores import DIRECTORY
from aggregator.config.schema_hooks import Hook
from aggregator.config.schema_rules import PLAIN_CHANNEL, Output, TagRule, Topic
from aggregator.config.schema_sources import SOURCE, Defaults, Group, OpmlSource, Source
from aggregator.config.secrets import TOKEN, URL, Secretive
from aggregator.config.section import CENTURY, CONTENT, LEVEL, YEAR, Part, Section, key, needed
from aggregator.config.values import (
    DOMAIN,
    FILE,
    HOST,
    LANGUAGE,
    NETWORK,
    PUBLISHER,
    QUERY,
    SIZE,
    TAG,
    TEXT,
    TIMEZONE,
    USER_AGENT,
    span,
)
from aggregator.settings import DAY

PLAIN = to.Settings(file=Path(), sources=())
"""The settings of a config that says nothing: where the defaults come from."""
BACKUP = to.Backup()


class Site(Section):
    """Who publishes."""

    title: str = key(
        TEXT, "Name of the site: title of its pages, of the feed `all` and of the list of feeds.", default=PLAIN.site.title
    )
    url: Secretive | None = key(
        URL,
        "Public address that the feeds are read at. Default: `http://host:port` of `server`.",
        default=None,
    )
    contact: str | None = key(TEXT, "E-mail address or URL of who runs this; told to the servers that are polled.", default=None)
    language: str = key(
        LANGUAGE,
        "Language of feeds of mixed languages, and of phrases in stories whose own language is unknown.",
        default=PLAIN.site.language,
    )
    timezone: str = key(TIMEZONE, "Time zone of cron lines, digests and the days of queries.", default=PLAIN.site.timezone)
    index: bool = key(SWITCH, "Whether search engines may list the pages; if so, they get a sitemap.", default=PLAIN.site.index)


class Backup(Section):
    """Copies of the database, made while it is in use."""

    every: float = key(span(3600, YEAR), "Time between two copies.", default=BACKUP.every)
    keep: int = key(count(1, 1000), "How many copies are kept.", default=BACKUP.keep)
    directory: str | None = key(FILE, "Where they are kept. Default: `backup` beside the database.", default=None)


class Storage(Section):
    """The database."""

    database: str = key(
        DATABASE, "File of the SQLite database, or address of a PostgreSQL one.", default=PLAIN.storage.database, secret=True
    )
    keep: float = key(
        span(DAY, CENTURY), "How long an entry is kept after it has left its source's document.", default=PLAIN.storage.keep
    )
    backup: Backup | None = key(Part(Backup), "Regular copies of the database. None by default.", default=None)


class Admin(Section):
    """Who runs the service."""

    token: Secretive = needed(
        TOKEN, "As `?token=` or as Basic password, it opens `/status` and shows all of `/health.atom`, `/readyz` and `/metrics`."
    )


class Mcp(Section):
    """Assistants over HTTP (`aggregator mcp --http`)."""

    token: Secretive = needed(TOKEN, "Sent by assistants as `Authorization: Bearer …`.")
    sees: str = key(
        choice("public", "all"), "What they see: what public feeds show, or all that the operator does.", default="public"
    )
    hosts: Sequence[str] = key(
        ListOf(HOST), "Names under which they are asked for, besides that of `site.url` and this machine's own.", default=()
    )


class Server(Section):
    """The HTTP server."""

    host: str = key(TEXT, "Address to listen on; `0.0.0.0` or `::` for all.", default=PLAIN.server.host)
    port: int = key(count(1, 65535), "Port to listen on.", default=PLAIN.server.port)
    admin: Admin | None = key(Part(Admin), "Who may see errors, addresses and counts. Nobody by default.", default=None)
    mcp: Mcp | None = key(Part(Mcp), "Who may ask `aggregator mcp --http`. Nobody by default.", default=None)


class Publish(Section):
    """What all published feeds have in common."""

    directory: str = key(
        DIRECTORY,
        "Where the public files are written: a folder, or a place in an object store.",
        default=str(PLAIN.publish.directory),
    )
    private: str = key(FILE, "Where feeds with a token are written.", default=str(PLAIN.publish.private))
    items: int = key(count(1, 10_000), "Stories in a feed.", default=PLAIN.publish.items)
    content: str = key(
        CONTENT, "How much of a story a feed carries: `full`, `summary` or `title`.", default=PLAIN.publish.content
    )
    settle: float = key(
        span(0, DAY), "How long a new story waits for a better lead before it is published.", default=PLAIN.publish.settle
    )
    backfill: float = key(
        span(0, CENTURY),
        "How old an entry of a new source may be to enter feeds that people already read.",
        default=PLAIN.publish.backfill,
    )
    images: str = key(
        choice("link", "off"),
        "Pictures of stories: linked at the outlets' servers, which then see who reads, or none.",
        default=PLAIN.publish.images,
    )
    websub: bool | Secretive = key(
        Either(lambda value: not isinstance(value, str), ("=switch", SWITCH), ("=address", URL)),
        "Push by WebSub: the own hub (`true`), none (`false`), or the address of another hub.",
        default=PLAIN.publish.websub is True,
    )
    ids: str = key(
        choice("global", "per-feed"),
        "Ids of entries: a story's own in all feeds, or another one in each feed, for readers that show an id once.",
        default=PLAIN.publish.ids,
    )


class NetworkSection(Section):
    """How the world is reached."""

    allow: Sequence[str] = key(
        ListOf(NETWORK), "Private address ranges that sources may live in; all others are refused.", default=()
    )
    proxy: Secretive | None = key(
        URL, "HTTP proxy for all sources. The environment's proxies are never used.", default=None, nullable=True
    )
    user_agent: str | None = key(
        USER_AGENT, "The User-Agent header. Default: name, version, `site.url` and `site.contact`.", default=None, nullable=True
    )
    websub: bool = key(SWITCH, "Subscribe to the hubs of sources; needs a public `site.url`.", default=PLAIN.network.websub)


class Polling(Section):
    """The poller's limits."""

    min: float = key(span(1, YEAR), "No source is polled more often.", default=PLAIN.polling.min)
    max: float = key(span(1, YEAR), "No source with `every: auto` is polled less often.", default=PLAIN.polling.max)
    workers: int = key(count(1, 1000), "Sources polled at the same time.", default=PLAIN.polling.workers)
    per_host: int = key(count(1, 100), "Connections to one registrable domain at the same time.", default=PLAIN.polling.per_host)
    timeout: float = key(
        span(1, 600), "A fetch takes no longer than this, redirects and body included.", default=PLAIN.polling.timeout
    )
    max_bytes: int = key(
        SIZE, "Largest document, decoded. `MB` is 1,000,000 bytes, `MiB` 1,048,576.", default=PLAIN.polling.max_bytes
    )
    readers: int | str = key(
        Either(lambda value: isinstance(value, str), ("=auto", choice("auto")), ("=count", count(1, 64))),
        "Processes that read documents. `auto`: one for each core beyond the first, at least one.",
        default="auto",
    )


class HostRule(Section):
    """Manners for one registrable domain."""

    gap: float = key(span(0, DAY), "Least time between two requests to the domain.", default=to.HostRule().gap)


class Dedup(Section):
    """How entries of different outlets are grouped into stories."""

    within: float = key(
        span(0, YEAR), "Longest time between an entry and the nearest one of its story.", default=PLAIN.dedup.within
    )
    at_most: float = key(
        span(0, YEAR), "Longest time between an entry and the first one of its story.", default=PLAIN.dedup.at_most
    )
    level: str = key(
        LEVEL,
        "`story`: copies and reports alike; `event`: also several desks' own texts on one event.",
        default=PLAIN.dedup.level,
    )
    never: Sequence[str] = key(ListOf(QUERY), "Queries of entries that never join a story.", default=())
    threads: bool = key(SWITCH, "Whether stories that follow one event are linked to threads.", default=PLAIN.threads.enabled)


class Threads(Section):
    """How stories that follow one event are linked."""

    within: float = key(
        span(0, 14 * DAY), "Longest time between a story and the nearest one of its thread.", default=PLAIN.threads.within
    )


class OutletSection(Section):
    """A publisher."""

    domains: Sequence[str] = key(
        ListOf(PUBLISHER),
        "Domains that it publishes at: `bbc.co.uk`, `abcnews.go.com`, `medium.com/@anna`. Default: the name, if it is a domain.",
        default=(),
    )
    platform: bool = key(
        SWITCH,
        "Whether others publish there: each blog, channel, account or repository's owner is an outlet of its own.",
        default=False,
    )


OUTLET = Either(lambda value: not isinstance(value, dict), ("=domains", ListOf(PUBLISHER)), ("=map", Part(OutletSection)))


class Entities(Section):
    """Names to be recognised."""

    file: str = needed(FILE, "YAML file of people, firms and places beyond the built-in lists.")


class Categories(Section):
    """The feeds' own categories."""

    map: Mapping[str, str | None] = key(
        MapOf(text(), OrNothing(TAG)), "Category of a feed, and the tag it becomes; `null` drops it.", default={}, nullable=True
    )


class AlertChannel(Section):
    """A channel: where people are told of alerts."""

    url: Secretive = needed(CHANNEL_URL, "Apprise address. Secret as a whole.")
    limit: to.Rate = key(LIMIT, LIMIT_SAID, default=PLAIN_CHANNEL.limit)


class Alerts(Section):
    """Who is told when a source breaks or falls silent."""

    webhook: Secretive | None = key(URL, "Address that alerts are posted to.", default=None)
    notify: Sequence[AlertChannel] = key(
        ListOf(Part(AlertChannel, "url")), "Channels (addresses or maps) that are told of alerts.", default=()
    )


class Config(Section):
    """The whole of `feeds.yaml`."""

    site: Site = key(Part(Site), "Who publishes.", default=Site())
    storage: Storage = key(Part(Storage), "The database.", default=Storage())
    server: Server = key(Part(Server), "The HTTP server.", default=Server())
    publish: Publish = key(Part(Publish), "What all published feeds have in common.", default=Publish())
    network: NetworkSection = key(Part(NetworkSection), "How the world is reached.", default=NetworkSection())
    polling: Polling = key(Part(Polling), "The poller's limits.", default=Polling())
    hosts: Mapping[str, HostRule] = key(MapOf(DOMAIN, Part(HostRule)), "Manners by registrable domain.", default={})
    defaults: Defaults = key(Part(Defaults), "What all sources have in common.", default=Defaults())
    groups: Mapping[str, Group] = key(
        MapOf(TEXT, Part(Group)), "What the sources of a group have in common, by the group's name.", default={}
    )
    sources: Sequence[Source | OpmlSource] = needed(
        ListOf(SOURCE), "The feeds to poll: addresses, maps, or lists of feeds (`opml`)."
    )
    tags: Mapping[str, TagRule] = key(MapOf(TAG, Part(TagRule, "query")), "Tags by rule: name, and query or map.", default={})
    topics: Sequence[Topic] = key(ListOf(Part(Topic)), "Subjects that are followed.", default=())
    outputs: Sequence[Output] = key(ListOf(Part(Output)), "Published feeds besides `all` and one for each topic.", default=())
    outlets: Mapping[str, Sequence[str] | OutletSection] = key(
        MapOf(TEXT, OUTLET), "Publishers by name: their domains, or a map. Platforms are marked here, too.", default={}
    )
    enrich: Mapping[str, Hook] = key(
        MapOf(TEXT, Part(Hook)), "Hooks by name: programs or addresses that tell summaries, other headlines, tags.", default={}
    )
    dedup: Dedup = key(Part(Dedup), "How entries are grouped into stories.", default=Dedup())
    threads: Threads = key(Part(Threads), "How stories that follow one event are linked.", default=Threads())
    entities: Entities | None = key(Part(Entities), "Names to be recognised.", default=None)
    categories: Categories = key(Part(Categories), "The feeds' own categories.", default=Categories())
    apply: bool = key(
        SWITCH, "Whether an edited keep or drop also takes stored entries out, and lets them in again.", default=PLAIN.apply
    )
    subjects: bool = key(
        SWITCH, "Whether stories are tagged with one of 17 broad subjects (English).", default=PLAIN.tagging.subjects
    )
    alerts: Alerts | None = key(Part(Alerts), "Who is told when something breaks.", default=None)
