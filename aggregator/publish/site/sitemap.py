"""`/sitemap.xml` (sitemaps.org): the pages that search engines may list, of a site that lets them."""

from __future__ import annotations

from xml.sax.saxutils import escape

from aggregator.ports.feeds import Feeds
from aggregator.publish.entry.addresses import older_path, story_path, topic_path
from aggregator.settings import Settings

NEWEST = 2_000
"""Stories of each feed, those that entered last. Their pages and the archive's lead to the others."""
MOST = 50_000
"""Addresses in a sitemap, by its format."""


def document(settings: Settings, store: Feeds) -> bytes:
    """The front page, public feeds with their archive pages, and the newest stories of each."""
    public = [output.slug for output in settings.outputs if output.token is None]
    paths = ["/", *map(topic_path, public)]
    paths += [older_path(slug, page.page) for slug in public for page in store.pages(slug)]
    paths += [story_path(one.story) for slug in public for one in store.members(slug, NEWEST)]
    urls = (f"<url><loc>{escape(settings.site.url + path)}</loc></url>" for path in list(dict.fromkeys(paths))[:MOST])
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{space}">\n{chr(10).join(urls)}\n</urlset>\n'.encode()
