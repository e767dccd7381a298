"""`aggregator sources`: lists sources; with --overlap, how much of each one others carry, too."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from msgspec import Struct, field

from aggregator.commands.columns import aligned

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Item, Story


class Overlap(Struct):
    """Counts of a source's stories. shared: those that other outlets carry, too; first: shared ones that it had first.

    beside: number of shared stories for each other outlet.
    """

    stories: int = 0
    shared: int = 0
    first: int = 0
    beside: Counter[str] = field(default_factory=Counter)

    @property
    def unique(self) -> int:
        return self.stories - self.shared

    @property
    def mostly(self) -> tuple[str, int] | None:
        """The outlet that shares most of its stories, and how many."""
        return min(self.beside.items(), key=lambda one: (-one[1], one[0]), default=None)

    def as_mapping(self) -> dict[str, object]:
        """Returns the counts as `sources --overlap --json` prints them."""
        name, count = self.mostly or (None, 0)
        rows = {"stories": self.stories, "shared": self.shared, "first": self.first, "unique": self.unique}
        return rows | {"mostly": {"outlet": name, "stories": count} if name else None}


@click.command()
@click.option("--overlap", is_flag=True, help="How much of each source others carry, who is first, how much is its own alone.")
@click.option("--since", default="30d", show_default=True, help="Look at stories with an entry first seen in this time.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each source.")
@click.pass_obj
def command(application: Application, overlap: bool, since: str, as_json: bool) -> None:
    """The sources of the config; with --overlap, what each adds to the others."""
    from aggregator.commands.stories import duration
    from aggregator.ports import StoryFilter

    if not overlap:
        for source in application.settings.sources:
            row = {"id": source.id, "url": source.shown, "title": source.title, "group": source.group}
            click.echo(json.dumps(row, ensure_ascii=False) if as_json else f"{source.id}  {source.shown}")
        return
    counted = count_overlaps(application.store.find(StoryFilter(since=time.time() - duration(since))))
    rows = [(str(source.id), counted.get(source.id, Overlap())) for source in application.settings.sources]
    if as_json:
        for name, one in rows:
            click.echo(json.dumps({"id": name, **one.as_mapping()}, ensure_ascii=False))
        return
    _print_table(_cells(rows))


def count_overlaps(stories: Iterable[Story]) -> dict[str, Overlap]:
    """Counts the overlap of each source. Only other outlets count, not other feeds of the same outlet."""
    found: dict[str, Overlap] = defaultdict(Overlap)
    for story in stories:
        outlets = story.outlets
        earliest = min(story.items, key=lambda item: (item.published, item.id))
        for source in dict.fromkeys(item.source for item in story.items):
            one = found[source]
            one.stories += 1
            if len(outlets) > 1:
                own = {
                    name.casefold()
                    for item in story.items
                    if item.source == source
                    for name in (item.outlet, _outlet_name(story, item))
                }
                one.shared += 1
                one.first += source == earliest.source
                one.beside.update(name for name in outlets if name.casefold() not in own)
    return found


def _outlet_name(story: Story, item: Item) -> str:
    """Returns the name that an item's outlet has in the story: that of the outlet's first item."""
    return next(other.outlet for other in story.items if other.outlet_key == item.outlet_key)


COLUMNS = ("source", "stories", "also elsewhere", "first of these", "its own alone", "mostly in")
NUMBERS = (1, 2, 3, 4)
"""Columns of numbers."""


def _cells(rows: list[tuple[str, Overlap]]) -> list[tuple[str, ...]]:
    """Returns the values of COLUMNS for each source, those first that others carry most."""
    ordered = sorted(rows, key=lambda row: row[1].unique / max(1, row[1].stories))
    return [
        (
            name,
            str(one.stories),
            str(one.shared),
            str(one.first),
            str(one.unique) + (f" {one.unique / one.stories:.0%}" if one.stories else ""),
            "{} ({})".format(*one.mostly) if one.mostly else "",
        )
        for name, one in ordered
    ]


def _print_table(rows: list[tuple[str, ...]]) -> None:
    """Prints a table that folds on a terminal; for a file or another program, one unbroken line per source."""
    if not sys.stdout.isatty():
        click.echo("\n".join(aligned([COLUMNS, *rows], NUMBERS)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(COLUMNS):
        table.add_column(column, overflow="fold", justify="right" if number in NUMBERS else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
