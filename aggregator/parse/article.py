"""Finds the article in a web page: its text without menus, advertisements and comments. The only module that knows trafilatura.

Trafilatura gets the page as text and asks for nothing itself. It is an optional extra (`fulltext`).
"""

from __future__ import annotations

import re

from aggregator.model import Fault, FaultKind, Fetched
from aggregator.text import charset
from aggregator.text.clean import Links, clean
from aggregator.text.nesting import bound_nesting

LONGEST = 200_000
"""Characters of an article's HTML. A newspaper's longest features have about 100,000 characters of text."""

_HEADLINE = re.compile(r"\A\s*<h1>(?:(?!</h1>).)*</h1>\s*", re.S)
"""At the top: the entry has its own."""
_META = re.compile(rb"<meta\b[^>]{0,400}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9._:-]{1,40})", re.I)
_HEAD = 4_096
"""Bytes in which a page names its charset; browsers look at 1,024 (HTML 4.2.5.4), many pages name it later."""


def read_article(page: Fetched) -> str | Fault:
    """The article of a page as clean HTML, or why there is none. Its time is unbounded; the package `reading` can stop it."""
    try:
        import trafilatura  # an optional extra, and half a second of start
    except ImportError:
        return Fault(FaultKind.INTERNAL, "trafilatura is not installed: `aggregator check` tells how")

    found = trafilatura.extract(
        bound_nesting(_decode(page)),
        url=page.url,
        output_format="html",
        include_comments=False,
        include_links=True,
        include_formatting=True,
        with_metadata=False,
    )
    article = _HEADLINE.sub("", clean(found, Links(page.url), LONGEST)) if found else ""
    return article or Fault(FaultKind.EMPTY, "no article was found in the page", page.status)


def _decode(page: Fetched) -> str:
    """The page as text. HTML names its charset in a `meta` if the header doesn't."""
    header = page.header("content-type") or ""
    named = None if "charset" in header.lower() else _META.search(page.body[:_HEAD])
    return charset.decode(page.body, f"text/html; charset={named[1].decode('ascii')}" if named else header).text
