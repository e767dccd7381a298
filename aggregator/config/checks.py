"""What several keys of a config say together: names given twice, references, limits.

Works on the tree, so that a mistake in one key does not hide those of others.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from aggregator.config.channels import check_channels
from aggregator.config.check_places import check_address, check_directories
from aggregator.config.document import Document, nodes, pairs, text_of
from aggregator.config.extras import check_extras
from aggregator.config.hooks import check_hooks
from aggregator.config.keys import FIRST_SOURCE, may_be_null
from aggregator.config.kinds import Refused
from aggregator.config.queries import check_queries
from aggregator.config.schema import Dedup, Polling
from aggregator.config.subscriptions import List
from aggregator.config.tree import Mapping as MapNode
from aggregator.config.tree import Node, Scalar
from aggregator.config.values import duration, in_words
from aggregator.errors import Problem
from aggregator.ports import QueryChecker
from aggregator.settings import OUTLETS, WEIGHT

KNOWN_DOMAIN = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,}")
"""An outlet's name that is its domain."""
RESERVED = frozenset(
    {
        "all",
        "health",
        "hub",
        "opml",
        "index",
        "feeds",
        "topics",
        "stories",
        "healthz",
        "readyz",
        "metrics",
        "search",
        "status",
        "static",
    }
)
"""Slugs that addresses of the site have already."""


def check_all(
    document: Document, lists: Mapping[int, List], names: Sequence[str], check_query: QueryChecker, path: Path
) -> list[Problem]:
    """Every problem that is not one of a single value. names: the ids of all sources."""
    return [
        *(one.problem for one in lists.values() if one.problem is not None),
        *check_nulls(document),
        *check_ids(document),
        *check_slugs(document),
        *check_rejected(document),
        *check_thresholds(document),
        *check_channels(document),
        *check_limits(document),
        *check_groups(document),
        *check_outlets(document),
        *check_hooks(document, path.parent),
        *check_address(document),
        *check_directories(document, path),
        *check_extras(document),
        *check_queries(document, lists, names, check_query, path.parent),
    ]


def check_nulls(document: Document) -> Iterator[Problem]:
    """Keys without a value: `id:` alone is a slip, not a wish."""
    stack: list[tuple[tuple[str, ...], Node]] = [((), document.root)]
    while stack:
        path, node = stack.pop()
        for item in nodes(node):
            if not isinstance(item, Scalar):
                stack.append((path, item))
        for key, _, value in pairs(node):
            if not isinstance(value, Scalar):
                stack.append(((*path, key), value))
            elif value.value is None and not may_be_null((*path, key)):
                if (*path, key) == ("sources",):
                    yield document.problem(value, f"`sources:` has no feeds; {FIRST_SOURCE}")
                    continue
                example = ', for example "${FEED_TOKEN}" with that variable set' if key == "token" else ""
                yield document.problem(value, f"`{key}` has no value; write one{example}, or remove the key")


def check_ids(document: Document) -> Iterator[Problem]:
    """Ids of sources, unique whatever the case of their letters."""
    at = (node.get("id") for node in nodes(document.root.get("sources")) if isinstance(node, MapNode))
    yield from _twice(document, "id", at)


def check_slugs(document: Document) -> Iterator[Problem]:
    """Slugs: not reserved, unique among topics and among outputs; an output may take a topic's to reshape its feed."""
    topics = {}
    for section in ("topics", "outputs"):
        items = [node for node in nodes(document.root.get(section)) if isinstance(node, MapNode)]
        at = [node.get("slug") for node in items]
        yield from _twice(document, "slug", at)
        for node, slug in zip(items, at, strict=True):
            name = (text_of(slug) or "").lower()
            if name in RESERVED and slug is not None:
                yield document.problem(slug, f"slug: `{name}` is reserved (taken by the site itself); choose another")
            if section == "topics":
                topics[name] = node
            elif name in topics and (query := node.get("query")) is not None:
                message = (
                    "query: this output has the slug of a topic and shows its stories; remove the query, or choose another slug"
                )
                yield document.problem(query, message)


def _twice(document: Document, what: str, at: Iterable[Node | None]) -> Iterator[Problem]:
    first: dict[str, Node] = {}
    for node in at:
        name = text_of(node)
        if node is None or not name:
            continue
        if name.lower() in first:
            yield document.problem(
                node, f"duplicate {what}: `{name[:60]}` is given already in line {first[name.lower()].line}; it must be unique"
            )
        else:
            first[name.lower()] = node


