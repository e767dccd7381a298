"""Reads the tags of podcast episodes (`itunes:`, `podcast:`) that are passed on."""

from __future__ import annotations

from aggregator.model import PodcastTag
from aggregator.parse.elements import Fields, attribute, text_in
from aggregator.parse.raw import RawTag
from aggregator.text.clean import Links
from aggregator.text.podcasts import MOST_TAGS, NAMES, REPEATED, attributes_of, checked


def tags_of(fields: Fields) -> tuple[RawTag, ...]:
    """The known tags of an item, as written, in a fixed order of names."""
    if NAMES.keys().isdisjoint(fields):
        return ()
    return tuple(
        RawTag(name, text_in(element), tuple((key, value) for key in attributes_of(name) if (value := attribute(element, key))))
        for field, name in NAMES.items()
        for element in fields.get(field, ())[:MOST_TAGS]
    )


def valid_tags(raw: tuple[RawTag, ...], links: Links) -> tuple[PodcastTag, ...]:
    """The valid ones, each once, and of names that may stand once the first."""
    found: dict[PodcastTag, None] = {}
    seen: set[str] = set()
    for one in raw:
        made = checked(one.name, one.text, dict(one.attributes), links.tidy)
        if made and (one.name in REPEATED or one.name not in seen):
            seen.add(one.name)
            found.setdefault(PodcastTag(*made))
    return tuple(found)[:MOST_TAGS]
