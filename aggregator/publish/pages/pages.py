"""Web pages of feeds and stories. They work without scripts, and nothing from a feed can run in them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit

from markupsafe import Markup
from msgspec import Struct

from aggregator.model import Instant
from aggregator.ports import ThreadStory
from aggregator.publish.entry import addresses, characters
from aggregator.publish.entry.view import View
from aggregator.publish.formats.head import Head
from aggregator.publish.pages.open_threads import OpenThread
from aggregator.publish.pages.templates import FOLDER, template
from aggregator.publish.selection.thread_listing import headline as headline_of
from aggregator.settings import Site
from aggregator.text.chars import one_line
from aggregator.text.times import rfc3339, zone

HEADLINES = 3
"""Headlines of each feed on the front page."""
PAGE_ENTRIES = 75
"""Stories on a feed's page: what a phone loads quickly, and all of a feed of 50, whose older ones have pages of their own."""


TOP = "."
BELOW = ".."
"""The way from a page to the top of the site. Pages link to each other by relative paths to files, so they work from a server
and as files, at the top of a host or below a path."""


class Moment(Struct, frozen=True):
    """An instant for people, in the site's time zone, and for machines."""

    iso: str
    shown: str


class Told(Struct, frozen=True):
    """A story of a thread, as pages list it. page: its path; outlets: how many tell it."""

    title: str
    page: str
    language: str | None
    when: Moment
    outlets: int


class Byline(Struct, frozen=True):
    """When the lead's outlet reported a story; first: when first_by had done so before, None if nobody had."""

    when: Moment
    first: Moment | None
    first_by: str


@cache
def _source(name: str) -> Markup:
    """A style sheet or script to be placed in a page."""
    return Markup((FOLDER / name).read_text("utf-8").strip())


def _hash(name: str) -> str:
    return base64.b64encode(hashlib.sha256(_source(name).encode()).digest()).decode()


@cache
def policy(*, images: bool, media: bool = True) -> str:
    """The content security policy: our style and script by hash, our icon, our forms, nothing else.

    images: whether pages may show pictures, wherever they are (`publish.images`); media: whether they play sound and film.
    """
    pictures = " https: http:" if images else ""
    sounds = "media-src https: http:; " if media else ""
    return (
        f"default-src 'none'; img-src 'self'{pictures}; {sounds}manifest-src 'self'; style-src 'sha256-{_hash('style.css')}'; "
        f"script-src 'sha256-{_hash('copy.js')}'; base-uri 'none'; form-action 'self'"
    )


CACHE = "no-cache"
"""Pages may be kept but are asked for again each time (RFC 9111 5.2.2.4): with its ETag, one that has not changed costs a 304."""


LONGEST_QUERY = 300
"""Characters of a query on the search page."""
_DAEMON_ALONE = re.compile(rb"<!--daemon-->.*?<!--/daemon-->\n?", re.S)
"""What only the daemon answers: search, and pages that are made on demand. Texts of others hold no comments."""
_PLAYS = re.compile(r"<(?:audio|video)\b")


def as_file(page: bytes) -> bytes:
    """A page as it is written to the published folder: without what a static host can't answer."""
    return _DAEMON_ALONE.sub(b"", page)


def headers(*, images: bool, index: bool = False) -> Mapping[str, str]:
    """The headers that pages are served with. images: see `policy`. A page that plays nothing says so in itself.

    index: whether search engines may list the page (`site.index`).
    """
    return {
        "content-security-policy": policy(images=images) + "; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        **({} if index else {"x-robots-tag": "noindex"}),
    }


OWN_LANGUAGE = "en"
"""The language of pages that show the product's own words and no stories. Screen readers speak a page as it says."""
_LISTED = frozenset(("index.html", "topic.html", "older.html", "story.html", "thread.html"))
"""Templates of the pages that search engines may list, if the site lets them."""


def moment(instant: Instant, site: Site) -> Moment:
    local = datetime.fromtimestamp(int(instant), zone(site.timezone))
    return Moment(rfc3339(instant) or "", f"{local:%Y-%m-%d %H:%M} {local.tzname()}")


