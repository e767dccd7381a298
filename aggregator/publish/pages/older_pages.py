"""Web pages of closed archive pages, made from their JSON entries: those outlive the stored texts."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from aggregator.model import StoryId
from aggregator.publish.entry import addresses
from aggregator.publish.formats.head import Head
from aggregator.publish.pages import pages
from aggregator.publish.pages.templates import template
from aggregator.publish.rendering import Rendered
from aggregator.settings import Site

ROOT = "../.."
"""These pages lie in a folder of the topic."""


class Archived(Struct, frozen=True):
    """A story as its archive page keeps it. summary: plain text; outlets: how many told it when the page was closed."""

    title: str
    url: str
    outlet: str
    outlets: int
    summary: str
    language: str | None


def older(site: Site, feed: Head, entries: Sequence[Rendered], readable: Collection[StoryId]) -> bytes:
    """The page. feed: the head of the archive page; readable: the stories whose own pages can still be read."""
    shown = Markup(b"".join(_entry(one, site, one.story in readable) for one in entries).decode())
    page, links = feed.archives.page, feed.archives
    days = list(dict.fromkeys(pages.day(at(one.published for one in entries), site) for at in (min, max) if entries))
    values: dict[str, Any] = {
        "heading": feed.name,
        "said": f"Older stories, page {page}" + (f": {' to '.join(days)}" if days else ""),
        "entries": shown,
        "back": f"{links.previous}.html" if links.previous else None,
        "on": f"{links.next}.html" if links.next else f"../{feed.output.slug}.html",
    }
    return pages.render("older.html", site, ROOT, feed.language, images=False, **values)


def _entry(one: Rendered, site: Site, has_page: bool) -> bytes:
    page = ROOT + addresses.story_path(one.story) if has_page else None
    macro = template("macros.html").module.archived  # type: ignore[attr-defined]
    return str(macro(_read(json.loads(one.json)), page, pages.moment(one.published, site))).encode()


def _read(row: dict[str, Any]) -> Archived:
    """Reads an entry as this or an older release wrote it."""
    outlets = row.get("_aggregator", {}).get("outlets") or [{"name": author["name"]} for author in row.get("authors", ())[-1:]]
    return Archived(
        row["title"], row["url"], outlets[0]["name"] if outlets else "", len(outlets), row.get("summary", ""), row.get("language")
    )
