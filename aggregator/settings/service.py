"""How the service runs: its site, where it stores, serves and publishes, the network, how it polls."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from aggregator.text.masks import repr_without
from aggregator.text.times import DAY


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


OBJECT_STORES = ("s3://", "gs://", "az://")
"""What the address of a prefix in an object store begins with: S3 and what speaks like it, Google Cloud, Azure."""


def is_in_object_store(directory: str) -> bool:
    """Whether `publish.directory` names a place in an object store, not a folder."""
    return directory.startswith(OBJECT_STORES)


PUBLIC = "public"
"""The folder beside the database that is copied to an object store."""


class Publishing(Struct, frozen=True):
    """directory: the folder of the public files; objects: the address in an object store that it is copied to.

    backfill: greatest age of a new source's entries that still enter existing feeds.

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
    objects: str | None = None


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
