"""What a web page offers that came where a feed was expected."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.model import FetchFailed
from aggregator.reading.pool import Reader

_SHOWN_FEEDS = 3


async def with_offers(failed: FetchFailed, reader: Reader) -> FetchFailed:
    """The failure, its fault telling the feeds that the page names. The page itself is not kept."""
    if not failed.page:
        return failed
    feeds = await reader.feeds_of(failed.page, failed.url)
    offer = f"; it offers {', '.join(feeds[:_SHOWN_FEEDS])}" if feeds else "; it names no feed"
    fault = replace(failed.fault, detail=failed.fault.detail + offer, feeds=feeds)
    return replace(failed, fault=fault, page=b"")
