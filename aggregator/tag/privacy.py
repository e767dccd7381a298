"""What `check` says of privacy: sources that only feeds with a token use, but that are not marked private."""

from __future__ import annotations

from collections.abc import Collection

from aggregator.model import Source, SourceId
from aggregator.settings import Output, Settings
from aggregator.tag.nodes import All, Any, Node, Value
from aggregator.tag.syntax import parse
from aggregator.text.words import fold


def hints(settings: Settings) -> list[str]:
    """One line for each source that only feeds with a token use, and for other settings that may expose private sources."""
    private = {output.slug: _asked(settings, output) for output in settings.outputs if output.token is not None}
    public = set[SourceId]().union(*(_asked(settings, output) for output in settings.outputs if output.token is None))
    found = []
    for source in settings.sources:
        feeds = [slug for slug, asked in private.items() if source.id in asked]
        if feeds and source.id not in public and not source.private:
            asked = f"source {source.id}: only feeds with a token ask for it ({', '.join(feeds)})"
            found.append(f"{asked}, and its stories are in `all`, too; `private: true` keeps them out")
    if any(source.private for source in settings.sources):
        if not private:
            found.append("there are private sources and no feed with a token (`access`): their stories are in none")
        if settings.server.admin is None:
            found.append("/metrics counts what private sources bring, too: `server.admin` keeps it to you")
    return found


def _asked(settings: Settings, output: Output) -> frozenset[SourceId]:
    """The sources that a feed's query asks for by name, group or tag, also through tag rules and topics."""
    if output.topic is not None and output.query is None:
        return _sources(settings, parse(_topics(settings)[output.topic]), ())
    return _sources(settings, parse(output.query), ()) if output.query is not None else frozenset()


def _topics(settings: Settings) -> dict[str, str]:
    return {topic.slug: topic.query for topic in settings.topics}


def _sources(settings: Settings, node: Node, seen: Collection[str]) -> frozenset[SourceId]:
    """The sources that a part of a query asks for, exclusions aside. seen: rules on the way here."""
    match node:
        case All(parts) | Any(parts):
            return frozenset[SourceId]().union(*(_sources(settings, part, seen) for part in parts))
        case Value(field="source" | "group" | "tag" | "topic") if node.text not in seen:
            return _named(settings, node) | _by_rules(settings, node, (*seen, node.text))
        case _:
            return frozenset()


def _named(settings: Settings, asked: Value) -> frozenset[SourceId]:
    return frozenset(source.id for source in settings.sources if any(_is(asked, name) for name in _of(source, asked.field)))


def _of(source: Source, field: str) -> tuple[str, ...]:
    """The names by which a query may refer to a source in a field."""
    return {"source": (str(source.id),), "group": (source.group or "",), "tag": source.tags}.get(field, ())


def _by_rules(settings: Settings, asked: Value, seen: Collection[str]) -> frozenset[SourceId]:
    rules = {"tag": {rule.name: rule.query for rule in settings.tags}, "topic": _topics(settings)}.get(asked.field, {})
    found = (_sources(settings, parse(query), seen) for name, query in rules.items() if _is(asked, name))
    return frozenset[SourceId]().union(*found)


def _is(asked: Value, name: str) -> bool:
    folded = fold(name)
    return folded.startswith(asked.value) if asked.prefix else folded == asked.value
