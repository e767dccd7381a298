"""What the address of a sitemap tells: whether it is one of news, and of which day or month."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

_NEWS = re.compile(r"news(?!letter|room|paper)", re.I)
_DATE = re.compile(r"(?<!\d)(20\d\d)[-_/]?(0[1-9]|1[0-2])(?:[-_/]?(0[1-9]|[12]\d|3[01]))?(?!\d)")


def is_of_news(url: str) -> bool:
    """True if path or query of an absolute address call it a sitemap of news."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return _NEWS.search(f"{parts.path}?{parts.query}") is not None


def date_in_name(url: str) -> float | None:
    """The start (UTC) of the last day or month in an address, as in `/sitemap-2026-11-28.xml`, or None."""
    for year, month, day in reversed(_DATE.findall(url)):
        try:
            return datetime(int(year), int(month), int(day or 1), tzinfo=UTC).timestamp()
        except ValueError:  # the 31st of February
            continue
    return None
