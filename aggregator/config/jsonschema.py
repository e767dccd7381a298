"""The JSON Schema of `feeds.yaml` (draft 2020-12)."""

from __future__ import annotations

from typing import Any

from aggregator.config.schema import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema as a value. Keys of the top level that begin with `x-` are free, for anchors."""
    schema = Config.model_json_schema(by_alias=True)
    schema["patternProperties"] = {"^x-": True}
    return {"$schema": DIALECT, "title": "feeds.yaml", **{key: value for key, value in schema.items() if key != "title"}}
