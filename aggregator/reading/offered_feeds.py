"""Finds the feeds that a web page offers if it arrived in place of a feed."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.model import FetchFailed
from aggregator.reading.pool import Reader

_SHOWN_FEEDS = 3
"""Feeds named in a fault's text."""


async def add_offered_feeds(failed: FetchFailed, reader: Reader) -> FetchFailed:
    """Adds the feeds that the page names to the failure's fault, and drops the page."""
    if not failed.page:
        return failed
    feeds = await reader.feeds_of(failed.page, failed.url)
    offer = f"; it offers {', '.join(feeds[:_SHOWN_FEEDS])}" if feeds else "; it names no feed"
    fault = replace(failed.fault, detail=failed.fault.detail + offer, feeds=feeds)
    return replace(failed, fault=fault, page=b"")
