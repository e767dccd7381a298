"""Entries that are not stories: health events, rejected entries, and digests. As views, they can be written in every format."""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from aggregator.model import Instant, Slug, StoryId
from aggregator.ports import Event, Reject
from aggregator.publish.entry.addresses import home_path
from aggregator.publish.entry.characters import address, plain
from aggregator.publish.entry.closing import earlier
from aggregator.publish.entry.excerpt import excerpt
from aggregator.publish.entry.view import Term, View, unique_updated
from aggregator.publish.entry.wording import outlets_in_words, wording
from aggregator.settings import Output, Site
from aggregator.text.masks import mask_text
from aggregator.text.times import zone

DIGEST_EVENTS = 20
"""Events in a digest: what a person reads at breakfast."""
_MORE_OF_EVENT = 3
"""Further stories of an event in a digest."""
_LEAD_TEXT = 280
"""Characters of each event's text in a digest."""


def _notice(id: uuid.UUID, title: str, link: str, at: Instant, site: Site, body: str, kind: str) -> View:
    author = plain(site.title) or "News"
    return View(
        id=StoryId(str(id)),
        title=plain(title),
        link=link,
        page=link,
        published=int(at),
        updated=unique_updated(at, str(id)),
        authors=(author,),
        outlet=author,
        origin=None,
        summary="",
        body=body,
        full=False,
        also=(),
        terms=(Term(kind, f"{site.url}/#notice"),),
        media=(),
        image=None,
        comments=None,
        language=None,
        lead_published=int(at),
    )


def event_entries(events: Iterable[Event], site: Site, site_id: str) -> list[View]:
    """One entry for each event, and another one if the event is over. Newest first."""
    found = []
    for event in events:
        name = f"{event.key}\0{event.opened!r}"
        body = f"<p>{html.escape(mask_text(event.detail), quote=False)}</p>"
        found.append(_notice(_id(site_id, name), event.title, site.url + "/", event.opened, site, body, event.kind))
        if event.closed is not None:
            title = f"Over: {event.title}"
            found.append(_notice(_id(site_id, name + "\0over"), title, site.url + "/", event.closed, site, body, event.kind))
    return sorted(found, key=lambda one: (-one.published, one.id))


def reject_entries(rejects: Iterable[Reject], site: Site, site_id: str) -> list[View]:
    """One entry for each entry that a `keep` or `drop` rule rejected, naming the rule."""
    return [
        _notice(
            _id(site_id, f"{one.source}\0{one.guid}"),
            one.title or one.guid,
            address(one.url) or site.url + "/",
            one.at,
            site,
            f"<p>{html.escape(plain(one.source))}: <code>{html.escape(plain(one.rule), quote=False)}</code></p>",
            "rejected",
        )
        for one in rejects
    ]


class DigestEvent(NamedTuple):
    """What a digest tells of one event. stories: those new since the last issue, the leading one first; outlets: how many."""

    outlets: int
    stories: tuple[View, ...]


def digest_entry(
    output: Output,
    events: Sequence[DigestEvent],
    groups: Mapping[StoryId, Slug],
    titles: Mapping[Slug, str],
    at: Instant,
    last: Instant | None,
    site: Site,
    site_id: str,
) -> View:
    """One entry that lists events by topic, that of the best event first. groups: story → topic, for stories that have one.

    events: best first. What is in no topic has no heading where it comes first: it is no other news there.
    last: when the issue before was made. If that was on the same day, the title has the hour, too.
    """
    local = datetime.fromtimestamp(int(at), zone(site.timezone))
    is_second = last is not None and datetime.fromtimestamp(int(last), zone(site.timezone)).date() == local.date()
    order = list(dict.fromkeys(groups.get(event.stories[0].id) for event in events))
    listed = {one.id for event in events for one in event.stories}
    parts = []
    for place, slug in enumerate(order):
        if len(order) > 1 and (slug or place):
            name = plain(titles.get(slug, slug)) if slug else wording(site.language).other_news
            parts.append(f"<h3>{html.escape(name, quote=False)}</h3>")
        items = "".join(_event(event, site, listed) for event in events if groups.get(event.stories[0].id) == slug)
        parts.append(f"<ul>{items}</ul>")
    link = site.url + home_path(output)
    title = f"{output.title}, {local:%Y-%m-%d %H:%M}" if is_second else f"{output.title}, {local:%Y-%m-%d}"
    return _notice(_id(site_id, f"{output.slug}\0{int(at)}"), title, link, at, site, "".join(parts), "digest")


def issued_digest(id: StoryId, at: Instant, item: bytes, site: Site) -> View:
    """The view of an issued digest, read from its JSON item, for web pages."""
    content = json.loads(item)
    return _notice(uuid.UUID(id), content["title"], content["url"], at, site, content["content_html"], "digest")


def _event(event: DigestEvent, site: Site, listed: Collection[StoryId]) -> str:
    """The leading story with its text and with what came before, then what else is new of the event.

    listed: the stories of the whole digest, which are new and so not called earlier.
    """
    lead, *others = event.stories
    text = excerpt(lead.summary, _LEAD_TEXT)
    tail = f"<br>{html.escape(text, quote=False)}" if text else ""
    known = [one for one in lead.follows.earlier if one.id not in listed] if lead.follows is not None else []
    before = earlier(known[:1], wording(lead.language or site.language))
    also = "".join(f"<li>{_headline(one, site)}</li>" for one in others[:_MORE_OF_EVENT])
    more = f"<p>{wording(site.language).also_new}</p><ul>{also}</ul>" if also else ""
    return f"<li>{_headline(lead, site)}{tail}{before}{more}</li>"


def _headline(view: View, site: Site) -> str:
    outlets = outlets_in_words([view.outlet, *(report.outlet for report in view.also)], wording(site.language))
    title = html.escape(view.title, quote=False)
    return f'<a href="{html.escape(view.link)}">{title}</a> ({html.escape(outlets, quote=False)})'


def _id(site_id: str, name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.UUID(site_id), name)
