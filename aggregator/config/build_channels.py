"""The channels of outputs and alerts, and where they stand in the file."""

from __future__ import annotations

from collections.abc import Mapping

from aggregator import settings as to
from aggregator.config import schema as said
from aggregator.config import schema_rules as rules
from aggregator.config.document import Document, find
from aggregator.config.tree import Key


def channels(output: rules.Output) -> tuple[to.Channel, ...]:
    """The channels of an output."""
    return tuple(to.Channel(one.url.value, one.when, one.template, one.limit) for one in output.notify)


def alert_channels(alerts: said.Alerts | None) -> tuple[to.Channel, ...]:
    """The channels of `alerts`."""
    return tuple(to.Channel(one.url.value, limit=one.limit) for one in alerts.notify) if alerts else ()


def find_places(document: Document, config: said.Config) -> Mapping[str, tuple[int, int]]:
    """Line and column of each channel's address, by its id."""
    found: dict[str, tuple[int, int]] = {}
    lists: list[tuple[tuple[Key, ...], tuple[to.Channel, ...]]] = [(("alerts",), alert_channels(config.alerts))]
    lists += [(("outputs", number), channels(output)) for number, output in enumerate(config.outputs)]
    for path, told in lists:
        for number, channel in enumerate(told):
            node = find(document.root, (*path, "notify", number, "url"))[0]
            found.setdefault(channel.id, (node.line, node.column))
    return found
