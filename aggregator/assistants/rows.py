"""Stories, threads and sources as answers show them: bounded, and with what others wrote marked and cleaned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Generic, TypeVar

from pydantic import BaseModel

from aggregator.assistants import answers
from aggregator.assistants.scope import Everything
from aggregator.assistants.untrusted import clean
from aggregator.errors import TookTooLongError, UsageError
from aggregator.model import Item, Slug, Story
from aggregator.publish.entry import characters, excerpt
from aggregator.publish.pages.status_page import SourceRow
from aggregator.text.times import rfc3339

Given = TypeVar("Given")
Row = TypeVar("Row", bound=BaseModel)

ANSWER = 40_000
"""Characters of an answer, about ten thousand tokens: one call doesn't fill a model's context. One more row may go beyond."""
TITLE = 300
"""Characters of a headline."""
SUMMARY = 300
"""Characters of text in lists."""
LEAD_TEXT = 8_000
"""Characters of the leading report's text."""
TEXT = 1_500
"""Characters of other reports' texts."""
NAME = 80
"""Characters of an outlet's name or a tag."""
ADDRESS = 1_000
"""Characters of an address; a longer one is left out, since a part of one leads nowhere."""
NAMES = 12
"""Outlets of a story in lists."""
TAGS = 20


class Page(Generic[Row]):
    """Rows of an answer. next_cursor: the key of the last one, if more follow; note: why they may not be all."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.next_cursor: str | None = None
        self.note = ""


def page(
    found: Iterator[Given], row_of: Callable[[Given], Row], key: Callable[[Given], str], limit: int, cursor: str | None
) -> Page[Row]:
    """The rows that follow the one with the key `cursor`: at most `limit`, and about ANSWER characters. Raises UsageError."""
    result: Page[Row] = Page()
    try:
        if cursor and not any(key(one) == cursor for one in found):
            raise UsageError("nothing with this cursor is in the list any more: ask again without one")
        length, last = 0, ""
        for one in found:
            if len(result.rows) == limit or length >= ANSWER:
                result.next_cursor = last
                break
            row, last = row_of(one), key(one)
            result.rows.append(row)
            length += len(row.model_dump_json())
    except TookTooLongError:
        result.note = "The search was stopped, since its time was over: more may match. Narrow it, by `since` for example."
    return result


def story_row(story: Story, feeds: Collection[Slug], scope: Everything) -> answers.StoryRow:
    """A story in a list. feeds: those that it is in."""
    outlets, lead = story.outlets, story.lead_item
    text = scope.text(lead, story, feeds)
    return answers.StoryRow(
        id=story.id,
        published=rfc3339(story.published) or "",
        updated=rfc3339(story.updated) or "",
        outlet_count=len(outlets),
        report_count=len(story.items),
        feeds=sorted(scope.feeds.intersection(feeds)),
        thread=story.thread.id if story.thread is not None else None,
        untrusted=answers.StoryText(
            title=clean(story.title, TITLE),
            summary=excerpt.excerpt(clean(text, 4 * SUMMARY), SUMMARY),
            url=address(lead),
            outlets=[clean(name, NAME) for name in outlets[:NAMES]],
            tags=[clean(tag, NAME) for tag in sorted({tag.value for tag in story.tags})[:TAGS]],
        ),
    )


def report(item: Item, story: Story, feeds: Collection[Slug], scope: Everything) -> answers.Report:
    """A report of a story. feeds: those that the story is in."""
    leads = item.id == story.lead
    return answers.Report(
        published=rfc3339(item.published) or "",
        language=item.language,
        leads=leads,
        source=scope.source(item),
        untrusted=answers.ReportText(
            outlet=clean(item.outlet, NAME),
            title=clean(item.title, TITLE),
            url=address(item),
            author=clean(", ".join(item.entry.authors), TITLE),
            text=clean(scope.text(item, story, feeds), LEAD_TEXT if leads else TEXT),
        ),
    )


def source_row(row: SourceRow) -> answers.SourceRow:
    return answers.SourceRow(
        id=row.id,
        state=row.state,
        entries=row.entries,
        last=row.last,
        next=row.next,
        untrusted=answers.SourceText(title=clean(row.details["title"] or "", NAME), why=clean(row.why, TITLE)),
    )


def address(item: Item) -> str | None:
    """The address of an article, if it is one that may be published."""
    url = characters.address(item.entry.url)
    return clean(url, ADDRESS) if url and len(url) <= ADDRESS else None
