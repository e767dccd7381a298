"""The paths of a site, in one list: the files of its folders, and what the daemon answers beside them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from aggregator.publish.entry.addresses import FORMATS

SITE_FILES = ("index.html", "opml.xml", "health.atom")
"""Files of the site as a whole. They lie in the public folder alone."""
FEED_FOLDERS = ("feeds", "topics")
"""Folders with files of each feed, and with a folder of each feed for its archive."""
STORY_FOLDER = "stories"
FOLDERS = (*FEED_FOLDERS, STORY_FOLDER)
"""Folders with files."""
ICONS = {"favicon.svg": "image/svg+xml", "favicon.ico": "image/vnd.microsoft.icon", "apple-touch-icon.png": "image/png"}
"""The site's icon, and its type in each format."""
ANSWERS = ("hub", "healthz", "search", "status", *ICONS, "site.webmanifest", "sitemap.xml")
"""Answered by the daemon alone. `/metrics` and `/readyz` are not among them: whoever runs the site asks the daemon itself, while
a proxy that passes on a whole path would show them to everybody."""
ANSWERED_BELOW = ("threads", "push", "outlets", "tags")
"""Below these the daemon answers alone."""
_ARCHIVED_FEED = re.compile(rf"[1-9][0-9]*\.(?:{'|'.join(FORMATS)})")
_ARCHIVED_PAGE = re.compile(r"[1-9][0-9]*\.html")
_STORY_FILE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.html")
_ANSWERED = re.compile(
    f"/(?:{'|'.join(map(re.escape, (*SITE_FILES, *ANSWERS)))})?"  # "/" is the front page
    f"|/(?:{'|'.join((*FOLDERS, *ANSWERED_BELOW))})/.+"
)


def is_published_file(path: str, feeds: Collection[str]) -> bool:
    """Whether a path below a folder is one that we write. feeds: the slugs whose files in it are ours."""
    match path.split("/"):
        case [name]:
            return name in SITE_FILES
        case ["feeds", name]:
            slug, _, format = name.rpartition(".")
            return slug in feeds and format in (*FORMATS, "html")
        case ["feeds", slug, name]:
            return slug in feeds and _ARCHIVED_FEED.fullmatch(name) is not None
        case ["topics", name]:
            return name.endswith(".html") and name.removesuffix(".html") in feeds
        case ["topics", slug, name]:
            return slug in feeds and (name == "index.html" or _ARCHIVED_PAGE.fullmatch(name) is not None)
        case [folder, name]:
            return folder == STORY_FOLDER and _STORY_FILE.fullmatch(name) is not None
    return False


def folders_of(feeds: Collection[str]) -> Iterator[str]:
    """All folders below the root, those of these feeds alone."""
    yield from FOLDERS
    yield from (f"{folder}/{slug}" for folder in FEED_FOLDERS for slug in feeds)


def first_files_of(slug: str) -> Iterator[str]:
    """What a feed that has no archive yet may have. A private feed has the documents alone, no pages."""
    yield from (f"feeds/{slug}.{format}" for format in FORMATS)
    yield from (f"feeds/{slug}.html", f"topics/{slug}.html", f"topics/{slug}/index.html")


def is_answered(path: str) -> bool:
    """Whether the site has answers at a path, which begins with a slash."""
    return _ANSWERED.fullmatch(path) is not None
