"""What a process does among those that share a database: `aggregator run --role`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import structlog

from aggregator.ports import Node

log = structlog.get_logger("nodes")

Role: TypeAlias = Literal["all", "fetch", "lead", "web"]
"""all: leads and asks sources, as a daemon alone does; fetch: asks sources for whoever leads; lead: leads and asks none; web:
serves what the leader publishes. Of all and lead, one leads at a time and the others stand by."""
ROLES: tuple[Role, ...] = get_args(Role)
NEEDS_SERVER = "--role {} needs a database on PostgreSQL (docs/cluster.md): on SQLite one daemon does everything"
STANDBY = "standby"
"""The role of those who wait to lead, as the other nodes see it."""
LEADS = ("all", "lead")
"""The roles of who leads."""


def config_differs(nodes: Sequence[Node]) -> bool:
    """Whether the first of these nodes has read another config than the one that leads."""
    own, *others = nodes or (None,)
    return own is not None and any(node.role in LEADS and node.config != own.config for node in others)


class ConfigComparison:
    """Tells once in the log when the leader has read another config than this node. differs: as it was last seen."""

    def __init__(self) -> None:
        self.differs = False

    def look(self, nodes: Sequence[Node]) -> None:
        if (differs := config_differs(nodes)) and not self.differs:
            log.warning("config_differs")
        self.differs = differs
