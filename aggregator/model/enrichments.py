"""What a hook (`enrich:`) told of a story."""

from __future__ import annotations

from msgspec import Struct


class Enrichment(Struct, frozen=True):
    """The answer of one hook, cleaned. hook: its name.

    title: the headline in other words, mostly in another language; of: the headline that it stands for: it is shown while the
    story has that one. summary: plain text, a line for each paragraph. language: of title and summary.
    """

    hook: str
    title: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    language: str | None = None
    of: str = ""
