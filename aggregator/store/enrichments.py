"""What hooks are to be asked, and what they told, in the database."""

from __future__ import annotations

from collections.abc import Collection

from aggregator.model import Instant, StoryId
from aggregator.ports import Asking, HookState
from aggregator.store.connection import Connection
from aggregator.store.rows import Row, as_json
from aggregator.store.story_rows import enriched_of, enriched_text

LAST = 3
"""Answers that are looked at to tell whether a hook fails: one alone may be the story's fault."""

_COLUMNS = "story, hook, input, due, attempts, asked, answered, result, private, error"
ASKINGS = f"SELECT {_COLUMNS} FROM enrichments WHERE story IN (SELECT value FROM json_each(?)) ORDER BY story, hook"
DUE = f"""SELECT {_COLUMNS} FROM (
        SELECT enrichments.*, row_number() OVER (PARTITION BY items.source ORDER BY due, enrichments.story) AS place
        FROM enrichments LEFT JOIN stories ON stories.id = enrichments.story LEFT JOIN items ON items.id = stories.lead
        WHERE hook = ? AND due <= ?) AS waiting
    ORDER BY place, due, story LIMIT ?"""
ASKED_SINCE = "SELECT count(*) FROM enrichments WHERE hook = ? AND asked > ?"
STORIES = "SELECT story FROM enrichments WHERE hook = ? ORDER BY story"
STATES = """SELECT hook, count(result), count(due), count(*) FILTER (WHERE due IS NULL AND error IS NOT NULL)
    FROM enrichments GROUP BY hook ORDER BY hook"""
LAST_ANSWERS = "SELECT error FROM enrichments WHERE hook = ? AND asked > 0 ORDER BY asked DESC LIMIT ?"
SAVE = f"""INSERT INTO enrichments ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (story, hook) DO UPDATE SET
    input = excluded.input, due = excluded.due, attempts = excluded.attempts, asked = excluded.asked,
    answered = excluded.answered, result = excluded.result, private = excluded.private, error = excluded.error"""
REMOVE_HOOK = "DELETE FROM enrichments WHERE hook = ?"


def askings(connection: Connection, stories: Collection[StoryId]) -> list[Asking]:
    """See `Enrichments.askings`."""
    return [_asking(row) for row in connection.execute(ASKINGS, (as_json(list(stories)),))] if stories else []


def due(connection: Connection, hook: str, now: Instant, limit: int) -> list[Asking]:
    """See `Enrichments.due_askings`."""
    return [_asking(row) for row in connection.execute(DUE, (hook, now, limit))]


def asked_since(connection: Connection, hook: str, since: Instant) -> int:
    """See `Enrichments.asked_since`."""
    count: int = connection.execute(ASKED_SINCE, (hook, since)).fetchone()[0]
    return count


def stories(connection: Connection, hook: str) -> list[StoryId]:
    """See `Enrichments.enriched_stories`."""
    return [StoryId(row[0]) for row in connection.execute(STORIES, (hook,))]


def states(connection: Connection) -> dict[str, HookState]:
    """See `Enrichments.hook_states`."""
    found = {}
    for hook, *counts in connection.execute(STATES).fetchall():
        errors = [row[0] for row in connection.execute(LAST_ANSWERS, (hook, LAST))]
        failing = next((place for place, error in enumerate(errors) if error is None), len(errors))
        told, waiting, failed = counts
        found[hook] = HookState(told, waiting, failed, failing, errors[0] if failing else None)
    return found


def save(connection: Connection, asking: Asking) -> None:
    """Stores it by (story, hook)."""
    result = None if asking.result is None else enriched_text([asking.result])
    known = (asking.story, asking.hook, asking.input, asking.due, asking.attempts, asking.asked, asking.answered)
    connection.execute(SAVE, (*known, result, asking.private, asking.error))


def remove_hook(connection: Connection, hook: str) -> None:
    """Removes all that is known for a hook."""
    connection.execute(REMOVE_HOOK, (hook,))


def _asking(row: Row) -> Asking:
    story, hook, input, due, attempts, asked, answered, result, private, error = row
    told = next(iter(enriched_of(result)), None) if result else None
    return Asking(story, hook, input, due, attempts, asked, answered, told, bool(private), error)
