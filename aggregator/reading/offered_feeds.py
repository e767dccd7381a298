"""Finds the feeds that a web page or another document names if it arrived in place of a feed."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.model import Fault, FaultKind, Fetched, FetchFailed
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


async def add_named_feeds(fault: Fault, document: Fetched, reader: Reader) -> Fault:
    """Adds the feeds that a document names which is neither a page nor a feed: a directory's answer, robots.txt."""
    if fault.kind is not FaultKind.NOT_A_FEED:
        return fault
    return replace(fault, feeds=await reader.feeds_of(document.body, document.url))
