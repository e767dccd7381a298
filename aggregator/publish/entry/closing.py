"""What stands below an entry's text: who else reports it, where it is discussed, and the way to the story's page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from msgspec import Struct

from aggregator.model import StoryId, ThreadId
from aggregator.publish.entry.wording import Wording
from aggregator.text.words import tokens


class Also(Struct, frozen=True):
    """A report of the story. outlet, title: as shown; a title is empty if the outlet gave none."""

    outlet: str
    url: str
    title: str


class Discussion(Struct, frozen=True):
    """A place where the story is discussed, such as Hacker News."""

    name: str
    url: str


class Before(Struct, frozen=True):
    """An earlier story of the thread. url: its page's, or in private feeds its article's."""

    id: StoryId
    title: str
    url: str


class Follows(Struct, frozen=True):
    """The thread that a story follows, as it stood when the story was published. page: its address, or None in private feeds."""

    id: ThreadId
    title: str
    page: str | None
    stories: int
    outlets: int
    first: StoryId
    earlier: tuple[Before, ...]


def reports(lead: Also, also: Sequence[Also], words: Wording, *, bare: bool) -> str:
    """Names the other outlets: those of the lead's headline, then a line for each other headline with its outlets.

    bare: nothing stands above, so the lead's outlet is named, too.
    """
    if not also and not bare:
        return ""
    said = tokens(lead.title)
    same = [one for one in also if not (own := tokens(one.title)) or own == said]
    others: dict[tuple[str, ...], list[Also]] = {}
    for one in also:
        if one not in same:
            others.setdefault(tuple(tokens(one.title)), []).append(one)
    begins = words.reported_by if bare else words.also_reported_by
    named = _links((one.outlet, one.url) for one in ([lead, *same] if bare else same))
    first = f"{begins} {named}" if named else f"{begins.rstrip(':')}:"
    return f"<p>{first}</p>" + (f"<ul>{''.join(map(_headline, others.values()))}</ul>" if others else "")


def _headline(those: list[Also]) -> str:
    """The outlets with one headline, which the first one's link tells."""
    first, *more = those
    return f"<li>{_links([(f'{first.outlet}: {first.title}', first.url), *((one.outlet, one.url) for one in more)])}</li>"


def discussions(places: Sequence[Discussion], words: Wording) -> str:
    return f"<p>{words.discussion} {_links((one.name, one.url) for one in places)}</p>" if places else ""


def earlier(stories: Sequence[Before], words: Wording) -> str:
    """The headlines of earlier stories of the thread, one a line: several in one would be hard to tell apart."""
    if not stories:
        return ""
    return f"<p>{words.earlier}</p><ul>{''.join(f'<li>{_links([(one.title, one.url)])}</li>' for one in stories)}</ul>"


def page(url: str, words: Wording) -> str:
    return f"<p>{_links([(words.story_page, url)])}</p>"


def _links(named: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f'<a href="{html.escape(url)}">{html.escape(name)}</a>' for name, url in named)
