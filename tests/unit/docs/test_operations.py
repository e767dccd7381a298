"""docs/operations.md and the code agree on metrics, log events and conditions; the dashboard asks for what there is."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from aggregator.publish.messages.health_feed import OF_DAEMON, OF_SOURCE, UNTOLD
from aggregator.run.monitoring.health import FAILING
from aggregator.run.monitoring.metrics import Metrics
from tests.conftest import CHECKOUT

TEXT = (CHECKOUT / "docs" / "operations.md").read_text("utf-8")
CODE = CHECKOUT / "aggregator"
LEVELS = {"debug", "info", "warning", "error", "critical"}


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def listed(title: str) -> set[str]:
    """The names in back quotes in the first column of a section's tables."""
    rows = (line.split("|")[1] for line in section(title).splitlines() if line.startswith("| `"))
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def metric_names() -> set[str]:
    """As Prometheus knows them: counters with `_total`."""
    families = Metrics().registry.collect()
    names = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
    return {name for name in names if name.startswith("aggregator_")}


def logged(path: Path) -> Iterator[str]:
    """The events that a module logs under a fixed name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[ast.Constant(value=str(event)), *_]
            ) if level in LEVELS:
                yield event


def test_every_metric_is_told_and_no_other() -> None:
    assert listed("Metrics") == metric_names()


def test_every_log_event_is_told_and_no_other() -> None:
    events = {event for path in CODE.rglob("*.py") for event in logged(path)}
    by_name_of_mode = {"subscribed", "unsubscribed"}
    assert listed("Logs") == events | by_name_of_mode


def test_every_condition_is_told_and_no_other() -> None:
    source = "".join((CODE / "run" / "monitoring" / name).read_text("utf-8") for name in ("health.py", "disks.py"))
    kinds = set(re.findall(r'Condition\(\s*"(\w+)"', source)) | FAILING.keys()
    assert kinds == OF_DAEMON.keys() | OF_SOURCE.keys() | UNTOLD, "each has words for everybody"
    assert {name for name in listed("Is it well?") if re.fullmatch("[a-z]+", name)} == kinds


def test_the_dashboard_asks_for_metrics_that_exist() -> None:
    board = json.loads((CHECKOUT / "deploy" / "grafana.json").read_text("utf-8"))
    asked = {
        name
        for panel in board["panels"]
        for target in panel.get("targets", ())
        for name in re.findall(r"aggregator_\w+", target["expr"])
    }
    known = metric_names()
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} <= known
    assert len(asked) >= 10
