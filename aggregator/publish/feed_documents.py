"""Writes one feed in all three formats."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.publish.entry.addresses import FORMATS
from aggregator.publish.entry.feed_ids import scoped_item, scoped_xml
from aggregator.publish.formats import atom, jsonfeed, rss
from aggregator.publish.formats.head import Head
from aggregator.publish.rendering import Rendered


def render_documents(head: Head, entries: Sequence[Rendered]) -> dict[str, bytes]:
    """Format → document. All have the same entries in the same order."""
    scope = head.scope
    made = (
        atom.document(head).around([scoped_xml(one.atom, one.story, scope) for one in entries]),
        rss.document(head).around([scoped_xml(one.rss, one.story, scope) for one in entries]),
        jsonfeed.joined(jsonfeed.document(head), [scoped_item(one.json, one.story, scope) for one in entries]),
    )
    return dict(zip(FORMATS, made, strict=True))
