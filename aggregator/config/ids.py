"""Names of sources made from their addresses. The rule is part of what is stored: it never changes."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import chain, count
from urllib.parse import unquote, urlsplit

from aggregator.config.secrets import VARIABLE
from aggregator.text.masks import MASK, mask_url

NOISE = frozenset({"rss", "rss2", "rss20", "atom", "feed", "feeds", "xml", "index", "default", "json", "www"})
"""Path parts that tell the format, not the source."""
SUFFIX = re.compile(r"\.(?:xml|rss|rss2|atom|rdf|json|php|html?|aspx?|cgi)$")
MAX_DERIVED = 60
MAX_TITLE = 40

_PLAIN = re.compile(r"https?://([a-z0-9.-]+)((?:/[A-Za-z0-9._~-]*)*)")
"""Matches most addresses, in which nothing is encoded: host and path."""
_DOTS = re.compile(r"\.\.+")
_OTHERS = re.compile(r"[^a-z0-9._]+")
"""Characters that ids don't have."""


@lru_cache(maxsize=2**17)
def derive(url: str) -> str:
    """`https://feeds.bbci.co.uk/news/world/rss.xml` → `feeds.bbci.co.uk-news-world`.

    Takes the address as written: passwords, `${VARIABLES}`, the query (which may hold a key) and parts of the path that look like
    a secret don't get into the name.
    """
    host, path = _host_and_path(mask_url(VARIABLE.sub("", url)).replace(MASK, ""))
    words = [SUFFIX.sub("", part.lower()) for part in unquote(path).split("/")]
    name = "-".join([host.removeprefix("www.").replace(":", "-"), *(word for word in words if word and word not in NOISE)])
    folded = name.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode().lower()
    clean = _DOTS.sub(".", _OTHERS.sub("-", folded)).strip("-._")
    if len(clean) > MAX_DERIVED:
        clean = f"{clean[:MAX_DERIVED].rstrip('-._')}-{_mark(url)}"
    return clean or f"source-{_mark(url)}"


def _host_and_path(address: str) -> tuple[str, str]:
    if (plain := _PLAIN.fullmatch(address)) is not None:
        return plain[1], plain[2]
    try:
        parts = urlsplit(address)
        return parts.hostname or "", parts.path
    except ValueError:
        return "", ""


def assign(sources: Iterable[tuple[str | None, str]]) -> list[str]:
    """The ids of (written id or None, url as written), in order; a derived id that is taken gets a mark of its url."""
    listed = list(sources)
    taken = {written.lower() for written, _ in listed if written}
    found = []
    for written, url in listed:
        if written is None:
            name = derive(url)
            if name in taken:
                name = f"{name}-{_mark(url)}"
            while name in taken:
                name += "x"
            taken.add(name)
        found.append(written or name)
    return found


def from_title(title: str, taken: Collection[str]) -> str | None:
    """`Veritasium` → `veritasium`, as a new source's written id; None if the title has no letters that an id may have."""
    folded = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:MAX_TITLE].rstrip("-")
    if not any(letter.isalpha() for letter in name):
        return None
    return next(one for one in chain((name,), (f"{name}-{number}" for number in count(2))) if one not in taken)


def _mark(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:6]
