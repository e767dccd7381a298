"""Web pages of what was looked for: a search, an outlet, a tag. The daemon makes them on demand; no static copy has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from aggregator.errors import QueryError
from aggregator.model import Slug, Story, StoryId
from aggregator.publish.pages import pages
from aggregator.publish.pages.public_stories import PublicStories
from aggregator.settings import Site

TOO_LATE = "This took too long and was stopped: only the newest stories were looked through."
BUSY = "Too many searches are under way. Try again in a few seconds."


class Found(Struct, frozen=True):
    """What a search found, the newest first. more: there are others; late: its time was over before it had looked at all."""

    stories: Sequence[Story] = ()
    more: bool = False
    late: bool = False


class Mistake(Struct, frozen=True):
    """What is wrong with a query, and its text around the place."""

    message: str
    before: str
    at: str
    after: str


def mistake(text: str, error: QueryError) -> Mistake:
    """The first line of the error, and the place that it names."""
    at = min(max(error.offset, 0), len(text))
    return Mistake(error.message.partition("\n")[0], text[:at], text[at : at + 1] or " ", text[at + 1 :])


def entries(found: Found, feeds: Mapping[StoryId, frozenset[Slug]], public: PublicStories, site: Site, root: str) -> str:
    """The HTML of those stories that are in public feeds. feeds: of each story, as stored."""
    shown = [(story, slugs) for story in found.stories if (slugs := public.slugs(feeds.get(story.id, ()))) and not story.private]
    return "".join(pages.entry(public.view(story, slugs), site, root).decode() for story, slugs in shown)


def search(
    site: Site, query: str, found: Found | None, shown: str = "", *, images: bool, problem: Mistake | None = None, said: str = ""
) -> bytes:
    """The page of a search. found: None before one; shown: made by `entries`; problem: in the query; said: instead of it."""
    values: dict[str, Any] = {
        "query": query,
        "problem": problem,
        "said": said or (told(found, shown.count("<article")) if found is not None else ""),
        "entries": Markup(shown),
    }
    return pages.render("search.html", site, pages.TOP, site.language, images=images, media=pages.plays(shown), **values)


def listing(site: Site, root: str, heading: str, found: Found, shown: str, *, images: bool) -> bytes:
    """The page of an outlet or a tag. root: the way to the top of the site, from anywhere."""
    values: dict[str, Any] = {
        "heading": heading,
        "said": told(found, shown.count("<article")) if found.more or found.late or not shown else "",
        "entries": Markup(shown),
        "back": None,
        "on": None,
    }
    return pages.render("listing.html", site, root, site.language, images=images, media=pages.plays(shown), **values)


def not_found(site: Site, root: str) -> bytes:
    """The page of an address at which nothing is. It repeats nothing of the request."""
    return pages.render("not_found.html", site, root, site.language, images=False)


def ended(site: Site, root: str) -> bytes:
    """The page of a feed that is not published any more, at its former addresses."""
    return pages.render("ended.html", site, root, site.language, images=False)


def told(found: Found, count: int) -> str:
    """What stands above the result. count: of the stories shown."""
    stories = "1 story" if count == 1 else f"{count} stories" if count else "No story"
    if found.late:
        return f"{stories} found. {TOO_LATE}"
    return f"The newest {count}; there are more." if found.more else f"{stories} found."
