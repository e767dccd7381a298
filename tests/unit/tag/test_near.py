"""`a NEAR/5 b`: what it matches, and that the search finds the same."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.errors import QueryError
from aggregator.model import Evidence, Source, SourceId
from aggregator.ports import Store, StoryFilter
from aggregator.tag.marking import marked
from aggregator.tag.query import Query
from tests.stores import STORES

from .stories import NOON, item, story

RATES = "The central bank left its key rate unchanged on Thursday"


@pytest.mark.parametrize(
    ("query", "title", "matches"),
    [
        ("bank NEAR/3 rate", RATES, True),
        ("bank NEAR/2 rate", RATES, False),
        ("rate NEAR/3 bank", RATES, True),
        ("central NEAR/0 bank", RATES, True),
        ("bank NEAR/0 central", RATES, True),
        ('"central bank" NEAR/3 rate', RATES, True),
        ('rate NEAR/3 "central bank"', RATES, True),
        ('rate NEAR/2 "central bank"', RATES, False),
        ('"bank central" NEAR/9 rate', RATES, False),
        ("unchang* NEAR/3 bank", RATES, False),
        ("unchang* NEAR/4 bank", RATES, True),
        ('"key ra*" NEAR/1 unchanged', RATES, True),
        ("(zebra OR bank) NEAR/3 (lion OR rate)", RATES, True),
        ("title:(bank NEAR/3 rate)", RATES, True),
        ("body:(bank NEAR/3 rate)", RATES, False),
        ("-(bank NEAR/3 rate)", RATES, False),
        ("-bank NEAR/3 rate", RATES, False),
        ("thursday bank NEAR/3 rate", RATES, True),
        ("rate NEAR/5 rate", RATES, False),
        ("rate NEAR/5 rate", "Rate on rate", True),
        ('"central bank" NEAR/5 bank', RATES, False),
        ("a NEAR/1 b", "a x x b x a", True),
        ("U.S. NEAR/1 senate", "A US bill; they told us, the senate", False),
        ("U.S. NEAR/1 senate", "They told us the U.S. Senate", True),
        ("C++ NEAR/0 rust", "C, Rust, later C++", False),
        ("C++ NEAR/1 rust", "C++ and Rust", True),
        ("日本 NEAR/3 選挙", "日本の総選挙", True),
        ("日本 NEAR/1 選挙", "日本の総選挙", False),
        ("lodz NEAR/1 strike", "Strike in Łódź", True),
    ],
)
def test_near(query: str, title: str, matches: bool) -> None:
    assert Query(query).matches(story(item(title)), NOON) is matches


def test_both_stand_in_one_field_of_one_entry() -> None:
    assert not Query("bank NEAR/5 rate").matches(story(item("The bank", "Rate cut")), NOON)
    assert not Query("bank NEAR/5 rate").matches(story(item("The bank"), item("Rate cut", number=2)), NOON)
    assert Query("bank NEAR/5 rate").matches(story(item("Fish"), item("Fish", "The bank rate", number=2)), NOON)


def test_near_authors() -> None:
    told = item("Storm")
    told = replace(told, entry=replace(told.entry, authors=("Ada Berg", "Lee Long")))
    assert Query("author:(berg NEAR/1 ada)").matches(story(told), NOON)
    assert not Query("author:(berg NEAR/1 lee)").matches(story(told), NOON), "two people"


@pytest.mark.parametrize(
    ("query", "branch"),
    [
        ("bank NEAR/3 rate", "bank NEAR/3 rate in the title"),
        ("bank NEAR/1 rate", "no bank NEAR/1 rate (both are there, not so near)"),
        ("bank NEAR/1 zebra", "no bank NEAR/1 zebra"),
        ("-bank NEAR/3 rate", "excluded by bank NEAR/3 rate in the title"),
    ],
)
def test_the_explanation_of_near(query: str, branch: str) -> None:
    assert Query(query).explain(story(item(RATES)), NOON).branch == branch


def test_the_words_of_near_are_marked() -> None:
    terms = Query('"central bank" NEAR/3 rate').explain(story(item(RATES)), NOON).terms
    assert [piece for piece, hit in marked(RATES, terms) if hit] == ["central", "bank", "rate"]


WORDS = ["a", "b", "c", "ab", "U.S.", "us", "日本語", "C++"]
TEXTS = [" ".join(random.Random(number).choices(WORDS, k=number % 12)) for number in range(120)]
OPERAND = st.sampled_from(
    ["a", "b", "c", "ab*", '"a b"', '"b a"', '"b ab*"', "U.S.", "us", "日本", "C++", "(a OR ab)", "(b OR c)"]
)


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of many small texts, half of them in titles."""
    opened = STORES[request.param](tmp_path_factory.mktemp("near"))
    opened.sync_sources([Source(SourceId("herald"), "https://herald.example/feed")], NOON)
    with opened.begin() as transaction:
        for number, text in enumerate(TEXTS, 1):
            titled = item(text, "x", number=number) if number % 2 else item("x", text, number=number)
            transaction.add_item(replace(titled, canonical=None), None, Evidence("new"))
    yield opened
    opened.close()


