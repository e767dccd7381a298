"""The contract of articles: one attempt for each entry, and what an article is kept with."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.model import Item, SourceId
from aggregator.ports import Attempt, Phrase, Store, StoryFilter, WantedArticle
from tests.unit.store.builders import NEW, entry, item, source

ALPHA = SourceId("alpha")
ARTICLE = "<p>The lighthouse keeper was not at home.</p>"


def stored(store: Store, *guids: str) -> list[Item]:
    """Stores entries whose articles are wanted, in one transaction."""
    store.sync_sources([source("alpha")], 1.0)
    with store.begin() as transaction:
        made = [transaction.add_item(item(guid), None, NEW)[0] for guid in guids]
        transaction.want_articles(ALPHA, [WantedArticle(guid) for guid in guids], 5.0)
    return made


def test_an_article_is_due_until_it_is_asked_for(store: Store) -> None:
    one, two = stored(store, "a", "b")
    [first, second] = store.due_articles(5.0, 10)
    assert (first.item, first.source, first.url, first.since) == (one.id, ALPHA, one.entry.url, one.first_seen)
    assert store.counts()["articles_waiting"] == 2
    assert store.due_articles(4.0, 10) == [] and store.due_articles(5.0, 1) == [first]
    with store.begin() as transaction:
        transaction.begin_article(one.id, 6.0)
    assert store.due_articles(9.0, 10) == [second]
    assert store.counts()["articles_waiting"] == 1
    assert store.attempts([one.id, two.id]) == {one.id: Attempt(None, 6.0, None), two.id: Attempt(5.0, None, None)}
    with store.begin() as transaction:
        transaction.end_article(one.id, "404 not found")
        transaction.end_article(two.id, "robots.txt forbids it")
    assert store.due_articles(9.0, 10) == []
    assert store.attempts([one.id, two.id]) == {
        one.id: Attempt(None, 6.0, "404 not found"),
        two.id: Attempt(None, None, "robots.txt forbids it"),
    }


def test_a_postponed_article_is_due_later_the_longest_due_first(store: Store) -> None:
    one, two = stored(store, "a", "b")
    with store.begin() as transaction:
        transaction.postpone_article(one.id, 70.0, "on hold")
    assert [due.item for due in store.due_articles(69.0, 10)] == [two.id]
    assert [due.item for due in store.due_articles(70.0, 10)] == [two.id, one.id]
    assert store.attempts([one.id]) == {one.id: Attempt(70.0, None, "on hold")}


def test_what_was_wanted_before_is_not_wanted_again(store: Store) -> None:
    [one] = stored(store, "a")
    with store.begin() as transaction:
        transaction.begin_article(one.id, 6.0)
    with store.begin() as transaction:
        transaction.want_articles(ALPHA, [WantedArticle("a"), WantedArticle("unknown")], 7.0)
    assert store.due_articles(9.0, 10) == []


def test_what_is_refused_is_never_due(store: Store) -> None:
    with store.begin() as transaction:
        one, _ = transaction.add_item(item("a"), None, NEW)
        transaction.want_articles(ALPHA, [WantedArticle("a", "too old")], 5.0)
    assert store.due_articles(9e9, 10) == [] and store.attempts([one.id]) == {one.id: Attempt(None, None, "too old")}


def test_an_article_is_kept_and_found_through_edits_of_its_entry(store: Store) -> None:
    [one] = stored(store, "a")
    with store.begin() as transaction:
        found = transaction.item(one.id)
        assert found is not None and found[0] == one
        story = transaction.save_article(replace(one, article=ARTICLE))
    before = store.versions([story])[story]
    with store.begin() as transaction:
        transaction.update_item(replace(one, entry=entry("a", title="Another title")))
    read = store.story(story)
    assert read is not None
    assert (read.lead_item.article, read.lead_item.entry.title) == (ARTICLE, "Another title")
    assert store.versions([story])[story] > before
    assert [one.id for one in store.find(StoryFilter(Phrase(("lighthouse", "keeper"))))] == [story]
