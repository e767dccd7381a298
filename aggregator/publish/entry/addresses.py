"""The public addresses of everything published. They are built from `site.url`, never from a request."""

from __future__ import annotations

from aggregator.model import Slug, StoryId, ThreadId
from aggregator.settings import Output, Site

FORMATS = ("atom", "rss", "json")
TYPES = {
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "json": "application/feed+json",
}
"""RFC 4287 7, the RSS Advisory Board's profile, JSON Feed 1.1. JSON takes no charset parameter (RFC 8259 11)."""
LINK_TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}


def feed_path(slug: Slug, format: str) -> str:
    return f"/feeds/{slug}.{format}"


def slug_of(path: str) -> Slug:
    """The feed of a `feed_path`."""
    return Slug(path.removeprefix("/feeds/").rpartition(".")[0])


def page_path(slug: Slug, page: int, format: str) -> str:
    """The path of a closed archive page."""
    return f"/feeds/{slug}/{page}.{format}"


def subscribe_path(slug: Slug) -> str:
    """The path of the page that says how to subscribe to a feed."""
    return f"/feeds/{slug}.html"


def topic_path(slug: Slug) -> str:
    """The path of a feed's HTML twin. With its suffix, since hosts of files don't guess it."""
    return f"/topics/{slug}.html"


def older_path(slug: Slug, page: int) -> str:
    """The path of the web page of a closed archive page."""
    return f"/topics/{slug}/{page}.html"


def story_path(story: StoryId) -> str:
    return f"/stories/{story}.html"


def thread_path(thread: ThreadId, format: str = "html") -> str:
    """The path of a thread's page, or of its feed in a format."""
    return f"/threads/{thread}.{format}"


def home_path(output: Output) -> str:
    """The path of a feed's web page. A private feed has none, so it gets the front page, which does not mention it."""
    return "/" if output.token is not None else topic_path(output.slug)


def hub(site: Site, websub: bool | str) -> str | None:
    """The hub's address, or None. websub: True for our own hub, or the address of another one."""
    if websub is True:
        return site.url + "/hub"
    return websub or None


def entry_id(story: StoryId) -> str:
    """`atom:id`, `guid` and JSON `id` of a story."""
    return f"urn:uuid:{story}"
