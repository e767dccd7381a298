"""Web pages of feeds and stories. They work without scripts, and nothing from a feed can run in them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

from markupsafe import Markup
from msgspec import Struct

from aggregator.model import Instant, Slug, Story
from aggregator.ports import ThreadStory
from aggregator.publish import addresses, characters
from aggregator.publish.head import Head
from aggregator.publish.open_threads import OpenThread
from aggregator.publish.templates import FOLDER, template
from aggregator.publish.thread_listing import headline as headline_of
from aggregator.publish.view import View
from aggregator.settings import Site
from aggregator.text.chars import one_line
from aggregator.text.times import rfc3339, zone

HEADLINES = 3
"""Headlines of each feed on the front page."""
PAGE_ENTRIES = 60
"""Stories on a feed's page: what a phone loads quickly. The feed has the rest."""


TOP = "."
BELOW = ".."
"""The way from a page to the top of the site. Pages link to each other by relative paths to files, so they work from a server
and as files, at the top of a host or below a path."""


class Moment(Struct, frozen=True):
    """An instant for people, in the site's time zone, and for machines."""

    iso: str
    shown: str


class Report(Struct, frozen=True):
    """One item of a story, as its page lists it."""

    outlet: str
    title: str
    url: str | None
    when: Moment


class Told(Struct, frozen=True):
    """A story of a thread, as pages list it. page: its path; outlets: how many tell it."""

    title: str
    page: str
    language: str | None
    when: Moment
    outlets: int


class Around(Struct, frozen=True):
    """What a story's page tells of its thread. before, after: in order of time; thread: which can be followed, or None."""

    before: Sequence[ThreadStory] = ()
    after: Sequence[ThreadStory] = ()
    thread: OpenThread | None = None


@cache
def _source(name: str) -> Markup:
    """A style sheet or script to be placed in a page."""
    return Markup((FOLDER / name).read_text("utf-8").strip())


def _hash(name: str) -> str:
    return base64.b64encode(hashlib.sha256(_source(name).encode()).digest()).decode()


@cache
def policy(*, images: bool) -> str:
    """The content security policy: our style and script by hash, media from anywhere, nothing else.

    images: whether pages may show pictures, wherever they are (`publish.images`).
    """
    pictures = "img-src https: http:; " if images else ""
    return (
        f"default-src 'none'; {pictures}media-src https: http:; style-src 'sha256-{_hash('style.css')}'; "
        f"script-src 'sha256-{_hash('copy.js')}'; base-uri 'none'; form-action 'none'"
    )


CACHE = "no-cache"
"""Pages may be kept but are asked for again each time (RFC 9111 5.2.2.4): with its ETag, one that has not changed costs a 304."""


def headers(*, images: bool) -> Mapping[str, str]:
    """The headers that pages are served with. images: see `policy`."""
    return {
        "content-security-policy": policy(images=images) + "; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex",
    }


def moment(instant: Instant, site: Site) -> Moment:
    local = datetime.fromtimestamp(int(instant), zone(site.timezone))
    return Moment(rfc3339(instant) or "", f"{local:%Y-%m-%d %H:%M} {local.tzname()}")


def _render(name: str, site: Site, root: str, language: str, *, images: bool, **values: object) -> bytes:
    page = template(name).render(
        site_title=one_line(site.title) or "News",
        language=language,
        root=root,
        policy=policy(images=images),
        style=_source("style.css"),
        script=_source("copy.js"),
        **values,
    )
    return page.encode()


def index(
    site: Site, feeds: Sequence[Head], latest: Mapping[Slug, Sequence[bytes]], *, images: bool, notice: str | None = None
) -> bytes:
    """The front page: public feeds with their newest headlines (made by `headline`) and subscribe buttons.

    images: see `policy`; notice: why stories may be missing, such as "3 of 20 sources read".
    """
    shown = {feed.output.slug: Markup(b"".join(latest.get(feed.output.slug, ())[:HEADLINES]).decode()) for feed in feeds}
    return _render("index.html", site, TOP, site.language, images=images, feeds=feeds, latest=shown, notice=notice)


def headline(view: View) -> bytes:
    """The HTML of one story on the front page."""
    macro = template("macros.html").module.headline  # type: ignore[attr-defined]
    return str(macro(view, _page_of(view, TOP))).encode()


def entry(view: View, site: Site) -> bytes:
    """The HTML of one story on a feed's page."""
    macro = template("macros.html").module.entry  # type: ignore[attr-defined]
    return str(macro(view, _page_of(view, BELOW), moment(view.published, site))).encode()


def _page_of(view: View, root: str) -> str:
    """The address of a story's page. Digests and notices have no page; they get their link."""
    return root + addresses.story_path(view.id) if view.has_page else view.link


def topic(site: Site, feed: Head, entries: Sequence[bytes], *, more: bool, images: bool, notice: str | None = None) -> bytes:
    """The page of a feed with its newest `PAGE_ENTRIES` stories (made by `entry`).

    more: whether the feed has further ones; images: see `policy`; notice: see `index`.
    """
    shown = Markup(b"".join(entries).decode())
    values = {"feed": feed, "entries": shown, "more": more, "notice": notice}
    return _render("topic.html", site, BELOW, feed.language, images=images, **values)


def told(stories: Iterable[ThreadStory], site: Site) -> list[Told]:
    """Stories of a thread for its page, or for the page of one of them."""
    return [
        Told(
            headline_of(one),
            addresses.story_path(one.story),
            characters.language(one.language),
            moment(one.published, site),
            len(one.outlets),
        )
        for one in stories
    ]


def story(site: Site, view: View, stored: Story, topics: Sequence[Head], around: Around, *, images: bool) -> bytes:
    """The page of a story with all its reports, feeds, and tags. topics: public feeds only; images: see `policy`."""
    reports = [
        Report(
            characters.plain(item.outlet) or item.outlet_key,
            characters.plain(item.title) or characters.plain(item.outlet),
            characters.address(item.entry.url),
            moment(item.published, site),
        )
        for item in sorted(stored.reports, key=lambda item: (item.published, item.id))
    ]
    outlets = len({report.outlet for report in reports})
    values = {
        "story": view,
        "reports": reports,
        "outlets": outlets,
        "topics": topics,
        "earlier": told(around.before, site),
        "later": told(around.after, site),
        "thread": around.thread,
    }
    return _render("story.html", site, BELOW, site.language, images=images, when=moment(view.published, site), **values)


def thread(site: Site, feed: Head, shown: OpenThread) -> bytes:
    """The page of a thread: all its stories, the newest first. feed: of its feed."""
    began, stories = moment(shown.stories[0].published, site), told(reversed(shown.stories), site)
    return _render("thread.html", site, BELOW, site.language, images=False, feed=feed, thread=shown, began=began, stories=stories)


def moved(site: Site, to: str) -> bytes:
    """A page that leads to another one. to: a relative path."""
    return _render("moved.html", site, BELOW, site.language, images=False, to=to)
