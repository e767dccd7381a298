"""Articles of entries whose source asks for the full text: which are due, and what came of each attempt."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from msgspec import Struct

from aggregator.model import Instant, Item, ItemId, SourceId, StoryId


class WantedArticle(Struct, frozen=True):
    """A new entry whose article is wanted. refused: why it is not asked for all the same, or None."""

    guid: str
    refused: str | None = None


class DueArticle(Struct, frozen=True):
    """An article to be asked for. since: when its entry was first seen."""

    item: ItemId
    source: SourceId
    url: str
    since: Instant


class Attempt(Struct, frozen=True):
    """The one attempt to get an article. due: None once it is over; asked: when its page was asked for, if it was.

    outcome: "" if the article came, else why not, or not yet, in words; None if that isn't known.
    """

    due: Instant | None
    asked: Instant | None
    outcome: str | None


class Articles(Protocol):
    """Reads committed attempts."""

    def due_articles(self, now: Instant, limit: int) -> list[DueArticle]:
        """Articles to be asked for now, the longest due first."""
        ...

    def attempts(self, items: Collection[ItemId]) -> dict[ItemId, Attempt]:
        """Item → its attempt. Without items whose article was never wanted."""
        ...


class ArticleWrites(Protocol):
    """Writes attempts, and the articles that they bring."""

    def want_articles(self, source: SourceId, wanted: Sequence[WantedArticle], now: Instant) -> None:
        """Makes articles of entries that this transaction has stored due, or stores why they are not asked for."""
        ...

    def postpone_article(self, item: ItemId, due: Instant, why: str) -> None:
        """Makes an article due later, as if it had not been asked for."""
        ...

    def begin_article(self, item: ItemId, now: Instant) -> None:
        """Stores that an article is asked for now: it never becomes due again."""
        ...

    def end_article(self, item: ItemId, outcome: str) -> None:
        """Stores why an article did not come, or "" if it did."""
        ...

    def save_article(self, item: Item) -> StoryId:
        """Stores `item.article`, and the words of its text for search. Returns its story."""
        ...

    def item(self, item: ItemId) -> tuple[Item, StoryId] | None:
        """A stored item, and its story."""
        ...
