"""Atom 1.0 (RFC 4287), with archives (RFC 5005) and pictures (Media RSS)."""

from __future__ import annotations

from feedgen.entry import FeedEntry

from aggregator.publish.entry.addresses import LINK_TYPES, entry_id
from aggregator.publish.entry.view import View
from aggregator.publish.formats.extension import NAMESPACES, EntryNodes, FeedNodes, Node
from aggregator.publish.formats.fragments import Cutter, Frame, frame, new_generator, to_datetime
from aggregator.publish.formats.head import GENERATOR, Head
from aggregator.text.times import rfc3339

_CUTTER = Cutter(NAMESPACES)


def entry(view: View) -> bytes:
    """One entry as UTF-8. Summary mode writes a `summary`; full mode writes `content` and a short `summary`."""
    made = FeedEntry()
    made.id(entry_id(view.id))
    made.title(view.title)
    made.updated(to_datetime(view.updated))
    made.published(to_datetime(view.published))
    made.author({"name": view.byline})  # of several, newsboat's and feedparser's users would see one
    made.link(href=view.link, rel="alternate", type="text/html")
    if view.full:
        made.summary(view.summary or view.title)
        made.content(view.in_feeds, type="html")
    else:
        made.summary(view.in_feeds, type="html")
    made.category([{"term": one.term} | ({"scheme": one.scheme} if one.scheme else {}) for one in view.terms])
    made.register_extension("nodes", EntryNodes, atom=True, rss=False)
    made.nodes.language = view.language
    made.nodes.nodes = (*_links(view), *_source(view), *picture(view))
    return _CUTTER.cut(made.atom_entry())


def _links(view: View) -> list[Node]:
    also = [
        Node("link", {"rel": "related", "type": "text/html", "href": report.url, "title": report.outlet}) for report in view.also
    ]
    pages = [
        Node("link", {"rel": "related", "type": "text/html", "href": one.url, "title": one.title}) for one in view.earlier_pages
    ]
    media = [
        Node("link", {"rel": "enclosure", "href": one.url, "type": one.type, "length": str(one.length)}) for one in view.media
    ]
    places: dict[str, dict[str, str]] = {view.comments: {}} if view.comments else {}
    places |= {one.url: {"title": one.name} for one in view.discussions}
    replies = [Node("link", {"rel": "replies", "type": "text/html", "href": url, **more}) for url, more in places.items()]
    return also + pages + media + replies


def _source(view: View) -> list[Node]:
    """The feed that the lead came from (RFC 4287 4.2.11). Its address serves as its id."""
    origin = view.origin
    if origin is None:
        return []
    parts = (
        Node("id", text=origin.url),
        Node("title", text=origin.title),
        Node("updated", text=rfc3339(view.published)),
        Node("link", {"rel": "alternate", "type": "text/html", "href": origin.site}),
    )
    return [Node("source", children=parts)]


def picture(view: View) -> list[Node]:
    """The picture by both names of Media RSS, since some readers know but one. It is no enclosure: nobody is to download it."""
    image = view.image
    if image is None:
        return []
    return [
        Node("media:content", {"url": image.url, "medium": "image", **image.size}),
        Node("media:thumbnail", {"url": image.url, **image.size}),
    ]


def document(head: Head) -> Frame:
    """The document around its entries."""
    generator = new_generator()
    generator.id(head.id)
    generator.title(head.title)
    generator.subtitle(head.description)
    generator.updated(to_datetime(head.updated))
    generator.author({"name": head.site_title})
    generator.generator(GENERATOR)
    generator.language(head.language)
    generator.register_extension("nodes", FeedNodes, EntryNodes)
    generator.nodes.nodes = tuple(feed_links(head, "atom", "link"))
    root, _ = generator._create_atom()
    return frame(root, b"</feed>")


def feed_links(head: Head, format: str, name: str) -> list[Node]:
    """Links for both XML formats: self, alternate, hub, archive pages, and the archive flag. name: of the link element."""
    kind = LINK_TYPES[format]
    archives = head.archives
    nodes = [Node(name, {"rel": "self", "type": kind, "href": head.self_url(format)})]
    if format == "atom":
        nodes.append(Node(name, {"rel": "alternate", "type": "text/html", "href": head.home}))
    if head.hub:
        nodes.append(Node(name, {"rel": "hub", "href": head.hub}))
    if archives.page is not None:
        nodes.append(Node(name, {"rel": "current", "type": kind, "href": head.current_url(format)}))
    if archives.previous is not None:
        nodes.append(Node(name, {"rel": "prev-archive", "type": kind, "href": head.page_url(archives.previous, format)}))
    if archives.next is not None:
        nodes.append(Node(name, {"rel": "next-archive", "type": kind, "href": head.page_url(archives.next, format)}))
    if archives.page is not None:
        nodes.append(Node("fh:archive"))
    return nodes
