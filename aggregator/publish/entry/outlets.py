"""Which outlets tell a story: their names, who was first, and who tells it beside the lead's."""

from __future__ import annotations

from msgspec import Struct

from aggregator.model import Item, OutletsSeen, Story
from aggregator.publish.entry import characters
from aggregator.publish.entry.closing import Also


class FirstReport(Struct, frozen=True):
    """The outlet that reported a story before the lead's did. at: in whole seconds."""

    outlet: str
    at: int


def name_of(item: Item) -> str:
    """The name of an item's outlet as shown."""
    return characters.plain(item.outlet) or item.outlet_key or str(item.source)


def first_report(story: Story, lead: Item) -> FirstReport | None:
    """Who reported the story before the lead's outlet did, by a minute at least: times are shown in minutes."""
    attributed = (item for item in story.reports if not item.unattributed)
    first = min(attributed, key=lambda item: (item.published, item.id), default=lead)
    if first.outlet_key == lead.outlet_key or first.published // 60 >= lead.published // 60:
        return None
    return FirstReport(name_of(first), int(first.published))


def others(story: Story, lead: Item) -> tuple[Also, ...]:
    """The first report with an address of every other outlet. Outlets of one name count as one, unattributed reports as none."""
    found: list[Also] = []
    seen = OutletsSeen()
    seen.add(lead, name_of(lead))
    for item in story.reports:
        url, name = characters.address(item.entry.url), name_of(item)
        if url is not None and seen.add(item, name):
            found.append(Also(name, url, characters.plain(item.title)))
    return tuple(found)
