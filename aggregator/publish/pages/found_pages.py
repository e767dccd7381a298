"""Web pages of what was looked for: a search, an outlet, a tag. The daemon makes them on demand; no static copy has them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from aggregator.errors import QueryError
from aggregator.model import Instant, Slug, Story, StoryId
from aggregator.publish.entry import characters
from aggregator.publish.pages import pages
from aggregator.publish.pages.public_stories import PublicStories
from aggregator.settings import Site

_PLACE = re.compile(r"([0-9]{1,12}\.[0-9]{1,9})~([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
TOO_LATE = "This took too long and was stopped: only the newest stories were looked through."
BUSY = "Too many searches are under way. Try again in a few seconds."


class Place(Struct, frozen=True):
    """A story's place among all, which stand newest first and by id among those of one time. As text it is part of an address."""

    published: Instant
    story: StoryId

    @classmethod
    def read(cls, text: str) -> Place | None:
        found = _PLACE.fullmatch(text)
        return cls(float(found[1]), StoryId(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.published!r}~{self.story}"

    def is_before(self, other: Story) -> bool:
        return (-self.published, self.story) < (-other.published, other.id)


class Found(Struct, frozen=True):
    """What a search found, the newest first. more: there are others; late: its time was over before it had looked at all.

    after: the story after which it began, on a further page; None on the first.
    """

    stories: Sequence[Story] = ()
    more: bool = False
    late: bool = False
    after: Place | None = None

    @property
    def older(self) -> Place | None:
        """Where the next page begins; None if this is the last one."""
        return Place(self.stories[-1].published, self.stories[-1].id) if self.more else None


class Examples(Struct, frozen=True):
    """Queries that find something here. outlet, tag: as a query writes them, None if there is none; day: of the newest story."""

    outlet: str | None = None
    tag: str | None = None
    day: str | None = None


NO_EXAMPLES = Examples()


def examples(stories: Sequence[Story], tags: Collection[str], site: Site) -> Examples:
    """Examples from these stories. tags: those that may be asked for."""
    named = (tag.value for story in stories for tag in story.tags if tag.value in tags)
    outlets = (story.lead_item.outlet for story in stories)
    return Examples(
        next(filter(None, map(_in_query, outlets)), None),
        next(filter(None, map(_in_query, named)), None),
        pages.day(stories[0].published, site) if stories else None,
    )


def _in_query(name: str) -> str | None:
    """A name as a query writes it; None if it can't be written, or is shown otherwise than it is stored."""
    if '"' in name or name != characters.plain(name):
        return None
    return name if name.isalnum() else f'"{name}"'


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
    site: Site,
    query: str,
    found: Found | None,
    shown: str = "",
    *,
    images: bool,
    problem: Mistake | None = None,
    said: str = "",
    examples: Examples = NO_EXAMPLES,
) -> bytes:
    """The page of a search. found: None before one; shown: made by `entries`; problem: in the query; said: instead of it."""
    values: dict[str, Any] = {
        "query": query,
        "problem": problem,
        "said": said or (told(found, shown.count("<article")) if found is not None else ""),
        "entries": Markup(shown),
        "older": found.older if found is not None else None,
        "examples": examples,
    }
    return pages.render("search.html", site, pages.TOP, site.language, images=images, media=pages.plays(shown), **values)


def listing(site: Site, root: str, heading: str, found: Found, shown: str, *, images: bool) -> bytes:
    """The page of an outlet or a tag. root: the way to the top of the site, from anywhere."""
    values: dict[str, Any] = {
        "heading": heading,
        "said": told(found, shown.count("<article")) if found.more or found.late or found.after or not shown else "",
        "entries": Markup(shown),
        "back": f"?older={found.older}" if found.older is not None else None,
        "on": None,
    }
    return pages.render("listing.html", site, root, site.language, images=images, media=pages.plays(shown), **values)


def not_found(site: Site, root: str) -> bytes:
    """The page of an address at which nothing is. It repeats nothing of the request."""
    return pages.render("not_found.html", site, root, pages.OWN_LANGUAGE, images=False)


def ended(site: Site, root: str) -> bytes:
    """The page of a feed that is not published any more, at its former addresses."""
    return pages.render("ended.html", site, root, pages.OWN_LANGUAGE, images=False)


def told(found: Found, count: int) -> str:
    """What stands above the result. count: of the stories shown."""
    older = "older " if found.after is not None else ""
    stories = f"1 {older}story" if count == 1 else f"{count} {older}stories" if count else f"No {older}story"
    if found.late:
        return f"{stories} found. {TOO_LATE}"
    if found.after is not None:
        return f"{stories}; there are more." if found.more else f"{stories}."
    return f"The newest {count}; there are more." if found.more else f"{stories} found."
