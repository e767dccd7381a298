"""The queries of a config: where they stand, what each may refer to, and what the query language has against them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from aggregator.config.document import Document, nodes, pairs, text_of
from aggregator.config.source import decode, read_bytes
from aggregator.config.subscriptions import List
from aggregator.config.tree import Mapping as MapNode
from aggregator.config.tree import Node, Scalar, compose
from aggregator.errors import ConfigError, Problem
from aggregator.ports import QueryChecker, QueryNames
from aggregator.text.words import fold

TAG_ASKED = re.compile(r"(?<!\w)tag:\s*\"?([\w./-]+)\"?(\*?)", re.IGNORECASE)
"""Where a query asks for a tag, and whether by a prefix."""


class _Query(Struct, frozen=True):
    """A query in the file. rolling: `age` may be used; entry: `keep` or `drop`; names: what it may refer to."""

    at: Scalar
    names: QueryNames
    rolling: bool = False
    entry: bool = False


def check_queries(
    document: Document, lists: Mapping[int, List], ids: Iterable[str], check_query: QueryChecker, base: Path
) -> Iterator[Problem]:
    """Every query, with the place of each mistake. ids: of all sources; base: the directory that paths are relative to."""
    names = query_names(document, lists, ids, base)
    for query in _queries(document, names):
        for error in check_query(query.at.text, query.names, rolling=query.rolling, entry=query.entry):
            yield document.query_problem(query.at, error.offset, f"query: {error.message}")
    yield from _check_order(document)
    yield from _check_expected_sources(document, names)


def _check_order(document: Document) -> Iterator[Problem]:
    """A tag rule may ask for tags of rules before it alone, also by a prefix or in other letters: so none goes in a circle."""
    rules = [(fold(name), name, node) for name, _, node in pairs(document.root.get("tags"))]
    for place, (_, name, node) in enumerate(rules):
        at = node.get("query") if isinstance(node, MapNode) else node
        if not isinstance(at, Scalar):
            continue
        for asked in TAG_ASKED.finditer(at.text):
            word, prefix = fold(asked[1]), asked[2] == "*"
            late = next(
                (other for folded, other, _ in rules[place:] if folded == word or (prefix and folded.startswith(word))), None
            )
            if late is not None:
                reason = "its own tag" if late == name else f"the tag of the later rule `{late}`; put that before it"
                yield document.query_problem(at, asked.start(), f"query: the rule `{name}` asks for {reason}")


def _check_expected_sources(document: Document, names: QueryNames) -> Iterator[Problem]:
    """Tests that name a source name one that exists."""
    rules = [node for _, _, node in pairs(document.root.get("tags"))] + nodes(document.root.get("topics"))
    tests = [node.get("expect") for node in rules if isinstance(node, MapNode)]
    cases = [case for test in tests if isinstance(test, MapNode) for _, _, listed in pairs(test) for case in nodes(listed)]
    for case in cases:
        at = case.get("source") if isinstance(case, MapNode) else None
        named = text_of(at)
        if at is not None and named and named not in names.sources:
            near = difflib.get_close_matches(named, names.sources, n=1)
            yield document.problem(
                at, f"source: there is no source `{named[:60]}`" + (f"; did you mean `{near[0]}`?" if near else "")
            )


def _queries(document: Document, names: QueryNames) -> Iterator[_Query]:
    root = document.root
    early = _source_tags(document) | _mapped_tags(document)
    of_entries = replace(names, tags=frozenset(early), given_later=names.tags - early)
    inherited = [root.get("defaults"), *(node for _, _, node in pairs(root.get("groups"))), *nodes(root.get("sources"))]
    for node in inherited:
        for key in ("keep", "drop"):
            yield from _query(node, key, of_entries, entry=True)
    earlier = _source_tags(document)
    for name, _, node in pairs(root.get("tags")):
        seen = replace(names, tags=frozenset(earlier), topics=frozenset())
        yield from _query(node, None if isinstance(node, Scalar) else "query", seen)
        earlier.add(name)
    without_topics = replace(names, topics=frozenset())
    for node in nodes(root.get("topics")):
        yield from _query(node, "query", without_topics)
    for node in nodes(root.get("outputs")):
        yield from _query(node, "query", names, rolling=True)
        yield from _query(node, "when", names)
        for channel in nodes(node.get("notify") if isinstance(node, MapNode) else None):
            yield from _query(channel, "when", names)
    never = root.get("dedup")
    for node in nodes(never.get("never") if isinstance(never, MapNode) else None):
        yield from _query(node, None, replace(of_entries, topics=frozenset()))


def _query(
    node: Node | None, key: str | None, names: QueryNames, *, rolling: bool = False, entry: bool = False
) -> Iterator[_Query]:
    at = node
    if key is not None:
        at = node.get(key) if isinstance(node, MapNode) else None
    if isinstance(at, Scalar) and (text_of(at) or "").strip():
        yield _Query(at, names, rolling, entry)


def query_names(document: Document, lists: Mapping[int, List], ids: Iterable[str], base: Path) -> QueryNames:
    """What queries may refer to: of the tree, so that a mistake in a source does not make its name unknown."""
    root = document.root
    sources = nodes(root.get("sources"))
    groups = {key for key, _, _ in pairs(root.get("groups"))}
    groups |= {
        name for node in [*sources, root.get("defaults")] if isinstance(node, MapNode) and (name := text_of(node.get("group")))
    }
    groups |= {feed.group for one in lists.values() for feed in one.feeds if feed.group}
    tags = _source_tags(document) | _mapped_tags(document) | {key for key, _, _ in pairs(root.get("tags"))}
    tags |= {name for _, _, node in pairs(root.get("enrich")) if isinstance(node, MapNode) for name in _texts(node.get("tags"))}
    topics = {name for node in nodes(root.get("topics")) if isinstance(node, MapNode) and (name := text_of(node.get("slug")))}
    return QueryNames(
        frozenset(ids),
        frozenset(groups),
        frozenset(tags),
        frozenset(topics),
        _own_entities(document, base),
    )


def _own_entities(document: Document, base: Path) -> frozenset[str] | None:
    """The names of the user's own list; None where it can't be read, which is told when it is used."""
    section = document.root.get("entities")
    named = text_of(section.get("file")) if isinstance(section, MapNode) else None
    if named is None:
        return frozenset()
    try:
        root, _ = compose(named, decode(named, read_bytes(base / named)))
    except ConfigError:
        return None
    return frozenset(key for key, _, _ in pairs(root.get("entities"))) if isinstance(root, MapNode) else None


def _texts(node: Node | None) -> Iterator[str]:
    """The texts of a list."""
    return (name for one in nodes(node) if (name := text_of(one)))


def _mapped_tags(document: Document) -> set[str]:
    """The tags that categories of feeds become."""
    category = document.root.get("categories")
    mapped = pairs(category.get("map")) if isinstance(category, MapNode) else ()
    return {name for _, _, node in mapped if (name := text_of(node))}


def _source_tags(document: Document) -> set[str]:
    root = document.root
    at = [root.get("defaults"), *(node for _, _, node in pairs(root.get("groups"))), *nodes(root.get("sources"))]
    return {name for node in at if isinstance(node, MapNode) for tag in nodes(node.get("tags")) if (name := text_of(tag))}
