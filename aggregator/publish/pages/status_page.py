"""The status page: sources, feeds, events, and a query to try. For whoever runs the site; it shows what is private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from aggregator.model import Instant, Story
from aggregator.ports import Event
from aggregator.publish.entry import characters
from aggregator.publish.pages import pages
from aggregator.publish.pages.found_pages import Mistake
from aggregator.settings import Site


class SourceRow(Struct, frozen=True):
    """A source's state. last, next: when it was and will be polled; why: its fault, or the reason of its rhythm.

    details: all of `status --json`.
    """

    id: str
    state: str
    entries: int
    last: str
    next: str
    why: str
    details: Mapping[str, Any]


class FeedRow(Struct, frozen=True):
    """A published feed. stories: in its document; channels: the services that tell of them."""

    slug: str
    title: str
    is_private: bool
    stories: int
    changed: Instant | None
    filling: bool
    webhook: bool
    channels: str = ""


class Status(Struct, frozen=True):
    """All that the page tells. parts: of the daemon, as `/readyz` has them; problems: of the daemon; events: the newest first."""

    parts: Mapping[str, object]
    problems: Sequence[str]
    sources: Sequence[SourceRow]
    feeds: Sequence[FeedRow]
    events: Sequence[Event]


class Match(Struct, frozen=True):
    """A story that a query matches. why: the branch of the query that decided."""

    story: Story
    why: str


class Trial(Struct, frozen=True):
    """A query that was tried. said: how it went."""

    query: str
    matches: Sequence[Match] = ()
    problem: Mistake | None = None
    said: str = ""


def render(site: Site, status: Status, trial: Trial | None) -> bytes:
    """The page. It holds no token: its form goes to the address that it was asked for at."""
    values: dict[str, Any] = {
        "status": status,
        "parts": dict(_part(name, value) for name, value in status.parts.items()),
        "query": trial.query if trial else "",
        "trial": trial,
        "matches": [_match(one, site) for one in trial.matches] if trial else [],
        "yaml": topic_yaml(trial.query) if trial and not trial.problem else "",
        "events": [(one, pages.moment(one.opened, site), one.closed and pages.moment(one.closed, site)) for one in status.events],
        "feeds": [(one, one.changed and pages.moment(one.changed, site)) for one in status.feeds],
    }
    return pages.render("status.html", site, pages.TOP, pages.OWN_LANGUAGE, images=False, **values)


def _part(name: str, value: object) -> tuple[str, object]:
    """A part of the daemon in words: `disk_free_bytes` as gigabytes."""
    if name == "tick":
        return "last cycle", value
    if name.endswith("_bytes") and isinstance(value, int | float):
        return name.removesuffix("_bytes").replace("_", " "), f"{value / 1e9:.1f} GB"
    return name.replace("_", " "), value


def _match(one: Match, site: Site) -> dict[str, Any]:
    story = one.story
    return {
        "title": characters.plain(story.title) or story.id,
        "id": story.id,
        "private": story.private,
        "when": pages.moment(story.published, site),
        "outlets": ", ".join(map(characters.plain, story.outlets)),
        "why": one.why,
    }


def topic_yaml(query: str) -> str:
    """A topic with this query, to be pasted into the config."""
    quoted = " ".join(query.split()).replace("'", "''")
    return f"topics:\n  - slug: my-topic\n    title: My topic\n    query: '{quoted}'\n"
