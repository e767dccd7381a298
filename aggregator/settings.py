"""The settings: values that config/ makes from `feeds.yaml`, resolved and checked, for all other parts.

Durations in seconds, sizes in bytes. Names are those of the file (docs/config.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from msgspec import Struct, field

from aggregator.model import Slug, Source, SourceId
from aggregator.text.masks import repr_without

DAY = 86_400.0
"""Seconds."""


class Site(Struct, frozen=True):
    """url: without a trailing slash; http://host:port if the file has none. index: whether search engines may list its pages."""

    title: str = "News"
    url: str = "http://127.0.0.1:8080"
    contact: str | None = None
    language: str = "en"
    timezone: str = "UTC"
    index: bool = False


class Backup(Struct, frozen=True):
    """Regular copies of the database. keep: how many."""

    every: float = DAY
    keep: int = 7
    directory: Path = Path("data/backup")


SERVERS = ("postgresql://", "postgres://")
"""What the address of a database on a server begins with."""


def is_on_server(database: str) -> bool:
    """Whether `storage.database` names a database on a server, not a file."""
    return database.startswith(SERVERS)


class Storage(Struct, frozen=True):
    """database: a file of SQLite, or the address of a PostgreSQL database, which may hold a password.

    beside: where files are kept that would lie beside the database, if that is on a server.
    """

    database: str = "data/aggregator.db"
    keep: float = 90 * DAY
    backup: Backup | None = None
    beside: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of the database, where what is fetched and kept lies, too."""
        return Path(self.database).parent if self.beside is None else self.beside

    def __repr__(self) -> str:
        return repr_without(self, "database")


class Assistants(Struct, frozen=True):
    """Who may ask over MCP by HTTP. sees: "public" or "all"; hosts: names under which it is asked, besides the site's own."""

    token: str
    sees: str = "public"
    hosts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return repr_without(self, "token")


class Server(Struct, frozen=True):
    """admin: the token of the person who runs the service, or None; mcp: of assistants, or None."""

    host: str = "127.0.0.1"
    port: int = 8080
    admin: str | None = None
    mcp: Assistants | None = None

    def __repr__(self) -> str:
        return repr_without(self, "admin")


def own_address(server: Server) -> str:
    """The address of a site whose config has no `site.url`."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"http://{host}:{server.port}"


class Publishing(Struct, frozen=True):
    """backfill: greatest age of a new source's entries that still enter existing feeds.

    settle: how long a new story waits for a better lead; websub: True for our own hub, False for none, or another hub's address.
    ids: "global" or "per-feed".
    images: "link", or "off" for no picture at all.
    """

    directory: Path = Path("data/public")
    private: Path = Path("data/private")
    items: int = 50
    content: str = "summary"
    settle: float = 0.0
    backfill: float = DAY
    websub: bool | str = True
    ids: str = "global"
    images: str = "link"


class Network(Struct, frozen=True):
    """allow: address ranges beyond the public ones where sources may be."""

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
    """gap: shortest time between two requests to a registrable domain."""

    gap: float = 0.0


class Expectation(Struct, frozen=True):
    """A test of a query: an entry that must match, or must not. line and column are its place in the file."""

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


WEIGHT, OUTLETS = "weight", "outlets"
"""Orders of a feed: by the outlets of a story's thread in the last day (`selection/weight.py`), and by the story's own."""


class Rate(Struct, frozen=True):
    """At most so many in any span of so many seconds."""

    count: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.count}/{ {60.0: 'm', 3600.0: 'h', DAY: 'd'}.get(self.seconds, f'{self.seconds:g}s') }"


class Channel(Struct, frozen=True):
    """Where people are told of stories or alerts. url: an Apprise address, secret as a whole.

    when: the query of what is told; template: the message, None for the usual one; limit: most messages.
    """

    url: str
    when: str | None = None
    template: str | None = None
    limit: Rate = Rate(20, 3600.0)

    @property
    def id(self) -> str:
        """Stands for the address wherever that is not used to send. Another address is another channel."""
        return sha256(self.url.encode()).hexdigest()[:16]

    @property
    def service(self) -> str:
        """The scheme of its address, which is all that may be shown of it."""
        return self.url.partition("://")[0].lower()

    def __repr__(self) -> str:
        return f"Channel({self.id!r}, {self.service!r}, {self.when!r}, {self.template!r}, {self.limit})"


class Output(Struct, frozen=True):
    """A published feed. Each topic has one with its slug, and `all` always exists; `outputs:` adds more or changes these.

    when: the query of stories that the webhook is told of, once each, or once a thread; None: of all, at each change.
    notify: channels that are told of each story once.
    query: None for all stories; token: makes it private; digest: a cron line; rejected: it shows what keep/drop removed.
    formerly: earlier slugs, oldest first: their addresses redirect here, and the feed's id is that of the oldest.
    per_thread, per_outlet: most entries of one thread, and of one outlet's leads; None for any number.
    """

    slug: Slug
    title: str
    query: str | None = None
    description: str | None = None
    items: int = 50
    content: str = "summary"
    sort: str = "published"
    per_thread: int | None = None
    per_outlet: int | None = None
    language: str | None = None
    token: str | None = None
    digest: str | None = None
    webhook: str | None = None
    webhook_secret: str | None = None
    when: str | None = None
    notify: tuple[Channel, ...] = ()
    rejected: bool = False
    topic: Slug | None = None
    formerly: tuple[Slug, ...] = ()

    @property
    def first_slug(self) -> Slug:
        """The feed's oldest slug, which stands for it whatever it is called now."""
        return self.formerly[0] if self.formerly else self.slug

    @property
    def thresholds(self) -> dict[str, str]:
        """The query of each threshold by its key: the slug for that of the webhook, slug and id for that of a channel."""
        found = {str(self.slug): self.when} if self.when is not None else {}
        return found | {threshold_key(self.slug, one): one.when for one in self.notify if one.when is not None}

    def __repr__(self) -> str:
        return repr_without(self, "token", "webhook", "webhook_secret")

    @property
    def ranked(self) -> bool:
        """Whether its document shows the best of all stories that match, not the last that came. Such a feed has no archive."""
        bounded = self.per_thread is not None or self.per_outlet is not None
        return self.digest is None and not self.rejected and (self.sort in (WEIGHT, OUTLETS) or bounded)