def check_rejected(document: Document) -> Iterator[Problem]:
    """A feed of what was thrown away has entries, not stories: nothing to rank them by, and no news."""
    for node in nodes(document.root.get("outputs")):
        rejected = node.get("rejected") if isinstance(node, MapNode) else None
        if not (isinstance(node, MapNode) and isinstance(rejected, Scalar) and rejected.value is True):
            continue
        if (given := node.get("webhook")) is not None:
            yield document.problem(given, "webhook: what `keep` and `drop` threw away is told to nobody; remove this")
        for key in ("sort", "per_thread", "per_outlet"):
            if (given := node.get(key)) is not None and (key != "sort" or text_of(given) in (OUTLETS, WEIGHT)):
                what = f"`{text_of(given)}`" if key == "sort" else "this"
                yield document.problem(given, f"{key}: {what} ranks stories; what `keep` and `drop` threw away are none")


def check_thresholds(document: Document) -> Iterator[Problem]:
    """A threshold holds something back: there must be something to hold back."""
    for node in nodes(document.root.get("outputs")):
        given = node.get("when") if isinstance(node, MapNode) else None
        if not isinstance(node, MapNode) or given is None:
            continue
        if node.get("webhook") is None:
            said = "when: it says when a `webhook` is told, and this output has none; a channel has a `when` of its own"
            yield document.problem(given, said)
        elif node.get("digest") is not None:
            yield document.problem(given, "when: a digest is told as a whole, each issue once; its `query` says what is in it")


def check_limits(document: Document) -> Iterator[Problem]:
    """Pairs of durations of which one must not exceed the other."""
    for section, low, high, first, second in (
        ("polling", "min", "max", Polling.min, Polling.max),
        ("dedup", "within", "at_most", Dedup.within, Dedup.at_most),
    ):
        given = document.root.get(section)
        if not isinstance(given, MapNode):
            continue
        lower, upper = _seconds(given.get(low), first), _seconds(given.get(high), second)
        if lower is not None and upper is not None and lower > upper:
            both = f"{section}.{low} ({in_words(lower)}) is longer than {section}.{high} ({in_words(upper)})"
            yield document.problem(given.get(low) or given.get(high) or given, f"{both}; lower {low} or raise {high}")


def _seconds(node: Node | None, default: float) -> float | None:
    """The duration at a node; None where it is no duration (which is told elsewhere)."""
    if node is None:
        return default
    try:
        return duration(node.value) if isinstance(node, Scalar) else None
    except Refused:
        return None


def check_groups(document: Document) -> Iterator[Problem]:
    """A group that is nearly one of `groups` is a misspelling; others need no entry there."""
    known = dict.fromkeys(key for key, _, _ in pairs(document.root.get("groups")))
    meant = cache(partial(_meant, known))  # many sources have one group
    at = [document.root.get("defaults"), *nodes(document.root.get("sources"))]
    for node in at:
        given = node.get("group") if isinstance(node, MapNode) else None
        name = text_of(given)
        if given is None or not name or name in known:
            continue
        if right := meant(name):
            yield document.problem(given, f"group: `{name[:60]}` is not in `groups`; did you mean `{right}`?")


def _meant(known: Iterable[str], name: str) -> str | None:
    """The group that is probably meant by a name."""
    near = difflib.get_close_matches(name.lower(), {one.lower(): one for one in known}, n=1, cutoff=0.85)
    return next((one for one in known if one.lower() == near[0]), None) if near else None


def check_outlets(document: Document) -> Iterator[Problem]:
    """Domains of outlets: each belongs to one; an outlet without any has a domain as its name."""
    first: dict[str, tuple[str, int]] = {}
    for name, key, value in pairs(document.root.get("outlets")):
        given = value.get("domains") if isinstance(value, MapNode) else value
        listed = list(nodes(given))
        strange = isinstance(given, Scalar) or {one for one, _, _ in pairs(value)} - {"domains", "platform"}  # told elsewhere
        if not (listed or strange or KNOWN_DOMAIN.fullmatch(name)):
            example = f"write for example `{name[:40]}: [bbc.co.uk, bbc.com]`"
            yield document.problem(key, f"outlets: `{name[:60]}` has no domains; {example}")
        for node in listed:
            domain = (text_of(node) or "").lower()
            if domain in first and first[domain][0] != name:
                other, line = first[domain]
                yield document.problem(node, f"outlets: `{domain[:60]}` belongs to `{other[:60]}` already, in line {line}")
            first.setdefault(domain, (name, node.line))
