"""The contract of searched words, and how they reach the disk."""

from __future__ import annotations

import math
import sqlite3

from msgspec.structs import replace

from aggregator.model import Slug, StoryId
from aggregator.ports import COLUMNS, AnyOf, EveryOf, Nearby, Phrase, Store, StoryFilter, WordQuery
from aggregator.ports.search import Column
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import NEW, entry, item


def found(store: Store, words: str | WordQuery, *columns: Column) -> list[StoryId]:
    """Stories with these words beside each other."""
    query = Phrase(tuple(words.split()), columns or COLUMNS) if isinstance(words, str) else words
    return [story.id for story in store.find(StoryFilter(query))]


def knows_places(store: Store) -> bool:
    """Whether the store keeps where words stand. One that doesn't finds more, as `StoryFilter` says, and never less."""
    return isinstance(store, SqliteStore)


def test_words_are_found_as_queries_write_them(store: Store) -> None:
    text = "Ana's U.S. visit cost 1,000 euros_in Kyiv–Łódź; 東京都 waits"
    with store.begin() as transaction:
        _, story = transaction.add_item(item("a", entry=entry("a", text=text, authors=("Zoë O'Neil",))), None, NEW)
    for words in ("us", "1000", "euros", "lodz", "kyiv lodz", "ana us visit", "東京 京都 都"):
        assert found(store, words, "text") == [story], words
    assert found(store, "neil", "author") == [story]
    assert found(store, "s") == found(store, "oneil") == []
    assert found(store, "neil", "text") == found(store, "lodz kyiv") == ([] if knows_places(store) else [story])


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


def test_phrases_near_each_other(store: Store) -> None:
    with store.begin() as transaction:
        _, near = transaction.add_item(item("a", entry=entry("a", title="Central bank leaves key rate", text="")), None, NEW)
        transaction.add_item(item("b", entry=entry("b", title="Central bank", text="A rate")), None, NEW)
        transaction.add_item(item("c", entry=entry("c", title="Rate of a far and foreign central bank", text="")), None, NEW)
    bank, rate = Phrase(("central", "bank")), Phrase(("ra",), prefix=True)
    assert near in found(store, Nearby(bank, rate, 2)) and near in found(store, Nearby(rate, bank, 2))
    if knows_places(store):
        assert found(store, Nearby(bank, rate, 2)) == found(store, Nearby(rate, bank, 2)) == [near]
        assert found(store, Nearby(bank, rate, 1)) == []


def test_a_phrase_excludes_nothing_that_has_its_words_elsewhere(store: Store) -> None:
    with store.begin() as transaction:
        _, apart = transaction.add_item(item("a", entry=entry("a", title="Bank rate of the central one", text="")), None, NEW)
        _, beside = transaction.add_item(item("b", entry=entry("b", title="Rate of the central bank", text="")), None, NEW)
    without = EveryOf((Phrase(("rate",)),), without=(Phrase(("central", "bank")),))
    assert apart in found(store, without)
    assert (beside in found(store, without)) is not knows_places(store)


def test_the_most_relevant_stories_come_first(store: Store) -> None:
    text = "The storm closed the ports. Ferries stayed in port all day, and the sea was rough along the whole coast."
    told = {
        "once": ("Ferries stay in port", text),
        "titled": ("Storm closes ports", "Ferries stayed in port all day, and the sea was rough along the whole coast."),
        "often": ("Ferries stay in port", "Storm after storm: a storm in the north, a storm in the south."),
        "none": ("Fish prices rise", "Ports are calm after the storm."),
        "silent": ("Lighthouse closes", "Nobody came."),
    }
    ids = {}
    with store.begin() as transaction:
        for number, (guid, (title, body)) in enumerate(told.items()):
            made = item(guid, entry=entry(guid, title=title, text=body), published=float(number), first_seen=float(number))
            _, ids[guid] = transaction.add_item(made, None, NEW)
        _, ids["again"] = transaction.add_item(
            item("again", entry=entry("again", title="Storm closes ports"), published=9.0), None, NEW
        )
        transaction.add_item(item("more", entry=entry("more", title="Storm", text="storm")), ids["none"], NEW)
    storm = Phrase(("storm",))

    def order(where: StoryFilter, limit: int | None = None) -> list[str]:
        names = {id: name for name, id in ids.items()}
        return [names[story.id] for story in store.find(where, limit, relevant=storm)]

    assert order(StoryFilter()).index("titled") < order(StoryFilter()).index("often") < order(StoryFilter()).index("once")
    assert order(StoryFilter())[0] == "none", "a story is as relevant as its best entry"
    assert order(StoryFilter())[-1] == "silent", "what has no such word comes last, new as it is"
    assert order(StoryFilter(), limit=2) == order(StoryFilter())[:2]
    either = StoryFilter(AnyOf((storm, Phrase(("lighthouse",)))))
    assert order(either) == order(StoryFilter()), "the filter does not change the weights"


def test_equally_relevant_stories_are_told_newest_first(store: Store) -> None:
    with store.begin() as transaction:
        for number in (2, 1, 3):
            guid = f"g{number}"
            made = item(guid, entry=entry(guid, title="Storm", text=""), published=float(number), first_seen=float(number))
            transaction.add_item(made, None, NEW)
    relevant = [story.published for story in store.find(StoryFilter(), relevant=Phrase(("storm",)))]
    assert relevant == [story.published for story in store.find(StoryFilter(), relevant=Phrase(("fog",)))] == [3.0, 2.0, 1.0]


def test_dates_of_stories_bound_a_search_at_the_first_instant_and_before_the_second(store: Store) -> None:
    with store.begin() as transaction:
        for number in (1, 2, 3):
            transaction.add_item(item(f"g{number}", published=float(number)), None, NEW)
    for bounds, dates in (((2.0, 3.0), [2.0]), ((2.0, math.inf), [3.0, 2.0]), ((-math.inf, 2.0), [1.0]), ((2.0, 2.0), [])):
        assert [story.published for story in store.find(StoryFilter(published=bounds))] == dates
