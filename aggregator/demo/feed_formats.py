"""Writes an outlet's feed as RSS 2.0, 1.0, 0.91, Atom 1.0, 0.3 or JSON Feed.

Without a library on purpose: the demo must send what real sites send (old formats, missing dates and guids, relative links),
which no feed library allows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from types import MappingProxyType
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from aggregator.demo.newsroom import Article, FeedFile, Format, Outlet
from aggregator.model import Instant


class Place(Struct, frozen=True):
    """Where the newsroom is served: a port on loopback, each outlet under its own name below `localhost`."""

    port: int

    def site(self, host: str) -> str:
        """The home page of a host, without a trailing slash."""
        return f"http://{host}.localhost:{self.port}"

    def article(self, article: Article) -> str:
        """The address by which an outlet links to an article, tracking parameters included."""
        return self.site(article.host) + article.path + article.query

    def feed(self, outlet: Outlet, feed: FeedFile) -> str:
        """The address to poll a feed at. Not by name: not every system resolves names below `localhost`."""
        return f"http://127.0.0.1:{self.port}/{outlet.id}/{feed.path}"


def write_feed(outlet: Outlet, feed: FeedFile, place: Place) -> bytes:
    """The document of a feed; the same newsroom gives the same bytes."""
    return _WRITERS[feed.format](outlet, feed, place)


def paragraphs(text: str) -> str:
    """An article's text as HTML."""
    return "".join(f"<p>{' '.join(part.split())}</p>" for part in re.split(r"\n\s*\n", text) if part.strip())


def first_paragraph(text: str) -> str:
    """An article's first paragraph without its tags."""
    return " ".join(re.sub(r"<[^>]+>", "", text.split("\n\n")[0]).split())


def _utc(at: Instant) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _iso(at: Instant) -> str:
    return f"{_utc(at):%Y-%m-%dT%H:%M:%SZ}"


def _rfc822(at: Instant) -> str:
    return format_datetime(_utc(at))


def _tag(name: str, text: str | None, attributes: str = "") -> str:
    return "" if text is None else f"<{name}{attributes}>{escape(text)}</{name}>"


def _link(article: Article, feed: FeedFile, place: Place) -> str:
    return article.path + article.query if feed.relative_links else place.article(article)


def _guid(article: Article, feed: FeedFile, place: Place) -> str | None:
    match feed.guids:
        case "permalink":
            return place.site(article.host) + article.path
        case "tag":
            return f"tag:{article.host}.example,2023:{article.slug}"
        case "number":
            return str(10_000 + sum(map(ord, article.slug)))
        case "none":
            return None


def _xml(root: str, feed: FeedFile) -> bytes:
    declared = f'<?xml version="1.0" encoding="{feed.charset}"?>\n{root}\n'
    return declared.encode(feed.charset, "xmlcharrefreplace")


def _rss2(outlet: Outlet, feed: FeedFile, place: Place) -> bytes:
    head = (
        _tag("title", feed.title)
        + _tag("link", place.site(outlet.host) + "/")
        + _tag("description", outlet.about)
        + _tag("language", outlet.language)
    )
    items = "\n".join(_rss2_item(article, feed, place) for article in outlet.articles_of(feed))
    spaces = 'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    media = 'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/"'
    return _xml(f'<rss version="2.0" {spaces} {media}>\n<channel>{head}\n{items}\n</channel>\n</rss>', feed)


def _rss2_item(article: Article, feed: FeedFile, place: Place) -> str:
    guid = _guid(article, feed, place)
    html = paragraphs(article.text)
    parts = [
        _tag("title", article.title),
        _tag("link", _link(article, feed, place)),
        _tag("guid", guid, "" if feed.guids == "permalink" else ' isPermaLink="false"'),
        _tag("pubDate", None if article.at is None else _rfc822(article.at)),
        _tag("dc:creator", article.author),
        *(_tag("category", category) for category in article.categories),
    ]
    if html:
        parts.append(_tag("description", first_paragraph(article.text) if feed.full else html))
        parts.append(_tag("content:encoded", html) if feed.full else "")
    if article.publisher and article.publisher_url:
        parts.append(
            _tag("source", article.publisher, f" url={quoteattr(article.publisher_url.replace('PORT', str(place.port)))}")
        )
    if article.media:
        parts.append(_rss2_media(article, place))
    if article.picture:
        url = f"{place.site(article.host)}/pictures/{article.picture}"
        parts.append(f'<media:content url={quoteattr(url)} type="image/png" medium="image" width="660" height="440"/>')
    return f"<item>{''.join(parts)}</item>"


def _rss2_media(article: Article, place: Place) -> str:
    assert article.media is not None
    media = article.media
    url = f"{place.site(article.host)}/media/{media.name}"
    enclosure = f'<enclosure url={quoteattr(url)} type="{media.type}" length="{media.length}"/>'
    return enclosure + _tag("itunes:duration", media.duration)


