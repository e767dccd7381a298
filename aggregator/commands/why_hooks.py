"""What `aggregator why` tells of hooks (`enrich:`): what each told of the story, or when it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.model import Story
    from aggregator.ports import StoreView


def hook_rows(story: Story, store: StoreView) -> list[dict[str, Any]]:
    """A mapping for each hook that was asked about the story, or is to be. shown: whether readers see what it told."""
    shown = {one.hook: one for one in story.enriched}
    rows = []
    for known in store.askings([story.id]):
        told = shown.get(known.hook)
        row: dict[str, Any] = {"hook": known.hook, "shown": told is not None, "asked": rfc3339(known.asked or None)}
        if told is not None:
            row |= {"title": told.title, "summary": told.summary, "tags": list(told.tags), "language": told.language}
            row["title_shown"] = bool(told.title) and told.of == story.title
        rows.append(row | {"attempts": known.attempts, "next": rfc3339(known.due), "error": known.error})
    return rows


def lines_of_hooks(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The same as lines for people."""
    if rows:
        yield "\nfrom hooks:"
    for row in rows:
        yield f"  {row['hook']}: {_when(row)}"
        if row.get("title"):
            yield f"    headline: {row['title']}" + ("" if row["title_shown"] else "  (of another headline: not shown)")
        if row.get("summary"):
            yield f"    summary: {' '.join(row['summary'].split())}"
        if row.get("tags"):
            yield f"    tags: {', '.join(row['tags'])}"


def _when(row: dict[str, Any]) -> str:
    parts = [f"asked at {row['asked']}" if row["asked"] else "not asked yet"]
    if row["error"]:
        parts.append(f"attempt {row['attempts']} failed: {row['error']}")
    parts.append(f"next at {row['next']}" if row["next"] else "" if row["shown"] or not row["error"] else "given up")
    return "; ".join(filter(None, parts))