def day(instant: Instant, site: Site) -> str:
    """The date of an instant in the site's time zone."""
    return f"{datetime.fromtimestamp(int(instant), zone(site.timezone)):%Y-%m-%d}"


def byline(view: View, site: Site) -> Byline:
    """Of what was first reported on the same day the hour is enough."""
    when, earlier = moment(view.lead_published, site), view.first
    if earlier is None:
        return Byline(when, None, "")
    first = moment(earlier.at, site)
    if day(earlier.at, site) == day(view.lead_published, site):
        first = Moment(first.iso, first.shown.split()[1])
    return Byline(when, first, earlier.outlet)


def render(name: str, site: Site, root: str, language: str, *, images: bool, media: bool = False, **values: object) -> bytes:
    """A page. root: the way to the top of the site; images, media: see `policy`.

    top: the path of the site, for what the daemon alone answers: simple readers resolve no relative address of an icon.
    """
    page = template(name).render(
        site_title=one_line(site.title) or "News",
        top=urlsplit(site.url).path.rstrip("/"),
        language=language,
        root=root,
        policy=policy(images=images, media=media),
        longest_query=LONGEST_QUERY,
        index=site.index and name in _LISTED,
        style=_source("style.css"),
        script=_source("copy.js"),
        **values,
    )
    return page.encode()


def headline(view: View, root: str = TOP) -> bytes:
    """The HTML of one story on the front page, or below the entries of a feed's page. root: see `entry`."""
    macro = template("macros.html").module.headline  # type: ignore[attr-defined]
    return str(macro(view, _page_of(view, root))).encode()


def entry(view: View, site: Site, root: str = BELOW) -> bytes:
    """The HTML of one story on a feed's page, or on another page. root: the way from it to the top of the site."""
    macro = template("macros.html").module.entry  # type: ignore[attr-defined]
    return str(macro(view, _page_of(view, root), byline(view, site))).encode()


def _page_of(view: View, root: str) -> str:
    """The address of a story's page. Digests and notices have no page; they get their link."""
    return root + addresses.story_path(view.id) if view.has_page else view.link


def topic(
    site: Site, feed: Head, entries: Sequence[bytes], further: Sequence[bytes], *, images: bool, notice: str | None = None
) -> bytes:
    """The page of a feed with its newest `PAGE_ENTRIES` stories (made by `entry`).

    further: the others of the feed (made by `headline`), so that none is missing between the page and the archive;
    images: see `policy`; notice: why stories may be missing ("3 of 20 sources read").
    """
    shown = Markup(b"".join(entries).decode())
    values = {"feed": feed, "entries": shown, "further": Markup(b"".join(further).decode()), "notice": notice}
    return render("topic.html", site, BELOW, feed.language, images=images, media=plays(shown), **values)


def plays(markup: str) -> bool:
    """Whether cleaned HTML has sound or film."""
    return _PLAYS.search(markup) is not None


def subscribe(site: Site, feed: Head) -> bytes:
    """The page that says how to subscribe to a feed."""
    return render("subscribe.html", site, BELOW, OWN_LANGUAGE, images=False, feed=feed)


def told(stories: Iterable[ThreadStory], site: Site) -> list[Told]:
    """Stories of a thread for its page, or for the page of one of them."""
    return [
        Told(
            headline_of(one),
            addresses.story_path(one.story),
            characters.language(one.language),
            moment(one.lead_published, site),
            len(one.outlets),
        )
        for one in stories
    ]


def thread(site: Site, feed: Head, shown: OpenThread) -> bytes:
    """The page of a thread: all its stories, the newest first. feed: of its feed."""
    began, stories = moment(shown.stories[0].published, site), told(reversed(shown.as_told), site)
    return render("thread.html", site, BELOW, site.language, images=False, feed=feed, thread=shown, began=began, stories=stories)


def moved(site: Site, to: str) -> bytes:
    """A page that leads to another one. to: a relative path."""
    return render("moved.html", site, BELOW, site.language, images=False, to=to)
