"""Tags, topics, outlets, and what belongs together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from aggregator.model import Slug
from aggregator.text.times import DAY


class Expectation(Struct, frozen=True):
    """A test of a query: an entry that must match, or must not. line and column are its place in the file."""

    match: bool
    title: str
    body: str = ""
    source: str | None = None
    tags: tuple[str, ...] = ()
    line: int = 0
    column: int = 0


class TagRule(Struct, frozen=True):
    name: str
    query: str
    expect: tuple[Expectation, ...] = ()


class Topic(Struct, frozen=True):
    slug: Slug
    title: str
    query: str
    expect: tuple[Expectation, ...] = ()
    formerly: tuple[Slug, ...] = ()


class Dedup(Struct, frozen=True):
    """within: time to the nearest item; at_most: to the story's first item; never: queries of stories that nothing joins."""

    within: float = 72 * 3600.0
    at_most: float = 7 * DAY
    level: str = "story"
    never: tuple[str, ...] = ()


class Threads(Struct, frozen=True):
    """within: time between a story and the nearest one of its thread. A thread without reports for so long sleeps."""

    enabled: bool = True
    within: float = 7 * DAY


class Outlet(Struct, frozen=True):
    """A publisher. domains: also sites below a domain, and accounts as `medium.com/@anna`; platform: others publish there."""

    domains: tuple[str, ...]
    platform: bool = False


class Tagging(Struct, frozen=True):
    """categories: a feed's category → tag, or None to drop it; entities_file: names beyond the built-in lists."""

    subjects: bool = False
    entities_file: Path | None = None
    categories: Mapping[str, str | None] = field(default_factory=dict)
