"""The JSON Schema of `feeds.yaml` (draft 2020-12) as editors want it: defaults as written, null only where it is taken."""

from __future__ import annotations

import inspect
from typing import Any

from aggregator.config.kinds import Either, Filled, Kind, ListOf, MapOf, OrNothing, Value
from aggregator.config.schema import Config
from aggregator.config.section import Key, Part, Section

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NULL = {"type": "null"}

Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema as a value. Keys of the top level that begin with `x-` are free, for anchors."""
    parts: dict[str, Schema] = {}
    made = _section(Config, parts)
    made["patternProperties"] = {"^x-": True}
    return {"$schema": DIALECT, "title": "feeds.yaml", **made, "$defs": dict(sorted(parts.items()))}


def _section(section: type[Section], parts: dict[str, Schema]) -> Schema:
    """A map of its keys. parts: collects the sections that these lead to."""
    made: Schema = {
        "additionalProperties": False,
        "description": inspect.getdoc(section),
        "properties": {name: _key(key, parts) for name, (_, key) in section.known.items()},
    }
    if needed := [name for name, (_, key) in section.known.items() if key.needed]:
        made["required"] = needed
    return {**made, "type": "object"}


def _key(key: Key[Any], parts: dict[str, Schema]) -> Schema:
    """One key, with its default as an author would write it."""
    made = _kind(key.kind, parts)
    if key.nullable:
        made = {"anyOf": [made, NULL]}
    made = {"description": key.description, **made}
    if not isinstance(key.default, bool | int | float | str):
        return made
    return {**made, "default": key.kind.written(key.default) if isinstance(key.kind, Value) else key.default}


def _kind(kind: Kind[Any], parts: dict[str, Schema]) -> Schema:
    match kind:
        case Value() | Filled():
            return dict(kind.schema)
        case ListOf():
            return {"type": "array", "items": _kind(kind.item, parts)}
        case MapOf():
            return {"type": "object", "additionalProperties": _kind(kind.value, parts)}
        case OrNothing():
            return {"anyOf": [_kind(kind.kind, parts), NULL]}
        case Either():
            return {"oneOf": [_kind(one, parts) for _, one in kind.kinds]}
        case Part():
            if (name := kind.section.__name__) not in parts:
                parts[name] = {}
                parts[name] = _section(kind.section, parts)
            to = {"$ref": f"#/$defs/{name}"}
            return {"anyOf": [{"type": "string"}, to]} if kind.short else to
        case _:
            raise AssertionError(f"a kind without a schema: {type(kind).__name__}")
