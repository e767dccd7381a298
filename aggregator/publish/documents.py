"""One logical feed as its three documents."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.publish import atom, jsonfeed, rss
from aggregator.publish.addresses import FORMATS
from aggregator.publish.head import Head
from aggregator.publish.rendering import Rendered


def documents(head: Head, entries: Sequence[Rendered]) -> dict[str, bytes]:
    """Format → bytes, with the same entries in the same order."""
    made = (
        atom.document(head).around([one.atom for one in entries]),
        rss.document(head).around([one.rss for one in entries]),
        jsonfeed.joined(jsonfeed.document(head), [one.json for one in entries]),
    )
    return dict(zip(FORMATS, made, strict=True))


def in_order(entries: Sequence[Rendered], sort: str) -> list[Rendered]:
    """Newest first, by first publication or by last change; ids decide between equals, so that the order is always the same."""
    if sort == "updated":
        return sorted(entries, key=lambda one: (-one.updated, one.story))
    return sorted(entries, key=lambda one: (-one.published, one.story))
