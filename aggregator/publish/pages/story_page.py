"""The web page of one story: its text, every report, what came before and after it, and where else it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from aggregator.model import Item, Story
from aggregator.ports import ThreadStory
from aggregator.publish.entry import characters
from aggregator.publish.entry.excerpt import excerpt
from aggregator.publish.entry.view import View
from aggregator.publish.formats.head import Head
from aggregator.publish.pages import pages
from aggregator.publish.pages.open_threads import OpenThread
from aggregator.settings import Site

_DESCRIPTION = 200
"""Characters that search engines and messengers show of a page's description."""


class Report(Struct, frozen=True):
    """One report of a story, as its page lists it. listed: the outlet's name in an address, None if it has no page."""

    outlet: str
    listed: str | None
    title: str
    url: str | None
    when: pages.Moment


class Around(Struct, frozen=True):
    """What a story's page tells of its thread. before, after: in order of time; thread: which can be followed, or None."""

    before: Sequence[ThreadStory] = ()
    after: Sequence[ThreadStory] = ()
    thread: OpenThread | None = None


def reports_of(story: Story) -> list[Item]:
    """The reports that the page lists, in order of time: one for each address.

    Feeds of an outlet's sections carry one article several times, and aggregators once more: of those entries the lead is listed,
    or else the outlet's own first one.
    """
    kept: dict[str, Item] = {}
    best = sorted(story.reports, key=lambda one: (one.id != story.lead, one.aggregator or one.second_hand, one.published, one.id))
    for item in best:
        kept.setdefault(item.canonical or characters.address(item.entry.url) or str(item.id), item)
    return sorted(kept.values(), key=lambda item: (item.published, item.id))


def render(
    site: Site, view: View, stored: Story, topics: Sequence[Head], around: Around, *, images: bool, served: bool = False
) -> bytes:
    """The page. view: without its reports if the page lists several; topics: public feeds only; images: see `pages.policy`.

    served: by the daemon, which has pages of outlets and tags.
    """
    reports = [_report(item, site) for item in reports_of(stored)]
    tags = {tag.value for tag in stored.tags}
    sounds = [one for one in view.media if one.type.startswith("audio/")]
    values: dict[str, Any] = {
        "served": served,
        "outlet": _in_address(stored.lead_item.outlet),
        "terms": {term.term: _in_address(term.term) if term.term in tags else None for term in view.terms},
        "story": view,
        "description": excerpt(view.summary, _DESCRIPTION),
        "reports": reports,
        "corrected": stored.headline is not None,
        "outlets": len({report.outlet for report in reports}),
        "topics": topics,
        "earlier": pages.told(around.before, site),
        "later": pages.told(around.after, site),
        "thread": around.thread,
        "sounds": sounds,
        "byline": pages.byline(view, site),
    }
    media = bool(sounds) or pages.plays(view.body)
    return pages.render("story.html", site, pages.BELOW, site.language, images=images, media=media, **values)


def _report(item: Item, site: Site) -> Report:
    return Report(
        characters.plain(item.outlet) or item.outlet_key,
        _in_address(item.outlet),
        characters.plain(item.title) or characters.plain(item.outlet),
        characters.address(item.entry.url),
        pages.moment(item.published, site),
    )


def _in_address(name: str) -> str | None:
    """A name of an outlet or a tag as the last part of an address; None if it is shown otherwise than it is stored."""
    return quote(name, safe="") if name.strip(".") and name == characters.plain(name) else None
