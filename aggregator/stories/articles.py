"""Which entries' articles are wanted, and what becomes of an article that came.

An article is no edit by the publisher: identity, grouping, leads and `updated` stay as they are. Tags, topics and feeds follow
its words.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Instant, ItemId, Slug, SourceId
from aggregator.ports import Transaction, Values, ValueWrites, WantedArticle
from aggregator.settings import DAY
from aggregator.stories.curate import Curator
from aggregator.stories.identity.identify import Decision, New
from aggregator.text.html import text_of

SHORT = 1_000
"""Characters of text below which an entry is taken for a summary: up to this length `content: summary` shows it whole. Of 7,666
entries of 322 real feeds 86 in 100 are shorter, and 4 more are below 1,500."""
PER_DAY = 200
"""Articles that are asked for a day (UTC) and source: one each seven minutes. Chosen, not measured; a source's `budget` of 3,000
entries would be a crawl of its site."""
KEY = "articles."
"""Prefix of the stored values, by source."""
OLD = "it is older than `publish.backfill`, so it enters no feed that is read"
BEYOND = f"the source has had its {PER_DAY} articles of the day"


class Spent(Struct, frozen=True):
    """Articles of a source that were wanted on one day. day: since the epoch."""

    day: int = 0
    count: int = 0


class Wanted(Struct, frozen=True):
    """The articles that new entries of a document want, and what the source has spent then; None if nothing is to be stored."""

    articles: tuple[WantedArticle, ...] = ()
    spent: Spent | None = None


def choose_articles(decisions: Sequence[Decision], spent: Spent, now: Instant) -> Wanted:
    """Chooses new entries with a link and a short text, the newest first, within the budget of the day."""
    day = int(now // DAY)
    count = spent.count if spent.day == day else 0
    short = [one.item for one in decisions if isinstance(one, New) and one.item.entry.url and len(one.item.entry.text) < SHORT]
    wanted = []
    for item in sorted(short, key=lambda item: -item.published):
        refused = OLD if item.old or item.excess else BEYOND if count >= PER_DAY else None
        count += refused is None
        wanted.append(WantedArticle(item.guid, refused))
    return Wanted(tuple(wanted), Spent(day, count) if wanted else None)


def known_spent(store: Values, source: SourceId) -> Spent:
    """What a source spent on the last day that it spent anything."""
    value = store.value(KEY + source)
    return Spent(*json.loads(value)) if value else Spent()


def save_wanted(transaction: Transaction, source: SourceId, wanted: Wanted, now: Instant) -> None:
    """Stores what is wanted, in the transaction that stores the entries."""
    transaction.want_articles(source, wanted.articles, now)
    if wanted.spent is not None:
        save_spent(transaction, source, wanted.spent)


def save_spent(transaction: ValueWrites, source: SourceId, spent: Spent) -> None:
    transaction.set_value(KEY + source, json.dumps(msgspec.structs.astuple(spent)))


def store_article(transaction: Transaction, id: ItemId, article: str, curator: Curator) -> tuple[str, set[Slug]]:
    """Stores an article if it has more text than the entry, and refreshes its story.

    Returns why it was not stored, or "", and the feeds whose documents differ now.
    """
    found = transaction.item(id)
    if found is None:
        return "the entry is no longer stored", set()
    item, _ = found
    if len(text_of(article)) <= len(item.entry.text):
        outcome = "its page has no more text than the feed"
        transaction.end_article(id, outcome)
        return outcome, set()
    story = transaction.save_article(replace(item, article=article))
    transaction.end_article(id, "")
    return "", curator.refresh(transaction, [story])
