"""Cleans HTML: one policy for everything that leaves the product.

The allow-list has no raw-text elements, foreign content or comments, so that the output can be read in only one way. nh3
(ammonia, html5ever) parses like a browser and writes the tree anew. The pass after it works on that canonical form, in which
`<` and `>` only occur in tags and attributes are always ` name="value"`.
"""

from __future__ import annotations

import re

import nh3

from aggregator.text import urls
from aggregator.text.canonical import without_tracking
from aggregator.text.chars import scrub
from aggregator.text.hidden import PROPERTIES, without_hidden
from aggregator.text.html import RAW_TEXT, unescape
from aggregator.text.nesting import bound_nesting
from aggregator.text.pictures import is_decoration

MAX_DEPTH = 200
"""Levels of nesting; deeper elements keep only their text. Feed readers that recurse break on more."""

_LENGTH_OF_DEEP = len("<b></b>") * MAX_DEPTH
"""Characters of the shortest markup that is too deep."""

_TAG_NAMES = """
    a abbr address article aside audio b bdi blockquote br caption center cite code col colgroup dd del details dfn div dl
    dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li mark ol p pre q rp rt ruby s samp section
    small source span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var video wbr
"""
_TAGS = frozenset(_TAG_NAMES.split())
_SHOWN = ("alt", "title", "width", "height", "dir", "lang")
_LAZY = ("data-src", "data-lazy-src", "data-original", "data-orig-file")
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "lang", "style", "hidden"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "audio": {"src", "controls"},
    "col": {"span"},
    "colgroup": {"span"},
    "dfn": {"title"},
    "img": {"src", "srcset", "alt", "title", "width", "height", "style", *_LAZY},
    "li": {"value"},
    "ol": {"start", "type", "reversed"},
    "source": {"src", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "video": {"src", "poster", "controls", "width", "height"},
}
_CLEANER = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=set(RAW_TEXT - _TAGS),
    attributes=_ATTRIBUTES,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer",
    filter_style_properties=set(PROPERTIES),
)
_SETTLED = rf'a href="(?![^"]{{{urls.LONGEST_PLAIN + 1}}}){urls.PLAIN}" rel="noopener noreferrer">'
_LINKED = re.compile(rf"<(?!{_SETTLED})(a|img|audio|video|source)(?: ([^<>]*))?>", re.A)
"""Tags whose addresses must be checked. Most links match _SETTLED and need no change."""
_ATTRIBUTE = re.compile(r'([^\s=]+)="([^"]*)"')
_ESCAPED = re.compile('[&<>"\u00a0]')
_ANY_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)[^<>]*>")
_PREFORMATTED = re.compile(r"(<pre(?: [^<>]*)?>)\n")
"""Text that begins with a line break. Parsers drop the first one behind the tag, serializers write none (HTML, 13.1.2.5)."""
_VOID = frozenset(("br", "col", "hr", "img", "source", "wbr"))
_TINY = re.compile(r"\s*[01](?:px)?\s*")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|(?:^|;)\s*(?:width|height)\s*:\s*[01](?:px)?\s*(?:;|$)", re.I)
_COUNTER = re.compile(
    r"https?://(?:feeds\.feedburner\.com/~r/|feedads\.g\.doubleclick\.net/|feeds\.wordpress\.com/1\.0/|pixel\.wp\.com/|stats\.wordpress\.com/"
    r"|(?:da|pi|pixel|res|rss)\.feedsportal\.com/|ad\.doubleclick\.net/|[^/]*\.google-analytics\.com/|pixel\.quantserve\.com/"
    r"|b\.scorecardresearch\.com/|feeds\.[^/]+/~(?:ff|4|r)/|www\.facebook\.com/tr\b)"
)
_LONELY_AMPERSAND = re.compile(r"&(?!#\d|#[xX][0-9A-Fa-f]|[A-Za-z])")
_MOST_REFERENCES = 20_000
"""Ampersands of one text, on which html5ever takes quadratic time. Of more, those that are no references are removed."""


class Links:
    """Resolves the links of one place in a document, and caches the results."""

    def __init__(self, base: str | None) -> None:
        self.base = base
        self._known: dict[str, str | None] = {}

    def tidy(self, url: str | None) -> str | None:
        """The absolute http(s) address without tracking parameters, or None if there is none."""
        if not url:
            return None
        sent = url
        known = self._known.get(url, "")
        if known != "":
            return known
        if "&amp;" in url:  # escaped twice; no parameter begins with "amp;"
            url = url.replace("&amp;", "&")
        whole = url if urls.is_plain(url) else urls.resolve(self.base, url)
        if whole and ("?" in whole or "#" in whole):
            whole = without_tracking(whole)
        self._known[sent] = whole
        return whole


