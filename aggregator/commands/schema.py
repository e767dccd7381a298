"""`aggregator schema`: prints the JSON Schema of the config, for editors."""

from __future__ import annotations

import json

import click


@click.command()
def command() -> None:
    """Print the JSON Schema of feeds.yaml, for completion and checks in editors.

    Save it, and begin the config with `# yaml-language-server: $schema=feeds.schema.json`.
    """
    from aggregator.config.jsonschema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
