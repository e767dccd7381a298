"""The configuration as values, resolved and checked: what config/ makes of `feeds.yaml` and every other part is given.

Durations in seconds, sizes in bytes. Names are those of the file (docs/config.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from aggregator.model import Slug, Source
from aggregator.text.masks import repr_without

DAY = 86_400.0


class Site(Struct, frozen=True):
    """url: without a trailing slash; http://host:port where the file has none."""

    title: str = "News"
    url: str = "http://127.0.0.1:8080"
    contact: str | None = None
    language: str = "en"
    timezone: str = "UTC"


class Backup(Struct, frozen=True):
    """Regular copies of the database. keep: how many."""

    every: float = DAY
    keep: int = 7
    directory: Path = Path("data/backup")


class Storage(Struct, frozen=True):
    database: str = "data/aggregator.db"
    keep: float = 90 * DAY
    backup: Backup | None = None


class Server(Struct, frozen=True):
    """admin: the token of whoever runs the service, None if there is none."""

    host: str = "127.0.0.1"
    port: int = 8080
    admin: str | None = None

    def __repr__(self) -> str:
        return repr_without(self, "admin")


class Publishing(Struct, frozen=True):
    """backfill: how young an entry of a new source must be to enter feeds that exist.

    settle: how long a new story is held back for a better lead; websub: the own hub, none, or another hub's address.
    """

    directory: Path = Path("data/public")
    private: Path = Path("data/private")
    items: int = 50
    content: str = "summary"
    settle: float = 0.0
    backfill: float = DAY
    websub: bool | str = True


class Network(Struct, frozen=True):
    """allow: address ranges, beyond public ones, that sources may live in."""

    allow: tuple[str, ...] = ()
    proxy: str | None = None
    user_agent: str | None = None
    websub: bool = False

    def __repr__(self) -> str:
        return repr_without(self, "proxy")


class Polling(Struct, frozen=True):
    min: float = 300.0
    max: float = DAY
    workers: int = 16
    per_host: int = 2
    timeout: float = 20.0
    max_bytes: int = 15_000_000
    readers: int | None = None


class HostRule(Struct, frozen=True):
    """gap: least time between two requests to a registrable domain."""

    gap: float = 0.0


class Expectation(Struct, frozen=True):
    """A test of a rule: a title, or a whole entry, that must (not) match. line and column are its place in the file."""

    match: bool
    title: str
    body: str = ""
    source: str | None = None
    tags: tuple[str, ...] = ()
    line: int = 0
    column: int = 0


class TagRule(Struct, frozen=True):
    name: str
    query: str
    expect: tuple[Expectation, ...] = ()


class Topic(Struct, frozen=True):
    slug: Slug
    title: str
    query: str
    expect: tuple[Expectation, ...] = ()
    formerly: tuple[Slug, ...] = ()


class Output(Struct, frozen=True):
    """A feed that is published. Each topic has one of its own slug, and there is always `all`; `outputs:` adds or reshapes.

    query: None means every story. token: not None makes it private. digest: a cron line. rejected: what keep/drop threw away.
    formerly: slugs it had before, the oldest first: their addresses lead here, and its id is that of the oldest.
    """

    slug: Slug
    title: str
    query: str | None = None
    description: str | None = None
    items: int = 50
    content: str = "summary"
    sort: str = "published"
    language: str | None = None
    token: str | None = None
    digest: str | None = None
    webhook: str | None = None
    webhook_secret: str | None = None
    rejected: bool = False
    topic: Slug | None = None
    formerly: tuple[Slug, ...] = ()

    def __repr__(self) -> str:
        return repr_without(self, "token", "webhook", "webhook_secret")


class Dedup(Struct, frozen=True):
    """within: of the nearest item; at_most: of a story's first item; never: queries of stories that nothing joins."""

    within: float = 72 * 3600.0
    at_most: float = 7 * DAY
    level: str = "story"
    never: tuple[str, ...] = ()


class Tagging(Struct, frozen=True):
    """categories: a feed's own category → tag, or None to drop it; entities_file: names beyond the built-in lists."""

    subjects: bool = False
    entities_file: Path | None = None
    categories: Mapping[str, str | None] = field(default_factory=dict)


class Settings(Struct, frozen=True):
    """All of `feeds.yaml`. file: as named by the user; sources: all, in order, those of included lists behind.

    outputs: every feed that is published: `all`, one for each topic unless `outputs:` reshapes it, and the others.
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
    dedup: Dedup = Dedup()
    tagging: Tagging = Tagging()
    alerts_webhook: str | None = None
    notes: tuple[str, ...] = ()
    """What is not wrong but worth telling (two sources with one address, a list of feeds not read yet), as `file:line:col: …`."""
    lists: tuple[str, ...] = ()
    """Addresses of lists of feeds, which are fetched again each day (config/opml.cached_path says where they are kept)."""
    includes: tuple[Path, ...] = ()
    """The other files that were read: lists of feeds, names, secrets. A change of one calls for a reload, too."""
    secrets: frozenset[str] = frozenset()
    """What was filled in from the environment and from files, and passwords in addresses: never to be shown or logged."""

    def __repr__(self) -> str:
        return repr_without(self, "alerts_webhook", "lists", "secrets")
