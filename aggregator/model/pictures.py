"""The picture that a story is shown with (decision 056)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from aggregator.model.feeds import Entry, Picture
from aggregator.model.stories import Item, Story
from aggregator.text import pictures

LITTLE = 150
"""Pixels of width. A named picture of less is a thumbnail (Blogger's has 72): an image of the text is nearly always larger."""


class Found(Struct, frozen=True):
    """A picture and the item that it comes from."""

    picture: Picture
    item: Item


def pictures_of(story: Story) -> Iterator[Found]:
    """The pictures that the story can be shown with, best first: its lead's, else those of its other reports.

    The lead's own outlet comes first among these, then outlets that write of themselves, the earliest first. A private report
    lends nothing to a public one.
    """
    lead = story.lead_item
    others = [item for item in story.reports if item.id != lead.id and item.private == lead.private]
    for item in (lead, *sorted(others, key=lambda one: (one.outlet_key != lead.outlet_key, one.second_hand or one.aggregator))):
        picture = picture_of(item.entry)
        if picture is not None:
            yield Found(picture, item)


def picture_of(entry: Entry) -> Picture | None:
    """The picture that the feed names, unless it is little, else the first in the text.

    Entries of older releases may have one as an enclosure.
    """
    attached = (Picture(one.url) for one in entry.enclosures if pictures.is_image(one.type, one.url))
    candidates = (one for one in (entry.image, *attached) if one is not None)
    named = next((one for one in candidates if not pictures.is_decoration(one.url)), None)
    if named is not None and not _is_little(named):
        return named
    shown = (Picture(*image) for image in pictures.images_in(entry.content or entry.summary))
    return next((one for one in shown if named is None or not _is_little(one)), named)


def _is_little(picture: Picture) -> bool:
    return (picture.width or pictures.width_in_name(picture.url) or LITTLE) < LITTLE
