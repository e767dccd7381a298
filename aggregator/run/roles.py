"""What a process does among those that share a database: `aggregator run --role`."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Role: TypeAlias = Literal["all", "fetch", "lead", "web"]
"""all: leads and asks sources, as a daemon alone does; fetch: asks sources for whoever leads; lead: leads and asks none; web:
serves what the leader publishes. Of all and lead, one leads at a time and the others stand by."""
ROLES: tuple[Role, ...] = get_args(Role)
NEEDS_SERVER = "--role {} needs a database on PostgreSQL (docs/cluster.md): on SQLite one daemon does everything"