def clean(markup: str, links: Links, limit: int = 1 << 20) -> str:
    """Safe HTML: allowed elements and attributes, absolute links, nothing hidden, about `limit` characters at most.

    Cleaning clean HTML changes nothing.
    """
    if "<" not in markup and "&" not in markup:
        return _escape(scrub(markup).strip())[:limit]
    if len(markup) > limit:
        markup = markup[:limit]
    markup = bound_nesting(markup)
    if len(markup) > _MOST_REFERENCES and markup.count("&") > _MOST_REFERENCES:
        markup = _LONELY_AMPERSAND.sub("", markup)
    cleaned = scrub(_CLEANER.clean(markup)).strip()
    if len(cleaned) > limit:
        cleaned = _CLEANER.clean(bound_nesting(cleaned[:limit]))
    cleaned = without_hidden(cleaned)
    cleaned = _LINKED.sub(lambda found: _rewrite_tag(found, links), cleaned).strip()
    return _PREFORMATTED.sub(r"\1\n\n", cleaned) if "<pre" in cleaned else cleaned


def flatten(cleaned: str) -> str:
    """Cleaned HTML without the tags deeper than MAX_DEPTH; their text stays."""
    return _flatten_deep(cleaned) if len(cleaned) > _LENGTH_OF_DEEP and cleaned.count("</") > MAX_DEPTH else cleaned


def _flatten_deep(cleaned: str) -> str:
    depth = 0

    def keep(found: re.Match[str]) -> str:
        nonlocal depth
        if found[2] in _VOID:
            return found.group() if depth <= MAX_DEPTH else ""
        if found[1]:
            depth -= 1
            return found.group() if depth < MAX_DEPTH else ""
        depth += 1
        return found.group() if depth <= MAX_DEPTH else ""

    return _ANY_TAG.sub(keep, cleaned)


def _escape(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace(">", "&gt;").replace("\u00a0", "&nbsp;")


def _rewrite_tag(found: re.Match[str], links: Links) -> str:
    """The tag with its addresses resolved; "" for a counting pixel."""
    element = found[1]
    given = dict(_ATTRIBUTE.findall(found[2] or ""))
    for name, value in given.items():
        if "&" in value:
            given[name] = unescape(value)
    if element == "img":
        return _rewrite_image(given, links)
    for name in ("href", "src", "poster"):
        if name in given:
            url = _rewrite_address(given[name], links, mail=element == "a")
            if url is None:
                del given[name]
            else:
                given[name] = url
    if element == "source" and "src" not in given:  # of a `picture`, whose `img` is kept
        return ""
    return _write_tag(element, given)


def _rewrite_image(given: dict[str, str], links: Links) -> str:
    source = links.tidy(given.get("src"))
    if source is None or (is_decoration(source) and not given.keys().isdisjoint(_LAZY)):
        candidates = [*(given.get(name) for name in _LAZY), given.get("srcset", "").strip().split(" ")[0].rstrip(",")]
        source = next((url for candidate in candidates if (url := links.tidy(candidate))), source)
    if source is None or _is_counting_pixel(given) or _COUNTER.match(source):
        return ""
    return _write_tag("img", {"src": source} | {name: given[name] for name in _SHOWN if name in given})


def _is_counting_pixel(given: dict[str, str]) -> bool:
    """True for an image of one pixel or none, which only counts readers."""
    tiny = _TINY.fullmatch(given.get("width", "")) and _TINY.fullmatch(given.get("height", ""))
    return tiny is not None or ("style" in given and _HIDDEN.search(given["style"]) is not None)


def _rewrite_address(url: str, links: Links, mail: bool) -> str | None:
    if mail and url[:7].lower() == "mailto:":
        address = re.sub(r"[^\w@.+?=&%,;:~!*'/-]", "", url[7:])
        return f"mailto:{address}" if "@" in address else None
    return links.tidy(url)


def _write_tag(element: str, attributes: dict[str, str]) -> str:
    pairs = "".join(f' {name}="{_quote(value)}"' for name, value in attributes.items())
    return f"<{element}{pairs}>"


def _quote(value: str) -> str:
    """The value as html5ever writes it, so that cleaning again changes nothing."""
    if value.isalnum() or _ESCAPED.search(value) is None:
        return value
    escaped = value.replace("&", "&amp;").replace("\u00a0", "&nbsp;").replace('"', "&quot;")
    return escaped.replace("<", "&lt;").replace(">", "&gt;")