@settings(max_examples=150, deadline=None)
@given(left=OPERAND, right=OPERAND, distance=st.integers(0, 6))
def test_the_search_finds_what_the_query_matches(store: Store, left: str, right: str, distance: int) -> None:
    query = Query(f"{left} NEAR/{distance} {right}")
    plain = {one.id for one in store.find(StoryFilter()) if query.matches(one, NOON)}
    through_index = {one.id for one in store.find(query.filter(NOON)) if query.matches(one, NOON)}
    assert through_index == plain


def test_many_alternatives_are_found(store: Store) -> None:
    many = " OR ".join([f"x{number}" for number in range(30)])
    query = Query(f"(a OR {many}) NEAR/1 (b OR {many})")
    plain = {one.id for one in store.find(StoryFilter()) if query.matches(one, NOON)}
    assert plain == {one.id for one in store.find(query.filter(NOON)) if query.matches(one, NOON)} != set()


def by_hand(words: list[str], left: list[str], right: list[str], distance: int) -> bool:
    """NEAR as a person would count it: every place of either, and the words between."""
    places = [[at for at in range(len(words)) if words[at : at + len(side)] == side] for side in (left, right)]
    pairs = [((one, left), (other, right)) for one in places[0] for other in places[1]]
    return any(0 <= late - (early + len(first)) <= distance for pair in pairs for (early, first), (late, _) in permutations(pair))


SIDE = st.lists(st.sampled_from("abc"), min_size=1, max_size=3)


@settings(max_examples=400, deadline=None)
@given(words=st.lists(st.sampled_from("abcx"), max_size=14), left=SIDE, right=SIDE, distance=st.integers(0, 5))
def test_distances_are_counted_right(words: list[str], left: list[str], right: list[str], distance: int) -> None:
    query = Query(f'"{" ".join(left)}" NEAR/{distance} "{" ".join(right)}"')
    assert query.matches(story(item(" ".join(words) or "x")), NOON) is by_hand(words, left, right, distance)


def test_hostile_distances_are_fast(store: Store) -> None:
    begun = time.perf_counter()
    with pytest.raises(QueryError):
        Query("a NEAR/5 b " * 10_000)
    query = Query(" OR ".join(f"w{number} NEAR/{number % 9} v{number % 40}" for number in range(990)))
    words = [f"w{number}" for number in range(0, 990, 3)] + [f"x v{number} x" for number in range(40)]
    long = story(item("Storm", " ".join(words) + " a b" * 50_000))
    query.matches(long, NOON)
    assert not Query("a NEAR/0 a OR b NEAR/0 b").matches(long, NOON)
    assert list(store.find(query.filter(NOON))) == []
    assert time.perf_counter() - begun < 10, "it takes less than one second on an idle machine"
