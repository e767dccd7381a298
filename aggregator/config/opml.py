"""OPML, the format in which feed readers exchange lists of feeds (http://opml.org/spec2.opml): reading, and writing OPML 2.0.

Lists that a list includes are named, not read. Reading is tolerant, because exported files often have broken markup, bare
ampersands, wrong encodings and odd capitals.
They are decoded and mend_markup as feeds are. Nothing is fetched and no entity is expanded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lxml import etree
from msgspec import Struct

from aggregator.text import charset
from aggregator.text.chars import one_line
from aggregator.text.masks import mask_url
from aggregator.text.mend import mend_markup
from aggregator.text.prolog import declares_entities, read_prolog, without_doctype
from aggregator.text.urls import resolve
from aggregator.text.xml import make_parser

MAX_BYTES = 20_000_000
MAX_FEEDS = 50_000
NOT_FEEDS = frozenset({"link", "include", "html"})
"""Types of outlines whose `url` is no feed."""
SCRAPED = frozenset({"html+xpath", "xml+xpath", "json+dotnotation", "html+xpath+json+dotnotation"})
"""Types of FreshRSS for documents from which it cuts entries by rules of its own
(https://freshrss.github.io/FreshRSS/en/developers/OPML.html)."""


class Subscription(Struct, frozen=True):
    """A feed of a list. group: the outline that it stands in. line: in the file, 0 if unknown."""

    url: str
    title: str | None = None
    home: str | None = None
    group: str | None = None
    line: int = 0


class Include(Struct, frozen=True):
    """Another list that stands in a list (`type="include"`). group: the outline that it stands in."""

    url: str
    group: str | None = None
    line: int = 0


class Subscriptions(Struct, frozen=True):
    """What a list holds, each address once. refused: outlines that were meant as feeds but can't be polled, with the reason."""

    title: str | None
    feeds: tuple[Subscription, ...]
    refused: tuple[str, ...] = ()
    includes: tuple[Include, ...] = ()


class Unreadable(Struct, frozen=True):
    """The document is no list of feeds."""

    reason: str


def read(raw: bytes, base: str | None = None) -> Subscriptions | Unreadable:
    """The feeds of an OPML document, in its order. base: its own address. Never raises for what a document holds."""
    if len(raw) > MAX_BYTES:
        return Unreadable(f"larger than {MAX_BYTES // 1_000_000} MB")
    data = charset.decode(raw, None).utf8
    if not data.strip():
        return Unreadable("the file is empty")
    prolog = read_prolog(data)
    data = without_doctype(data, prolog)
    if prolog.entities or declares_entities(data):
        return Unreadable("it defines entities, which no list of feeds needs")
    try:
        root = etree.fromstring(mend_markup(data), make_parser(recover=True))
    except (etree.XMLSyntaxError, ValueError) as error:
        return Unreadable(one_line(f"not XML: {error}", 200))
    if root is None:
        return Unreadable("not XML")
    return _collect(root, base)


def _collect(root: etree._Element, base: str | None) -> Subscriptions | Unreadable:
    feeds: dict[str, Subscription] = {}
    includes: dict[str, Include] = {}
    refused: list[str] = []
    outlines = 0
    for element in root.iter():
        if not isinstance(element.tag, str) or _name(element.tag) != "outline":
            continue
        outlines += 1
        given = _given(element)
        found = _include(element, given, base) or _subscription(element, given)
        if isinstance(found, str):
            refused.append(found)
        elif isinstance(found, Include):
            includes.setdefault(found.url, found)
        elif found is not None:
            feeds.setdefault(found.url, found)
        if len(feeds) >= MAX_FEEDS:
            refused.append(f"only the first {MAX_FEEDS} feeds are taken")
            break
    if not outlines and _name(str(root.tag)) != "opml":
        return Unreadable(f"not OPML: the document is <{one_line(_name(str(root.tag)), 40)}>, without an outline")
    return Subscriptions(_title_of(root), tuple(feeds.values()), tuple(refused), tuple(includes.values()))


def _title_of(root: etree._Element) -> str | None:
    for head in root:
        if isinstance(head.tag, str) and _name(head.tag) == "head":
            for child in head:
                if isinstance(child.tag, str) and _name(child.tag) == "title":
                    return one_line(child.text or "", 200) or None
    return None


def _given(element: etree._Element) -> dict[str, str]:
    """The attributes of an outline, whatever the case of their names."""
    return {_name(str(key)): str(value) for key, value in element.items()}


def _include(element: etree._Element, given: Mapping[str, str], base: str | None) -> Include | str | None:
    """The list that an outline includes (OPML 2.0, inclusion), the reason why it can't be read, or None: it includes none."""
    if given.get("type", "").strip().lower() != "include":
        return None
    line, address = _line_of(element), given.get("url") or given.get("xmlurl") or given.get("href") or ""
    url = resolve(base, address.strip()) if address.strip() else None
    if url is None:
        return f"line {line}: an include without a plain http or https address: {_shown(address)}"
    return Include(url, _group(element), line)


def _subscription(element: etree._Element, given: Mapping[str, str]) -> Subscription | str | None:
    """The feed of an outline, the reason why it has none that can be polled, or None: it is no feed."""
    address = given.get("xmlurl", "").strip()
    kind = given.get("type", "").strip().lower()
    if not address and "url" in given and kind not in NOT_FEEDS and kind:
        address = given["url"].strip()
    line = _line_of(element)
    title = one_line(given.get("title") or given.get("text") or "", 200) or None
    if kind in SCRAPED:
        return f"line {line}: {title or _shown(address)}: a page that FreshRSS scrapes ({given['type'].strip()}), no feed"
    if not address:
        meant = "xmlurl" in given or kind in ("rss", "atom")
        return f"line {line}: {title or 'an outline'} has no xmlUrl" if meant else None
    url = resolve(None, _plain_scheme(address))
    if url is None:
        return f"line {line}: {_why_refused(_plain_scheme(address))}"
    title = None if title == address else title
    return Subscription(url, title, resolve(None, given.get("htmlurl", "")), _group(element), line)


def _why_refused(address: str) -> str:
    """Why an address can't be taken; one with a password is written by hand, since a list may have gone through many hands."""
    scheme, _, rest = address.partition("://")
    place, slash, path = rest.partition("/")
    login, _, host = place.rpartition("@")
    bare = host + slash + path
    if not login or resolve(None, f"{scheme}://{bare}") is None:
        return f"{_shown(address)} is no plain http or https address"
    shown = _shown(f"{scheme}://{bare}")
    url = shown.replace("://", "://${FEED_USER}:${FEED_PASSWORD}@", 1)
    return f'{shown} has a user name and password; add it by hand, as `url: "{url}"`, with both in the environment'


def _shown(address: str) -> str:
    return one_line(mask_url(address.strip()), 80)


def _line_of(element: etree._Element) -> int:
    line: object = element.sourceline
    return line if isinstance(line, int) else 0


def _plain_scheme(address: str) -> str:
    """`feed:` is a wish to be opened by a reader (the feed URI scheme): the address is the rest."""
    lowered = address.lower()
    if lowered.startswith(("feed:http:", "feed:https:")):
        return address[5:]
    return f"http:{address[5:]}" if lowered.startswith("feed://") else address


def _group(element: etree._Element) -> str | None:
    """The nearest outline around it that has a name and is no feed itself."""
    for parent in element.iterancestors():
        if _name(str(parent.tag)) != "outline":
            continue
        given = _given(parent)
        name = one_line(given.get("text") or given.get("title") or "", 100)
        if name and "xmlurl" not in given:
            return name
    return None


def _name(tag: str) -> str:
    """Without namespace, in lower case."""
    return tag.rpartition("}")[2].lower()


def write(title: str, subscriptions: Iterable[Subscription]) -> bytes:
    """An OPML 2.0 document: an outline for each group, in order of appearance, those without one behind.

    It has no dates: the same list gives the same bytes.
    """
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = one_line(title)
    body = etree.SubElement(root, "body")
    for group, members in _grouped(subscriptions):
        parent = body if group is None else etree.SubElement(body, "outline", text=group, title=group)
        for one in members:
            name = one_line(one.title or one.url)
            outline = etree.SubElement(parent, "outline", type="rss", text=name, title=name, xmlUrl=one.url)
            if one.home:
                outline.set("htmlUrl", one.home)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _grouped(subscriptions: Iterable[Subscription]) -> Iterator[tuple[str | None, list[Subscription]]]:
    groups: dict[str | None, list[Subscription]] = {}
    for one in subscriptions:
        groups.setdefault(one_line(one.group) or None if one.group else None, []).append(one)
    ungrouped = groups.pop(None, [])
    yield from groups.items()
    if ungrouped:
        yield None, ungrouped


def cached_path(directory: Path, url: str) -> Path:
    """Where the list at an address is kept between two fetches; `directory` is the database's."""
    return directory / "lists" / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.opml"
