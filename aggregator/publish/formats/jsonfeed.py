"""JSON Feed 1.1."""

from __future__ import annotations

import json
from typing import Any

from aggregator.publish.entry.addresses import entry_id
from aggregator.publish.entry.closing import Follows
from aggregator.publish.entry.enriched import Told
from aggregator.publish.entry.view import View
from aggregator.publish.formats.fragments import Frame, rfc3339_exact
from aggregator.publish.formats.head import Head
from aggregator.text.times import rfc3339

VERSION = "https://jsonfeed.org/version/1.1"


def item(view: View) -> bytes:
    """One item as UTF-8. Its `_aggregator` member names the outlets, the source, and the story's page."""
    made: dict[str, Any] = {
        "id": entry_id(view.id),
        "url": view.link,
        "title": view.title,
        "content_html": view.in_feeds,
        "summary": view.summary,
        "image": view.image.url if view.image else None,
        "date_published": rfc3339(view.published),
        "date_modified": rfc3339_exact(view.updated),
        "authors": [{"name": name} for name in view.names],
        "tags": list(dict.fromkeys(one.term for one in view.terms)),
        "language": view.language,
        "attachments": [_attachment(one) for one in view.media],
        "_aggregator": _extension(view) if view.origin else None,
    }
    return _dump({key: value for key, value in made.items() if value or key == "content_html"})


def _attachment(one: Any) -> dict[str, Any]:
    made = {
        "url": one.url,
        "mime_type": one.type,
        "title": one.title,
        "size_in_bytes": one.length,
        "duration_in_seconds": one.duration,
    }
    return {key: value for key, value in made.items() if value}


def _extension(view: View) -> dict[str, Any]:
    """What JSON Feed has no member for: each outlet with its report, the source feed, and the story's page."""
    outlets = [{"name": view.outlet, "url": view.link, "title": view.headline or view.title}]
    outlets += [{"name": report.outlet, "url": report.url, "title": report.title} for report in view.also]
    made: dict[str, Any] = {"outlets": outlets}
    if view.has_page:
        made["page"] = view.page
    if view.origin is not None:
        made["source"] = {"title": view.origin.title, "url": view.origin.url}
    if view.comments:
        made["comments"] = view.comments
    if view.discussions:
        made["discussions"] = [{"name": one.name, "url": one.url} for one in view.discussions]
    if view.told:
        made["enriched"] = [_told(one) for one in view.told]
    if view.follows is not None:
        made["thread"] = _thread(view.follows)
    return made


def _told(told: Told) -> dict[str, Any]:
    """What a hook told, by whom; the title only if it is the one shown."""
    made = {"by": told.hook, "title": told.title, "summary": "\n".join(told.summary), "language": told.language}
    return {key: value for key, value in made.items() if value}


def _thread(follows: Follows) -> dict[str, Any]:
    """The thread as it stood when the story was published."""
    made = {
        "id": follows.id,
        "title": follows.title,
        "url": follows.page,
        "stories": follows.stories,
        "outlets": follows.outlets,
        "first": entry_id(follows.first),
        "earlier": [{"id": entry_id(one.id), "title": one.title, "url": one.url} for one in follows.earlier],
    }
    return {key: value for key, value in made.items() if value not in (None, "")}


def document(head: Head) -> Frame:
    """The document around its items. Archive pages are linked by `next_url`, newer to older.

    The feed has no authors: each item names its own, and Miniflux would show the feed's beside them.
    """
    made: dict[str, Any] = {
        "version": VERSION,
        "title": head.title,
        "home_page_url": head.home,
        "feed_url": head.self_url("json"),
        "description": head.description,
        "language": head.language,
    }
    if head.archives.previous is not None:
        made["next_url"] = head.page_url(head.archives.previous, "json")
    if head.hub:
        made["hubs"] = [{"type": "WebSub", "url": head.hub}]
    text = _dump(made)
    return Frame(text[:-1] + b',"items":[', b"]}\n")


def joined(frame: Frame, items: list[bytes]) -> bytes:
    """The document with its items, separated by commas."""
    if not items:
        return frame.around(())
    first, *others = items
    return b"".join((frame.before, b"\n", first, *(piece for item in others for piece in (b",\n", item)), b"\n", frame.after))


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
