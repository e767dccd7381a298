"""The metadata of a feed's document, as every format writes it before the entries."""

from __future__ import annotations

import math
import uuid

from msgspec import Struct

from aggregator.model import Instant
from aggregator.publish.entry import addresses
from aggregator.publish.entry.characters import plain
from aggregator.publish.entry.feed_ids import scope_of
from aggregator.settings import Output, Settings

GENERATOR = "aggregator"
"""Without a version: an upgrade changes no published byte."""


class ArchiveLinks(Struct, frozen=True):
    """Links of RFC 5005 section 4, as page numbers. page: of this document; None for the subscription document."""

    page: int | None = None
    previous: int | None = None
    next: int | None = None


class Head(Struct, frozen=True):
    """A feed's metadata. id: permanent IRI; updated: with its fraction; ttl: seconds until a reader should ask again.

    path: of a document at an unusual address, without the format's suffix. scope: see `feed_ids.scope_of`.
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
    scope: str | None = None

    @property
    def name(self) -> str:
        """What pages call the feed. One with the title of the site, as `all` has by default, has everything."""
        return "Everything" if self.title == self.site_title else self.title

    @property
    def described(self) -> bool:
        """Whether the config gives a description."""
        return bool(self.output.description)

    def self_url(self, format: str) -> str:
        """The public address of this document."""
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
    """`atom:id` of a feed, from this database's UUID and the feed's first slug. It survives a move of the site."""
    return f"urn:uuid:{uuid.uuid5(uuid.UUID(site_id), output.first_slug)}"


def head(output: Output, settings: Settings, site_id: str, updated: Instant, archives: ArchiveLinks = ArchiveLinks()) -> Head:
    """Makes the head of a document. site_id: this database's UUID. Private feeds name no hub, which could not read them."""
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
        scope=scope_of(output, settings.publish),
    )


def _description(title: str, settings: Settings) -> str:
    """The default description. RSS 2.0 requires one."""
    site = plain(settings.site.title)
    return "Every story, once" if title == site else f"{title} – {site}"


def ttl(settings: Settings) -> int:
    """Seconds until a feed may have news: the shortest polling interval, in whole minutes, from one minute to an hour."""
    return min(max(math.ceil(settings.polling.min / 60), 1), 60) * 60
