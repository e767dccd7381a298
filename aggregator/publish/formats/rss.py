"""RSS 2.0 by the RSS Advisory Board's profile, with atom:link, dc:creator, content:encoded and pictures of Media RSS."""

from __future__ import annotations

import html

from feedgen.entry import FeedEntry

from aggregator.publish.entry.addresses import entry_id
from aggregator.publish.entry.view import View
from aggregator.publish.formats.atom import feed_links, picture
from aggregator.publish.formats.extension import RSS_NAMESPACES, EntryNodes, FeedNodes, Node
from aggregator.publish.formats.fragments import Cutter, Frame, frame, new_generator, rfc822, rfc3339_exact
from aggregator.publish.formats.head import GENERATOR, Head

_CUTTER = Cutter(RSS_NAMESPACES)


def item(view: View) -> bytes:
    """One item as UTF-8. Only the first enclosure is written, as the RSS Advisory Board's profile recommends."""
    made = FeedEntry()
    made.title(view.title)
    made.link(href=view.link)
    made.guid(entry_id(view.id), permalink=False)
    if view.full:
        made.description(html.escape(view.summary or view.title, quote=False), isSummary=True)
        made.content(view.in_feeds)
    else:
        made.description(view.in_feeds)
    made.category([{"term": one.term} | ({"scheme": one.scheme} if one.scheme else {}) for one in view.terms])
    if view.comments:
        made.comments(view.comments)
    if view.media:
        made.enclosure(view.media[0].url, str(view.media[0].length), view.media[0].type)
    if view.origin is not None:
        made.source(view.origin.url, view.origin.title)
    made.register_extension("nodes", EntryNodes, atom=False, rss=True)
    made.nodes.nodes = _nodes(view)
    return _CUTTER.cut(made.rss_entry())


def _nodes(view: View) -> tuple[Node, ...]:
    """Elements that feedgen lacks, and pubDate, for which feedgen would switch the process's locale."""
    language = [Node("dc:language", text=view.language)] if view.language else []
    return (
        Node("pubDate", text=rfc822(view.published)),
        Node("atom:updated", text=rfc3339_exact(view.updated)),
        Node("dc:creator", text=view.byline),
        *language,
        *(
            Node("atom:link", {"rel": "related", "type": "text/html", "href": report.url, "title": report.outlet})
            for report in view.also
        ),
        *(
            Node("atom:link", {"rel": "related", "type": "text/html", "href": one.url, "title": one.title})
            for one in view.earlier_pages
        ),
        *picture(view),
        *(Node(one.name, dict(one.attributes), one.text or None) for one in view.tags),
    )


def document(head: Head) -> Frame:
    """The document around its items."""
    generator = new_generator()
    generator.title(head.title)
    generator.link(href=head.home, rel="alternate")
    generator.description(head.description)
    generator.language(head.language)
    generator.generator(GENERATOR)
    generator.register_extension("nodes", FeedNodes, EntryNodes)
    generator.nodes.namespaces = RSS_NAMESPACES
    nodes = feed_links(head, "rss", "atom:link")
    if head.archives.page is None:
        generator.ttl(head.ttl // 60)
    generator.nodes.nodes = (Node("lastBuildDate", text=rfc822(head.updated)), *nodes)
    root, _ = generator._create_rss()
    return frame(root, b"</channel></rss>")
