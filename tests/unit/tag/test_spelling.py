"""Words with signs match what they say: by topics, and by the search of a store."""

from __future__ import annotations

import pytest

from aggregator.model import Evidence, Source, SourceId
from aggregator.ports import Store
from aggregator.tag.marking import marked
from aggregator.tag.query import Query
from tests.stores import STORES

from .stories import DAY, NOON, item, story

SPELLED = [
    # query, a title that says it, titles that don't
    ("C++", "Why C++26 is late", "Vitamin C is cheap", "C+ for the mayor"),
    ("c++", "The C++: a history", "C and C# compared", "c"),
    ('"C++ developer*"', "A C++ developer's day", "C developers learn C++", "C developer"),
    ("C+", "The bond is a C+ now", "C++ is 40", "C flat"),
    ("C#", "C#-Programmierung", "Concerto in C minor", "C++"),
    ("F#", "Sonata in F# major", "F and sharp", "F-16"),
    (".NET", "What .NET 9 brings", "Net profit rises", "planet.net is down"),
    ("Node.js", "node.js 24 is out", "A node in JS", "Nodejs"),
    ("Node.js*", "NODE.JSX 24", "Node and jam", "Node jsx"),
    ("AT&T", "AT&T’s debt", "Look at T. rex", "AT-T"),
    ("R&D", "More for r&d", "R. D. Laing", "RD"),
    ("3.5", "Growth of 3.5 per cent", "They won 3-5", "Version 2.3.5"),
    ("9/11", "The 9/11 report", "A 9-11 defeat", "9 November"),
    ("$100", "A $100 note", "100 days", "US 100"),
    ("50%", "50% off", "50 people", "50.5"),
    ("U.S.", "The US votes", "They told us", "US1"),
    ('"#war"', "Why #war trends", "War is here", "war#2"),
    ("bbc.co.uk", "Read bbc.co.uk today", "BBC, Co, UK", "bbc co uk"),
    ("Yahoo!", "Yahoo is sold", "Yell", "hoo"),
    ("nato,", "NATO meets", "Naval", "N.A.T."),
    ("C++入門", "新しいC++入門書", "C入門", "入門"),
    ("İstanbul.com", "istanbul.com", "istanbul com", "stanbul.com"),
    ('"the C++ of .NET"', "It is the C++ of .NET, he said", "The C of net", "the C++ of a net"),
]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = STORES[request.param](tmp_path_factory.mktemp("spelled"))
    made.sync_sources([Source(SourceId("herald"), "https://herald.example/feed")], NOON)
    return made


@pytest.mark.parametrize(("text", "said", "other", "another"), SPELLED, ids=[row[0] for row in SPELLED])
def test_a_word_with_signs_matches_what_it_says_wherever_it_is_asked(
    store: Store, text: str, said: str, other: str, another: str
) -> None:
    query = Query(text)
    titles = (said, other, another)
    matched = [title for title in titles if query.matches(story(item(title)), NOON)]
    with store.begin() as transaction:
        for number, title in enumerate(titles, 1):
            transaction.add_item(item(title, number=number), None, Evidence("new"))
    found = [one.lead_item.entry.title for one in store.find(query.filter(NOON + DAY)) if query.matches(one, NOON)]
    assert matched == found == [said]
    store.close()


def test_signs_are_looked_for_in_the_field_that_was_asked() -> None:
    one = story(item("Vitamin C", "A talk on C++"))
    assert Query("C++").matches(one, NOON)
    assert Query("C++").explain(one, NOON).branch == "C++ in the body"
    assert not Query("title:C++").matches(one, NOON)
    assert Query("-title:C++ C").matches(one, NOON)


def test_a_word_with_signs_is_marked_as_it_is_spelled() -> None:
    explanation = Query("C++").explain(story(item("C flat, or a C++ class")), NOON)
    assert marked("C flat, or a C++ class", explanation.terms) == [("C flat, or a ", False), ("C++", True), (" class", False)]


def test_a_long_list_of_words_may_hold_words_with_signs() -> None:
    query = Query("(a1 OR b1 OR c1 OR d1 OR e1 OR f1 OR g1 OR h1 OR C++)")
    assert query.matches(story(item("C++ is 40")), NOON)
    assert not query.matches(story(item("Vitamin C")), NOON)


@pytest.mark.parametrize("text", ["al-shabaab", "covid-19", "o'brien", "russia's", "ukraine.", '"what’s new?"', '"Dr. No"'])
def test_hyphens_apostrophes_and_punctuation_only_separate(text: str) -> None:
    assert Query(text).node.spelled is None  # type: ignore[union-attr]