def threshold_key(slug: Slug, channel: Channel) -> str:
    """The key of a channel's threshold. No slug has a `#`."""
    return f"{slug}#{channel.id}"


SUMMARY, TITLE, TAGS = "summary", "title", "tags"
"""What a hook may be asked for."""


class Hook(Struct, frozen=True):
    """A command, or an HTTP address, that is asked about stories (`enrich:`). fields: what is taken from its answer.

    command: program and arguments; tags: those that it may give, any if there are none; rate: stories a minute at most;
    settle: seconds between a story's change and the question; env: variables of ours that the command sees; private: whether an
    address may be sent private stories. topics, outputs, sources: whose stories it is asked about.
    """

    name: str
    command: tuple[str, ...] = ()
    url: str | None = None
    fields: tuple[str, ...] = (SUMMARY, TITLE, TAGS)
    tags: tuple[str, ...] = ()
    timeout: float = 30.0
    rate: int = 10
    settle: float = 30.0
    token: str | None = None
    env: tuple[str, ...] = ()
    private: bool = False
    topics: tuple[Slug, ...] = ()
    outputs: tuple[Slug, ...] = ()
    sources: tuple[SourceId, ...] = ()

    def __repr__(self) -> str:
        return repr_without(self, "url", "token")


class Dedup(Struct, frozen=True):
    """within: time to the nearest item; at_most: to the story's first item; never: queries of stories that nothing joins."""

    within: float = 72 * 3600.0
    at_most: float = 7 * DAY
    level: str = "story"
    never: tuple[str, ...] = ()


class Threads(Struct, frozen=True):
    """within: time between a story and the nearest one of its thread. A thread without reports for so long sleeps."""

    enabled: bool = True
    within: float = 7 * DAY


class Outlet(Struct, frozen=True):
    """A publisher. domains: also sites below a domain, and accounts as `medium.com/@anna`; platform: others publish there."""

    domains: tuple[str, ...]
    platform: bool = False


class Tagging(Struct, frozen=True):
    """categories: a feed's category → tag, or None to drop it; entities_file: names beyond the built-in lists."""

    subjects: bool = False
    entities_file: Path | None = None
    categories: Mapping[str, str | None] = field(default_factory=dict)


class Settings(Struct, frozen=True):
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
