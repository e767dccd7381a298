"""What the addresses of sources tell without a request: which of them can bring nothing."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from aggregator.fetch.address_rules import why_no_feed
from aggregator.fetch.guard import Guard, how_to_allow, literal_address
from aggregator.settings import Settings
from aggregator.text.masks import mask_text, mask_url


def address_warnings(settings: Settings) -> Iterator[str]:
    """Yields a line for each source whose address is refused, or is a page of a site whose feeds are elsewhere."""
    guard = Guard(settings.network.allow)
    for source in settings.enabled_sources.values():
        host = urlsplit(source.url).hostname or ""
        address, why = literal_address(host), guard.refusal_of_host(host)
        if why is not None and address is not None:
            why += how_to_allow(str(address))
        if (why := why or why_no_feed(source.url)) is not None:
            yield mask_text(f"source {source.id}: {source.shown or mask_url(source.url)}: {why}", settings.secrets)
