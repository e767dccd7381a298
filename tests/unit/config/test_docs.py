"""The reference names every key of the schema, no other, with its true default; the shipped files are good."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.config import schema, schema_hooks, schema_rules, schema_sources
from aggregator.config.jsonschema import json_schema
from aggregator.config.load import load
from aggregator.config.section import Key, Section
from aggregator.config.values import in_words
from aggregator.settings import Rate
from aggregator.tag.check import check
from aggregator.tag.rules import failed_expectations

ROOT = Path(__file__).resolve().parents[3]
SECTIONS: dict[str, type[Section]] = {
    "Top level": schema.Config,
    "`site`": schema.Site,
    "`storage`": schema.Storage,
    "`storage.backup`": schema.Backup,
    "`server`": schema.Server,
    "`server.admin`": schema.Admin,
    "`server.mcp`": schema.Mcp,
    "`publish`": schema.Publish,
    "`network`": schema.NetworkSection,
    "`polling`": schema.Polling,
    "`hosts`": schema.HostRule,
    "`sources`": schema_sources.Source,
    "`sources`, `groups` and `defaults`": schema_sources.Inherited,
    "`sources[].dedup`": schema_sources.SourceDedup,
    "`defaults`": schema_sources.Defaults,
    "`sources`, lists of feeds": schema_sources.OpmlSource,
    "`tags`": schema_rules.TagRule,
    "`topics`": schema_rules.Topic,
    "`topics[].expect` and `tags.*.expect`": schema_rules.Expect,
    "`topics[].expect.match[]`": schema_rules.Expected,
    "`outputs`": schema_rules.Output,
    "`outputs[].access`": schema_rules.Access,
    "`outputs[].notify[]`": schema_rules.Channel,
    "`outlets`": schema.OutletSection,
    "`enrich`": schema_hooks.Hook,
    "`dedup`": schema.Dedup,
    "`threads`": schema.Threads,
    "`entities`": schema.Entities,
    "`categories`": schema.Categories,
    "`alerts`": schema.Alerts,
    "`alerts.notify[]`": schema.AlertChannel,
}


def documented() -> dict[str, dict[str, str]]:
    """Section heading → key → the text of its default."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in (ROOT / "docs/config.md").read_text().splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif heading in SECTIONS and (row := re.match(r"\| `([a-z_]+)` \|[^|]+\|([^|]*)\|", line)):
            found.setdefault(heading, {})[row[1]] = row[2].strip()
    return found


def keys(model: type[Section]) -> Iterator[tuple[str, Key[Any]]]:
    base = schema_sources.Inherited
    inherited = base.known if model is not base and issubclass(model, base) else {}
    for name, (_, key) in model.known.items():
        if name not in inherited:
            yield name, key


def written(default: object) -> str:
    match default:
        case bool():
            return f"`{str(default).lower()}`"
        case float():
            return f"`{in_words(default)}`"
        case 15_000_000:
            return "`15MB`"
        case Rate():
            return f"`{default}`"
        case int() | str():
            return f"`{default}`" if default != "" else "empty"
        case _:
            return "none"


@pytest.mark.parametrize("heading", SECTIONS)
def test_each_key_is_documented_with_its_default(heading: str) -> None:
    told = documented().get(heading, {})
    assert set(told) == {key for key, _ in keys(SECTIONS[heading])}
    for name, key in keys(SECTIONS[heading]):
        if key.needed:
            assert told[name] == "needed", name
        elif key.default is not None and not isinstance(key.default, Section):
            assert told[name] == written(key.default), name


def test_no_model_is_left_out() -> None:
    assert {*SECTIONS.values(), schema_sources.Group} == {
        model
        for module in (schema, schema_hooks, schema_rules, schema_sources)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, Section) and model is not Section
    }


@pytest.mark.parametrize("file", ["feeds.yaml", "aggregator/config/starter.yaml"])
def test_shipped_files_are_good(file: str) -> None:
    settings = load(ROOT / file, check, {})
    assert failed_expectations(settings) == []
    assert not settings.notes


def test_the_shipped_config_is_a_tour() -> None:
    settings = load(ROOT / "feeds.yaml", check, {})
    assert len(settings.sources) >= 20
    assert len({source.group for source in settings.sources}) == 3
    assert len(settings.topics) >= 4


def test_the_schema_says_what_is_known() -> None:
    made = json_schema()
    assert made["additionalProperties"] is False
    assert set(made["properties"]) == set(dict(keys(schema.Config)))
    assert made["required"] == ["sources"]
    assert "url" in made["$defs"]["Source"]["properties"]
    texts = [alternative.get("type") for alternative in made["properties"]["sources"]["items"]["oneOf"]]
    assert texts
