"""Reads published feeds as a subscriber does: with feedparser, by their ids."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import feedparser


def read(document: bytes) -> Any:
    """A feed as feedparser sees it; it must be well-formed."""
    feed = feedparser.parse(io.BytesIO(document))
    assert not feed.bozo, feed.bozo_exception
    return feed


def titles(document: bytes) -> list[str]:
    return [entry.title for entry in read(document).entries]


def ids(document: bytes) -> list[str]:
    return [entry.id for entry in read(document).entries]


def folded(title: str) -> str:
    """A title without the name of its outlet, in lower case."""
    return title.rpartition(" - ")[0].casefold() or title.casefold()


def snapshot(directory: Path) -> dict[str, str]:
    """Every file below a directory with a hash of its bytes."""
    found = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def story_of(stories: list[dict[str, Any]], source: str, title: str) -> dict[str, Any]:
    """The one story that holds this source's entry whose title begins so."""
    found = [
        s
        for s in stories
        if any(i["source"] == source and i["title"].casefold().startswith(title.casefold()) for i in s["items"])
    ]
    assert len(found) == 1, [s["title"] for s in found]
    return found[0]
