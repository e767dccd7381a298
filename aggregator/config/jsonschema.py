"""The JSON Schema of `feeds.yaml` (draft 2020-12) as editors want it: defaults as written, null only where it is taken."""

from __future__ import annotations

from typing import Any

from aggregator.config.schema import Config
from aggregator.config.values import in_words

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NULLABLE = frozenset({("Defaults", "group"), ("NetworkSection", "proxy"), ("NetworkSection", "user_agent")})
"""Keys at which null may be written: (model, key)."""


def json_schema() -> dict[str, Any]:
    """The schema as a value. Keys of the top level that begin with `x-` are free, for anchors."""
    made = Config.model_json_schema(by_alias=True)
    models = made.pop("$defs")
    for name, model in {**models, "": made}.items():
        model.pop("title", None)
        for key, value in model.get("properties", {}).items():
            model["properties"][key] = _written(value, null=(name, key) in NULLABLE)
    made["patternProperties"] = {"^x-": True}
    return {"$schema": DIALECT, "title": "feeds.yaml", **made, "$defs": models}


def _written(value: dict[str, Any], *, null: bool) -> dict[str, Any]:
    """The schema of one key: without pydantic's titles, with its default as an author would write it."""
    found = {key: part for key, part in value.items() if key != "title"}
    default = found.pop("default", None)
    if not null and "anyOf" in found:
        kinds = [kind for kind in found.pop("anyOf") if kind != {"type": "null"}]
        found |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if isinstance(default, float):
        default = in_words(default)
    elif default == 15_000_000:
        default = "15MB"
    return found if default is None or isinstance(default, dict | list) else {**found, "default": default}
