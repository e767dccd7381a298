"""Moves the history of a source to its new id, if its address is unchanged."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.model import Source
from aggregator.store.connection import Connection

_ADDRESSES = "SELECT configured_url, id FROM sources"
_TABLES = (
    "UPDATE sources SET id = ? WHERE id = ?",
    "UPDATE documents SET source = ? WHERE source = ?",
    "UPDATE items SET source = ? WHERE source = ?",
    "UPDATE group_items SET source = ? WHERE source = ?",
    "UPDATE rejects SET source = ? WHERE source = ?",
    "UPDATE remembered SET source = ? WHERE source = ?",
)
_OVERRIDES = tuple(
    f"UPDATE overrides SET {side} = ?1 || substr({side}, length(?2) + 1)"
    f" WHERE substr({side}, 1, length(?2) + 1) = ?2 || ' '{kinds}"
    for side, kinds in (("a", ""), ("b", " AND kind <> 'title'"))
)
"""A person's decisions name an entry by source and guid (`stories.overrides.override_key`). `b` of a title is a headline."""
PREFIXES = ("push", "budget", "source")
"""Pushes under way, today's budget (`stories.budget`), and what was adopted (`stories.adopted`)."""
_VALUES = tuple(f"UPDATE OR REPLACE key_values SET key = '{prefix}.' || ? WHERE key = '{prefix}.' || ?" for prefix in PREFIXES)
_CLAIMS = """UPDATE OR REPLACE key_values SET key = substr(key, 1, instr(key, ' ')) || ?1
    WHERE key LIKE 'domain:%' AND substr(key, instr(key, ' ') + 1) = ?2"""
"""The domains that a source has learnt (`stories.claims`)."""


def follow(connection: Connection, sources: Sequence[Source]) -> bool:
    """Renames stored sources to the ids in the config. Returns True if one has changed. Inside the caller's transaction.

    An id is made from the address (`config.ids`). If a release makes ids in another way, sources must keep their history.
    """
    known = {id: url for url, id in connection.execute(_ADDRESSES)}
    named = {source.id for source in sources}
    left = {url: id for id, url in known.items() if id not in named}
    changed = False
    for source in sources:
        if source.id not in known and (before := left.pop(source.url, None)) is not None:
            for statement in (*_TABLES, *_OVERRIDES, *_VALUES, _CLAIMS):
                connection.execute(statement, (source.id, before))
            changed = True
    return changed