def _rss1(outlet: Outlet, feed: FeedFile, place: Place) -> bytes:
    home = place.site(outlet.host) + "/"
    articles = outlet.articles_of(feed)
    sequence = "".join(f"<rdf:li rdf:resource={quoteattr(place.article(article))}/>" for article in articles)
    channel = (
        f"<channel rdf:about={quoteattr(place.feed(outlet, feed))}>"
        + _tag("title", feed.title)
        + _tag("link", home)
        + _tag("description", outlet.about)
        + _tag("dc:language", outlet.language)
        + f"<items><rdf:Seq>{sequence}</rdf:Seq></items></channel>"
    )
    items = "\n".join(_rss1_item(article, place) for article in articles)
    spaces = (
        'xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    )
    return _xml(f"<rdf:RDF {spaces}>\n{channel}\n{items}\n</rdf:RDF>", feed)


def _rss1_item(article: Article, place: Place) -> str:
    url = place.article(article)
    parts = (
        _tag("title", article.title)
        + _tag("link", url)
        + _tag("description", first_paragraph(article.text) or None)
        + _tag("dc:creator", article.author)
        + _tag("dc:date", None if article.at is None else _iso(article.at))
        + "".join(_tag("dc:subject", category) for category in article.categories)
    )
    return f"<item rdf:about={quoteattr(url)}>{parts}</item>"


def _rss091(outlet: Outlet, feed: FeedFile, place: Place) -> bytes:
    head = (
        _tag("title", feed.title)
        + _tag("link", place.site(outlet.host) + "/")
        + _tag("description", outlet.about)
        + _tag("language", outlet.language)
    )
    items = "\n".join(
        f"<item>{_tag('title', article.title)}{_tag('link', _link(article, feed, place))}"
        f"{_tag('description', first_paragraph(article.text) or None)}</item>"
        for article in outlet.articles_of(feed)
    )
    return _xml(f'<rss version="0.91">\n<channel>{head}\n{items}\n</channel>\n</rss>', feed)


def _newest(outlet: Outlet, feed: FeedFile) -> Instant:
    return max((article.edited or article.at or 0.0 for article in outlet.articles_of(feed)), default=0.0)


def _atom1(outlet: Outlet, feed: FeedFile, place: Place) -> bytes:
    home = place.site(outlet.host) + "/"
    head = (
        _tag("id", f"tag:{outlet.host}.example,2023:{feed.path}")
        + _tag("title", feed.title)
        + _tag("updated", _iso(_newest(outlet, feed)))
        + f'<author>{_tag("name", outlet.name)}</author><link rel="self" href={quoteattr(place.feed(outlet, feed))}/>'
        + f"<link href={quoteattr(home)}/>"
    )
    entries = "\n".join(_atom1_entry(article, feed, place) for article in outlet.articles_of(feed))
    base = f" xml:base={quoteattr(home)}" if feed.relative_links else ""
    return _xml(f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}"{base}>{head}\n{entries}\n</feed>', feed)


def _atom1_entry(article: Article, feed: FeedFile, place: Place) -> str:
    at = article.at or 0.0
    html = paragraphs(article.text)
    parts = (
        _tag("id", _guid(article, feed, place))
        + _tag("title", article.title)
        + f"<link href={quoteattr(_link(article, feed, place))}/>"
        + _tag("published", _iso(at))
        + _tag("updated", _iso(article.edited or at))
        + ("" if article.author is None else f"<author>{_tag('name', article.author)}</author>")
        + "".join(f"<category term={quoteattr(category)}/>" for category in article.categories)
        + _tag("summary", first_paragraph(article.text) or None)
        + (_tag("content", html, ' type="html"') if html and feed.full else "")
    )
    return f"<entry>{parts}</entry>"


def _atom03(outlet: Outlet, feed: FeedFile, place: Place) -> bytes:
    home = place.site(outlet.host) + "/"
    head = (
        _tag("title", feed.title)
        + f'<link rel="alternate" type="text/html" href={quoteattr(home)}/>'
        + _tag("modified", _iso(_newest(outlet, feed)))
        + _tag("tagline", outlet.about)
    )
    entries = "\n".join(_atom03_entry(article, feed, place) for article in outlet.articles_of(feed))
    return _xml(
        f'<feed version="0.3" xmlns="http://purl.org/atom/ns#" xml:lang="{outlet.language}">{head}\n{entries}\n</feed>', feed
    )


def _atom03_entry(article: Article, feed: FeedFile, place: Place) -> str:
    at = article.at or 0.0
    parts = (
        _tag("id", _guid(article, feed, place))
        + _tag("title", article.title)
        + f'<link rel="alternate" type="text/html" href={quoteattr(_link(article, feed, place))}/>'
        + _tag("issued", _iso(at))
        + _tag("modified", _iso(article.edited or at))
        + ("" if article.author is None else f"<author>{_tag('name', article.author)}</author>")
        + _tag("content", paragraphs(article.text) or None, ' type="text/html" mode="escaped"')
    )
    return f"<entry>{parts}</entry>"


def _json_feed(outlet: Outlet, feed: FeedFile, place: Place) -> bytes:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": place.site(outlet.host) + "/",
        "feed_url": place.feed(outlet, feed),
        "description": outlet.about,
        "language": outlet.language,
        "items": [_json_item(article, feed, place) for article in outlet.articles_of(feed)],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _json_item(article: Article, feed: FeedFile, place: Place) -> dict[str, Any]:
    html = paragraphs(article.text)
    item = {
        "id": _guid(article, feed, place),
        "url": _link(article, feed, place),
        "title": article.title,
        "content_html": html or None,
        "summary": first_paragraph(article.text) or None,
        "date_published": None if article.at is None else _iso(article.at),
        "date_modified": None if article.edited is None else _iso(article.edited),
        "authors": None if article.author is None else [{"name": article.author}],
        "tags": list(article.categories) or None,
    }
    return {key: value for key, value in item.items() if value is not None}


_WRITERS: Mapping[Format, Callable[[Outlet, FeedFile, Place], bytes]] = MappingProxyType(
    {
        "rss 2.0": _rss2,
        "rss 1.0": _rss1,
        "rss 0.91": _rss091,
        "atom 1.0": _atom1,
        "atom 0.3": _atom03,
        "json feed 1.1": _json_feed,
    }
)
