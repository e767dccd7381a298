"""The contract of searched words, and how they reach the disk."""

from __future__ import annotations

import sqlite3

from msgspec.structs import replace

from aggregator.model import Slug, StoryId
from aggregator.ports import COLUMNS, AnyOf, EveryOf, Phrase, Store, StoryFilter, WordQuery
from aggregator.ports.search import Column
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import NEW, entry, item


def found(store: Store, words: str | WordQuery, *columns: Column) -> list[StoryId]:
    """Stories with these words beside each other."""
    query = Phrase(tuple(words.split()), columns or COLUMNS) if isinstance(words, str) else words
    return [story.id for story in store.find(StoryFilter(query))]


def test_words_are_found_as_queries_write_them(store: Store) -> None:
    text = "Ana's U.S. visit cost 1,000 euros_in Kyiv–Łódź; 東京都 waits"
    with store.begin() as transaction:
        _, story = transaction.add_item(item("a", entry=entry("a", text=text, authors=("Zoë O'Neil",))), None, NEW)
    for words in ("us", "1000", "euros", "lodz", "kyiv lodz", "ana us visit", "東京 京都 都"):
        assert found(store, words, "text") == [story], words
    assert found(store, "neil", "author") == [story]
    assert found(store, "neil", "text") == found(store, "s") == found(store, "lodz kyiv") == []


def test_words_are_joined_with_and_or_and_without(store: Store) -> None:
    fog, sea, storm, ferry = (Phrase((word,)) for word in ("fog", "sea", "storm", "ferry"))
    with store.begin() as transaction:
        _, first = transaction.add_item(item("a", entry=entry("a", title="Fog at sea", text="")), None, NEW)
        _, second = transaction.add_item(item("b", entry=entry("b", title="Storm at sea", text="Foghorns")), None, NEW)
        _, third = transaction.add_item(item("c", entry=entry("c", title="Ferry", text="")), None, NEW)

    def among(words: WordQuery) -> set[StoryId]:
        return set(found(store, words))

    assert among(EveryOf((fog, sea))) == {first}
    assert among(EveryOf((Phrase(("fog",), prefix=True), sea))) == {first, second}
    assert among(AnyOf((storm, ferry))) == {second, third}
    assert among(EveryOf((sea,), without=(storm, ferry))) == {first}
    assert among(EveryOf((AnyOf((sea, ferry)), AnyOf((fog, storm))), without=(EveryOf((storm, sea)),))) == {first}
    assert among(EveryOf((sea, AnyOf((EveryOf((fog,)), EveryOf((storm, fog))))))) == {first}


def test_an_item_that_is_added_and_changed_at_once_is_found_by_its_last_words(store: Store) -> None:
    with store.begin() as transaction:
        one, story = transaction.add_item(item("a"), None, NEW)
        transaction.update_item(replace(one, entry=entry("a", title="Calm at sea")))
        transaction.update_item(replace(one, entry=entry("a", title="Fog at sea")))
    assert (found(store, "fog"), found(store, "calm"), found(store, "storm")) == ([story], [], [])
    with store.begin() as transaction:
        transaction.update_item(replace(one, entry=entry("a", title="Sun at sea")))
        transaction.update_item(replace(one, entry=entry("a", title="Hail at sea")))
    assert (found(store, "hail"), found(store, "sun"), found(store, "fog")) == ([story], [], [])


def test_all_words_of_a_transaction_are_written_as_one_piece(database: SqliteStore) -> None:
    with database.begin() as transaction:
        for number in range(3):
            one, story = transaction.add_item(item(f"g{number}"), None, NEW)
            transaction.enter(Slug("all"), [story], 1.0)
            transaction.bump([Slug("all")], 1.0)
            transaction.update_item(replace(one, entry=entry("a", title=f"Fog {number}")))
    with sqlite3.connect(database.path) as connection:
        assert connection.execute("SELECT count(DISTINCT segid) FROM search_idx").fetchone() == (1,)
    connection.close()
