"""Writes what hooks (`enrich:`) get of a story: its JSON Feed item, with its reports and its thread (docs/enrich.md)."""

from __future__ import annotations

import html
import json
from typing import Any

from msgspec.structs import replace

from aggregator.model import Item, Story, TagKind
from aggregator.publish.entry.characters import address, plain, scrub
from aggregator.publish.entry.pictures import pictures
from aggregator.publish.entry.view import view
from aggregator.publish.formats import jsonfeed
from aggregator.publish.rendering import public_origins
from aggregator.settings import Hook, Settings
from aggregator.text.chars import shorten
from aggregator.text.html import text_of
from aggregator.text.times import rfc3339

VERSION = 1
"""Grows when a member changes its meaning or goes; new members come without."""
MAX_TEXT = 50_000
"""Characters of the lead's text."""
MAX_REPORTS = 30
MAX_REPORT = 1_000
"""Reports, and characters of the text of each."""


class StoryQuestions:
    """Writes the questions of one config."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._origins = public_origins(settings)
        self._pictures = pictures(settings)

    def write(self, story: Story, hook: Hook) -> bytes:
        """The story as UTF-8, without what hooks told of it before."""
        own = replace(story, enriched=(), tags=tuple(tag for tag in story.tags if tag.kind is not TagKind.HOOK))
        public = not story.private
        shown = view(own, "full", self._settings.site, self._origins, public=public, pictures=self._pictures)
        item: dict[str, Any] = json.loads(jsonfeed.item(shown))
        markup, text = _texts(story.lead_item)
        more = item.pop("_aggregator", {})
        asked = {
            "version": VERSION,
            "hook": hook.name,
            **item,
            "content_html": markup,
            "content_text": text,
            "outlet": shown.outlet,
            "reports": [_report(one) for one in story.reports[:MAX_REPORTS]],
            "topics": list(story.topics),
            "thread": more.get("thread"),
            "page": more.get("page"),
        }
        return json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace")


def _texts(item: Item) -> tuple[str, str]:
    """The lead's text, as HTML and plain; beyond MAX_TEXT as plain text cut short."""
    markup = scrub(item.body)
    text = shorten(scrub(text_of(markup)), MAX_TEXT)
    return (markup if len(markup) <= 2 * MAX_TEXT else f"<p>{html.escape(text, quote=False)}</p>"), text


def _report(item: Item) -> dict[str, Any]:
    made = {
        "outlet": plain(item.outlet),
        "title": plain(item.title),
        "url": address(item.entry.url),
        "date_published": rfc3339(item.published),
        "language": item.language,
        "content_text": shorten(plain(item.entry.text[: 2 * MAX_REPORT]), MAX_REPORT),
    }
    return {key: value for key, value in made.items() if value}
