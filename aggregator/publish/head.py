"""What stands before the entries of a document, in every format."""

from __future__ import annotations

import math
import uuid

from msgspec import Struct

from aggregator.model import Instant
from aggregator.publish import addresses
from aggregator.publish.characters import plain
from aggregator.settings import Output, Settings

GENERATOR = "aggregator"
"""Without a version: an upgrade changes no published byte."""


class ArchiveLinks(Struct, frozen=True):
    """Links of RFC 5005 section 4, as page numbers. page: of this document; None for the subscription document."""

    page: int | None = None
    previous: int | None = None
    next: int | None = None


class Head(Struct, frozen=True):
    """A feed's own data. id: permanent IRI; updated: with its fraction; ttl: seconds until it is worth asking again.

    path: of the document without its format's ending, where it is not the usual one.
    """

    output: Output
    id: str
    title: str
    description: str
    language: str
    updated: float
    site_url: str
    site_title: str
    home: str
    hub: str | None
    ttl: int
    archives: ArchiveLinks = ArchiveLinks()
    path: str = ""

    @property
    def described(self) -> bool:
        """Whether the description is the config's own, not made from titles."""
        return bool(self.output.description)

    def self_url(self, format: str) -> str:
        """The configured public address of this very document."""
        if self.archives.page is None:
            return self.current_url(format)
        return self.page_url(self.archives.page, format)

    def current_url(self, format: str) -> str:
        """The address of the subscription document."""
        path = f"{self.path}.{format}" if self.path else addresses.feed_path(self.output.slug, format)
        return self.site_url + path

    def page_url(self, page: int, format: str) -> str:
        return self.site_url + addresses.page_path(self.output.slug, page, format)


def feed_id(site_id: str, output: Output) -> str:
    """`atom:id` of a feed: unique to this database and its first slug, and the same wherever the site moves."""
    return f"urn:uuid:{uuid.uuid5(uuid.UUID(site_id), output.formerly[0] if output.formerly else output.slug)}"


def head(output: Output, settings: Settings, site_id: str, updated: Instant, archives: ArchiveLinks = ArchiveLinks()) -> Head:
    """Makes the head of a document. site_id: this database's UUID. Private feeds name no hub: it could not read them."""
    title = plain(output.title) or str(output.slug)
    return Head(
        output=output,
        id=feed_id(site_id, output),
        title=title,
        description=plain(output.description or "") or _description(title, settings),
        language=output.language or settings.site.language,
        updated=updated,
        site_url=settings.site.url,
        site_title=plain(settings.site.title) or "News",
        home=settings.site.url + addresses.home_path(output),
        hub=addresses.hub(settings.site, settings.publish.websub) if output.token is None and archives.page is None else None,
        ttl=ttl(settings),
        archives=archives,
    )


def _description(title: str, settings: Settings) -> str:
    """What stands where the config says nothing: RSS demands a description."""
    site = plain(settings.site.title)
    return "Every story, once" if title == site else f"{title} – {site}"


def ttl(settings: Settings) -> int:
    """Seconds until a feed may hold something new: the shortest time between two polls, in whole minutes, at most an hour."""
    return min(max(math.ceil(settings.polling.min / 60), 1), 60) * 60
