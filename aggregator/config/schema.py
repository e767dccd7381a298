"""What may be said in `feeds.yaml`: one pydantic model per section.

From it come the checks, `aggregator schema` and what the reference is compared with.

A default here is what the key means when it is absent; `build` turns the models into `Settings`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from aggregator.config.schema_rules import Output, TagRule, Topic
from aggregator.config.schema_sources import Defaults, Group, SourceValue
from aggregator.config.secrets import Url
from aggregator.config.section import CENTURY, DAY, YEAR, Content, Level, Section, wrapped
from aggregator.config.values import (
    Domain,
    FilePath,
    Language,
    Network,
    Query,
    Size,
    Span,
    TagText,
    Text,
    TimeZone,
    UserAgent,
    count,
)


class Site(Section):
    """Who publishes."""

    title: Text = Field(
        default="News", description="Name of the site: title of its pages, of the feed `all` and of the list of feeds."
    )
    url: Url | None = Field(
        default=None, description="Public address that the feeds are read at. Default: `http://host:port` of `server`."
    )
    contact: Text | None = Field(
        default=None, description="E-mail address or URL of who runs this; told to the servers that are polled."
    )
    language: Language = Field(default="en", description="Language of the site's own words and of feeds of mixed languages.")
    timezone: TimeZone = Field(default="UTC", description="Time zone that cron lines and digests are read in.")


class Backup(Section):
    """Copies of the database, made while it is in use."""

    every: Annotated[float, Span(3600, YEAR)] = Field(default=DAY, description="Time between two copies.")
    keep: Annotated[int, count(1, 1000)] = Field(default=7, description="How many copies are kept.")
    directory: FilePath = Field(default="data/backup", description="Where they are kept.")


class Storage(Section):
    """The database."""

    database: FilePath = Field(default="data/aggregator.db", description="File of the SQLite database.")
    keep: Annotated[float, Span(DAY, CENTURY)] = Field(
        default=90 * DAY, description="How long an entry is kept after it has left its source's document."
    )
    backup: Backup | None = Field(default=None, description="Regular copies of the database. None by default.")


class Server(Section):
    """The HTTP server."""

    host: Text = Field(default="127.0.0.1", description="Address to listen on; `0.0.0.0` or `::` for all.")
    port: Annotated[int, count(1, 65535)] = Field(default=8080, description="Port to listen on.")


class Publish(Section):
    """What all published feeds have in common."""

    directory: FilePath = Field(default="data/public", description="Where the public files are written.")
    private: FilePath = Field(default="data/private", description="Where feeds with a token are written.")
    items: Annotated[int, count(1, 10_000)] = Field(default=50, description="Stories in a feed.")
    content: Content = Field(default="summary", description="How much of a story a feed carries: `full`, `summary` or `title`.")
    settle: Annotated[float, Span(0, DAY)] = Field(
        default=0.0, description="How long a new story waits for a better lead before it is published."
    )
    backfill: Annotated[float, Span(0, CENTURY)] = Field(
        default=DAY, description="How old an entry of a new source may be to enter feeds that people already read."
    )
    websub: Annotated[
        Annotated[Annotated[bool, Field(strict=True)], Tag("=switch")] | Annotated[Url, Tag("=address")],
        Discriminator(lambda value: "=address" if isinstance(value, str) else "=switch"),
    ] = Field(default=True, description="Push by WebSub: the own hub (`true`), none (`false`), or the address of another hub.")


class NetworkSection(Section):
    """How the world is reached."""

    allow: list[Network] = Field(
        default=[], description="Private address ranges that sources may live in; all others are refused."
    )
    proxy: Url | None = Field(default=None, description="HTTP proxy for all sources. The environment's proxies are never used.")
    user_agent: UserAgent | None = Field(
        default=None, description="The User-Agent header. Default: name, version, `site.url` and `site.contact`."
    )
    websub: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Subscribe to the hubs of sources; needs a public `site.url`."
    )


class Polling(Section):
    """The poller's limits."""

    min: Annotated[float, Span(1, YEAR)] = Field(default=300.0, description="No source is polled more often.")
    max: Annotated[float, Span(1, YEAR)] = Field(default=DAY, description="No source with `every: auto` is polled less often.")
    workers: Annotated[int, count(1, 1000)] = Field(default=16, description="Sources polled at the same time.")
    per_host: Annotated[int, count(1, 100)] = Field(
        default=2, description="Connections to one registrable domain at the same time."
    )
    timeout: Annotated[float, Span(1, 600)] = Field(
        default=20.0, description="A fetch takes no longer than this, redirects and body included."
    )
    max_bytes: Size = Field(
        default=15_000_000, description="Largest document, decoded. `MB` is 1,000,000 bytes, `MiB` 1,048,576."
    )


class HostRule(Section):
    """Manners for one registrable domain."""

    gap: Annotated[float, Span(0, DAY)] = Field(default=0.0, description="Least time between two requests to the domain.")


class Dedup(Section):
    """How entries of different outlets are grouped into stories."""

    within: Annotated[float, Span(0, YEAR)] = Field(
        default=72 * 3600.0, description="Longest time between an entry and the nearest one of its story."
    )
    at_most: Annotated[float, Span(0, YEAR)] = Field(
        default=7 * DAY, description="Longest time between an entry and the first one of its story."
    )
    level: Level = Field(
        default="story", description="`story`: copies and reports alike; `event`: also several desks' own texts on one event."
    )
    never: list[Query] = Field(default=[], description="Queries of entries that never join a story.")


class Entities(Section):
    """Names to be recognised."""

    file: FilePath = Field(description="YAML file of people, firms and places beyond the built-in lists.")


class Categories(Section):
    """The feeds' own categories."""

    map: dict[str, TagText | None] = Field(default={}, description="Category of a feed, and the tag it becomes; `null` drops it.")


class Alerts(Section):
    """Who is told when a source breaks or falls silent."""

    webhook: Url = Field(description="Address that alerts are posted to.")


class Config(Section):
    """The whole of `feeds.yaml`."""

    site: Site = Field(default=Site(), description="Who publishes.")
    storage: Storage = Field(default=Storage(), description="The database.")
    server: Server = Field(default=Server(), description="The HTTP server.")
    publish: Publish = Field(default=Publish(), description="What all published feeds have in common.")
    network: NetworkSection = Field(default=NetworkSection(), description="How the world is reached.")
    polling: Polling = Field(default=Polling(), description="The poller's limits.")
    hosts: dict[Domain, HostRule] = Field(default={}, description="Manners by registrable domain.")
    defaults: Defaults = Field(default=Defaults(), description="What all sources have in common.")
    groups: dict[Text, Group] = Field(default={}, description="What the sources of a group have in common, by the group's name.")
    sources: list[SourceValue] = Field(description="The feeds to poll: addresses, maps, or lists of feeds (`opml`).")
    tags: dict[TagText, Annotated[TagRule, wrapped("query", TagRule)]] = Field(
        default={}, description="Tags by rule: name, and query or map."
    )
    topics: list[Topic] = Field(default=[], description="Subjects that are followed.")
    outputs: list[Output] = Field(default=[], description="Published feeds besides `all` and one for each topic.")
    dedup: Dedup = Field(default=Dedup(), description="How entries are grouped into stories.")
    entities: Entities | None = Field(default=None, description="Names to be recognised.")
    categories: Categories = Field(default=Categories(), description="The feeds' own categories.")
    subjects: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Whether stories are tagged with one of 17 broad subjects (English)."
    )
    alerts: Alerts | None = Field(default=None, description="Who is told when something breaks.")
