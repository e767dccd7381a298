"""Maps news sitemaps and sitemap indexes (sitemaps.org 0.9, Google's news and image extensions) to raw values.

A sitemap without the news extension lists addresses alone: no headlines, so no entries can be made of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import islice
from urllib.parse import urlsplit

from aggregator.parse.elements import Element, Fields, fields_of, first_piece, first_text, texts
from aggregator.parse.raw import Candidate, Link, ListedSitemap, Piece, RawEntry, RawFeed
from aggregator.parse.vocabulary import field_of
from aggregator.text import dates
from aggregator.text.sitemap_names import date_in_name, is_of_news
from aggregator.text.urls import registrable_domain, resolve

NEWS, INDEX, PLAIN = "news sitemap", "sitemap index", "sitemap"
"""Formats, as in `Feed.format`."""
SITEMAPS = frozenset({NEWS, INDEX})
MAX_ENTRIES = 2000
"""Entries that are made, the newest. Google reads 1,000 of a news sitemap; sitemaps.org allows 50,000 addresses."""
MAX_SITEMAPS = 8
"""Sitemaps that are read of an index, each by a request. Agencies split their two days of news into up to six."""
_KEYWORDS = 4_000
"""Characters of an entry's keywords. Google read ten of them."""
_PICTURES = 50
"""Pictures of an entry that are looked at."""
RECENT = 3 * 86_400.0
"""Seconds before the newest sitemap of an index within which others are read: a news sitemap covers two days."""


def read(root: Element, home: str) -> RawFeed:
    """Reads a `urlset`. home: the root's namespace. `dropped["untitled"]` counts addresses without a headline."""
    dated, untitled = _headlines(root, home)
    newest = nlargest(MAX_ENTRIES, dated) if len(dated) > MAX_ENTRIES else dated
    left = len(dated) - len(newest)
    news = list(_at(root, {-place for _, place in newest}, home))
    names = Counter(name for _, inner in news if (name := _publication(inner, home, "news:name")))
    languages = {_publication(inner, home, "news:language") for _, inner in news}
    return RawFeed(
        format=NEWS if news or (_declares_news(root) and not untitled) else PLAIN,
        parts=news,
        make=lambda part: _entry(part[0], part[1], home),
        title=Piece(names.most_common(1)[0][0], "maybe") if names else None,
        links=(Link("/"),),
        language=languages.pop() if len(languages) == 1 else None,
        base="/",
        dropped={name: count for name, count in (("cap:entries", left), ("untitled", untitled)) if count},
        warnings=[f"{left} entries older than the newest {MAX_ENTRIES} are left out"] if left else [],
    )


def _declares_news(root: Element) -> bool:
    """True for a news sitemap even if it is empty, as after two days without news."""
    return any(field_of(f"{{{address}}}news") == "news:news" for address in root.nsmap.values())


def _headlines(root: Element, home: str) -> tuple[list[tuple[float, int]], int]:
    """(date, negative place) of each address with a headline, and the number of addresses without one.

    Places, not elements: Python's object for each of 50,000 elements would take more memory than a document may.
    """
    dated, untitled = [], 0
    for place, element in enumerate(root):
        fields = fields_of(element, home)
        if first_text(fields, "loc") is None:
            continue
        news = _news(fields, home)
        if news is None or first_text(news, "news:title") is None:
            untitled += 1
        else:
            at = dates.parse(first_text(news, "news:publication_date") or first_text(fields, "lastmod"))
            dated.append((at or 0.0, -place))
    return dated, untitled


def _at(root: Element, places: set[int], home: str) -> Iterator[tuple[Fields, Fields]]:
    """The fields of addresses, and of their news, in document order."""
    for place, element in enumerate(root):
        if place in places:
            fields = fields_of(element, home)
            yield fields, _news(fields, home) or {}


def _news(fields: Fields, home: str) -> Fields | None:
    return next((fields_of(one, home) for one in fields.get("news:news", ())), None)


def _publication(news: Fields, home: str, name: str) -> str | None:
    return next((first_text(fields_of(one, home), name) for one in news.get("news:publication", ())), None)


def _entry(fields: Fields, news: Fields, home: str) -> RawEntry:
    address, changed = first_text(fields, "loc"), texts(fields, "lastmod")
    outlet = _publication(news, home, "news:name")
    keywords = (first_text(news, "news:keywords") or "")[:_KEYWORDS].split(",")
    pictures = (first_text(fields_of(one, home), "image:loc") for one in islice(fields.get("image:image", ()), _PICTURES))
    return RawEntry(
        guid=address,
        permalink=True,
        links=(Link(address),) if address else (),
        title=first_piece(news, "maybe", False, "news:title"),
        published=(*texts(news, "news:publication_date"), *changed),
        updated=changed,
        categories=tuple((word.strip(), None, None) for word in keywords if word.strip()),
        images=tuple(Candidate(url) for url in pictures if url),
        language=_publication(news, home, "news:language"),
        origin=(outlet, None) if outlet else None,
    )


def read_index(root: Element, home: str) -> RawFeed:
    """Reads a `sitemapindex`: it has no entries itself, the sitemaps that it lists have."""
    listed = []
    for element in root:
        fields = fields_of(element, home)
        if address := first_text(fields, "loc"):
            listed.append(ListedSitemap(address, first_text(fields, "lastmod")))
    return RawFeed(INDEX, (), RawEntry, links=(Link("/"),), base="/", sitemaps=tuple(listed))


def choose_sitemaps(listed: Iterable[ListedSitemap], index: str) -> tuple[tuple[str, ...], list[str]]:
    """The addresses to read of an index, newest first, and notes on what is left out. index: its address.

    Those of news alone, if any calls itself so; at most MAX_SITEMAPS, and none much older than the newest. An index may list
    sitemaps of its own site alone (sitemaps.org, "Sitemaps & Cross Submits"): a stranger must not choose whom we ask.
    """
    resolved = [(url, one.changed) for one in listed if (url := _as_secure_as(index, resolve(index, one.url)))]
    own = [(url, changed) for url, changed in resolved if registrable_domain(url) == registrable_domain(index)]
    notes = [f"sitemaps of other sites, left out: {len(resolved) - len(own)}"] if len(own) < len(resolved) else []
    news = [one for one in own if is_of_news(one[0])] or own
    dated = {url: dates.parse(changed) or date_in_name(url) or 0.0 for url, changed in news if url != index}
    newest = max(dated.values(), default=0.0)
    recent = [url for url, at in sorted(dated.items(), key=lambda one: -one[1]) if not at or newest - at <= RECENT]
    chosen = tuple(recent[:MAX_SITEMAPS])
    if len(chosen) < len(own):
        notes.append(f"sitemaps of news that are read: the newest {len(chosen)} of {len(own)}")
    return chosen, notes


def _as_secure_as(index: str, url: str | None) -> str | None:
    """The address by https if the index came by https: old entries often say http. None if its port forbids that."""
    if url is None or not (index.startswith("https:") and url.startswith("http:")):
        return url
    return None if urlsplit(url).port else "https" + url.removeprefix("http")
