"""The picture that a story is shown with (decision 056)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from aggregator.model.feeds import Entry, Picture
from aggregator.model.stories import Item, Story
from aggregator.text import pictures


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
    """The picture that the feed names, else the first in the text. Entries of older releases may have one as an enclosure."""
    attached = (Picture(one.url) for one in entry.enclosures if pictures.is_image(one.type, one.url))
    named = (one for one in (entry.image, *attached) if one is not None and not pictures.is_decoration(one.url))
    shown = (Picture(*image) for image in pictures.images_in(entry.content or entry.summary))
    return next(named, None) or next(shown, None)
