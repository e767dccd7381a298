"""Maps XML element names to fields, whatever namespace address and letter case a feed uses."""

from __future__ import annotations

from functools import lru_cache

ATOM = "http://www.w3.org/2005/Atom"
ATOM_03 = "http://purl.org/atom/ns#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RSS_10 = "http://purl.org/rss/1.0/"
RSS_090 = "http://my.netscape.com/rdf/simple/0.9/"
XHTML = "http://www.w3.org/1999/xhtml"
XML = "{http://www.w3.org/XML/1998/namespace}"

_RSS = (
    "",
    RSS_10,
    RSS_090,
    "http://channel.netscape.com/rdf/simple/0.9/",
    "http://purl.org/net/rss1.1#",
    "http://purl.org/rss/2.0/",
    "http://backend.userland.com/rss",
    "http://backend.userland.com/rss2",
    "http://backend.userland.com/rss091",
    "http://backend.userland.com/rss092",
    "http://backend.userland.com/rss093",
    "http://backend.userland.com/rss094",
    "http://backend.userland.com/rss20",
    "http://blogs.law.harvard.edu/tech/rss",
    "http://my.netscape.com/publish/formats/rss-0.91.dtd",
)
_PREFIXES = {
    ATOM: "atom",
    ATOM_03: "atom",
    "http://purl.org/atom/app#": "app",
    RDF: "rdf",
    XHTML: "xhtml",
    "http://purl.org/dc/elements/1.1": "dc",
    "http://purl.org/dc/elements/1.0": "dc",
    "http://purl.org/dc/terms": "dcterms",
    "http://purl.org/rss/1.0/modules/content": "content",
    "http://purl.org/rss/1.0/modules/syndication": "sy",
    "http://purl.org/rss/1.0/modules/slash": "slash",
    "http://purl.org/syndication/thread/1.0": "thr",
    "http://search.yahoo.com/mrss": "media",
    "http://video.search.yahoo.com/mrss": "media",
    "http://tools.search.yahoo.com/mrss": "media",
    "http://www.rssboard.org/media-rss": "media",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://www.itunes.com/dtds/podcast-1.0": "itunes",
    "http://www.itunes.com/dtds/podcast": "itunes",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes",
    "http://podcastindex.org/namespace/1.0": "podcast",
    "http://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md": "podcast",
    "http://www.google.com/schemas/play-podcasts/1.0": "googleplay",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://wellformedweb.org/commentapi": "wfw",
    "http://news.yandex.ru": "yandex",
    "http://www.google.com/schemas/sitemap-news/0.9": "news",
    "http://www.google.com/schemas/sitemap-image/1.1": "image",
}
_BY_ADDRESS = {address.lower().rstrip("/"): prefix for address, prefix in _PREFIXES.items()}
_BY_ADDRESS.update({address.lower().rstrip("/"): "" for address in _RSS})
_USUAL_PREFIXES = frozenset(_PREFIXES.values())


@lru_cache(maxsize=4096)
def field_of(tag: str, home: str = "") -> str:
    """The field of an lxml tag (`title`, `dc:creator`, `atom:link`, …), or "" if unknown. RSS fields have no prefix.

    home: the namespace of the document's root, which counts as RSS if it is unknown. An undeclared prefix counts as its
    usual namespace.
    """
    if len(tag) > 200:
        return ""
    address, _, name = tag[1:].partition("}") if tag[0] == "{" else ("", "", tag)
    prefix = _BY_ADDRESS.get(address.lower().rstrip("/").replace("https://", "http://"))
    if prefix is None and address == home:
        prefix = ""
    if prefix == "" and ":" in name:
        prefix, name = name.lower().rsplit(":", 1)
        prefix = prefix if prefix in _USUAL_PREFIXES else None
    if prefix is None:
        return ""
    return f"{prefix}:{name.lower()}" if prefix else name.lower()
