"""What the store finds by a query's filter, and the query then matches, is what the query matches among all stories."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model import Evidence, Source, SourceId, Story
from aggregator.ports import QueryNames, Store, StoryFilter
from aggregator.tag.query import Query
from tests.stores import STORES

from .stories import DAY, NOON, item, story

WORDS = ["nato", "kyiv", "Ukraine's", "U.S.", "us", "war", "wars", "al-Shabaab", "日本語", "ニュース", "Łódź", "1,000"]
SPELLED = ["C++", "C", "AT&T", "at", "T", ".NET", "net", "planet.net", "Node.js", "node", "3.5", "35", "C#"]
SOURCES = ["Herald", "post", "wire-1"]
NAMES = QueryNames(
    sources=frozenset(SOURCES), groups=frozenset({"wires"}), tags=frozenset({"Wire", "war"}), topics=frozenset({"ukraine"})
)
AS_OF = NOON + DAY


def made_stories() -> list[Story]:
    """Sixty stories of one to three items out of few words, the same each time."""
    chance = random.Random(15)
    stories = []
    for number in range(60):
        items = []
        for place in range(chance.choice([1, 1, 2, 3])):
            source = chance.choice(SOURCES)
            made = item(
                " ".join(chance.choices([*WORDS, *SPELLED], k=chance.randint(1, 4))),
                " ".join(chance.choices([*WORDS, *SPELLED], k=chance.randint(0, 5))),
                source,
                number=number * 10 + place + 1,
                url=f"https://{source.lower()}.example/{chance.choice(['live', 'world'])}/{number}-{place}",
                author=chance.choice([None, "Ada O'Brien"]),
                group=chance.choice([None, "wires"]),
                language=chance.choice(["en", "no", "nb", "ja"]),
                published=NOON - chance.randint(0, 4) * DAY / 2,
            )
            items.append(made)
        tags = chance.sample(["tag:Wire", "tag:war", "entity:nato"], chance.randint(0, 2))
        stories.append(story(*items, tags=tags, topics=chance.choice([[], ["ukraine"]]), published=items[0].published))
    return stories


def fill(store: Store) -> list[Story]:
    """Stores the stories, and returns them as stored."""
    store.sync_sources([Source(SourceId(name), f"https://{name}.example/feed") for name in SOURCES], NOON)
    for one in made_stories():
        with store.begin() as transaction:
            first, identity = transaction.add_item(one.items[0], None, Evidence("new"))
            rest = [transaction.add_item(other, identity, Evidence("test"))[0] for other in one.items[1:]]
            transaction.save_story(replace(one, id=identity, items=(first, *rest), lead=first.id))
    return list(store.find(StoryFilter()))


@pytest.fixture(scope="module", params=STORES)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, list[Story]]]:
    store = STORES[request.param](tmp_path_factory.mktemp("filters"))
    yield store, fill(store)
    store.close()


TERMS = st.sampled_from(
    [
        *SPELLED, '"C++ net"', '"at t"', "Node.js*", "title:C++",
        *WORDS[:-1], "1000", '"nato kyiv"', "war*", "本", "日本", "title:nato", "body:kyiv", 'title:"war us"', "author:ada",
        'author:"o\'brien"', "url:/live/", "site:herald.example", "source:herald", "source:p*", "source:(post OR wire-1)",
        "group:wires", "tag:wire", "tag:w*", "tag:war", "topic:ukraine", "lang:en", "lang:nb", "lang:ja", "entity:nato",
        "outlets(group:wires)>=1", "outlets(-nato)<2", "lead:nato", "lead:(war -us)", "lead:(kyiv OR C++)", "rank<=2",
        "outlet:herald", "outlets>=2", "items=1", "words>3", "age<2d", "age>36h", "/NATO|nato/", "/łódź/i",
        "first:thread", "thread_outlets>=2", "thread:6f0cdd1e-5b0e-4c52-9a7e-0d2f6f3d7a11",
        "date:2023-06-15", "date:2023-06-13..2023-06-14", "before:2023-06-14", "after:2023-06-15", "date:2022",
        "-before:2023-06-14", "nato NEAR/0 war", "nato NEAR/2 kyiv", "(nato OR us) NEAR/1 (war* OR kyiv)",
        "title:(war NEAR/1 us)", '"al shabaab" NEAR/3 us',
        "U.S. NEAR/2 us", "C++ NEAR/1 C", ".NET NEAR/3 war", "本 NEAR/2 nato", "1000 NEAR/2 lodz", "author:(ada NEAR/1 brien)",
    ]
)  # fmt: skip
QUERIES = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + " ".join(parts) + ")"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + " OR ".join(parts) + ")"),
        inner.map(lambda part: f"-({part})"),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(text=QUERIES, option=st.sampled_from(["", "plurals:en "]))
def test_filter_and_predicate_agree_with_the_predicate_alone(filled: tuple[Store, list[Story]], text: str, option: str) -> None:
    store, stories = filled
    query = Query(option + text, NAMES)
    plain = [one.id for one in stories if query.matches(one, AS_OF)]
    found = [one.id for one in store.find(query.filter(AS_OF)) if query.matches(one, AS_OF)]
    assert found == plain


@settings(max_examples=100, deadline=None)
@given(text=QUERIES)
def test_the_explanation_agrees_with_the_answer(filled: tuple[Store, list[Story]], text: str) -> None:
    _, stories = filled
    query = Query(text)
    for one in stories[:10]:
        assert query.explain(one, AS_OF).matched == query.matches(one, AS_OF)
        assert query.explain(one, AS_OF).branch


def test_the_filter_of_words_lets_little_through(filled: tuple[Store, list[Story]]) -> None:
    store, stories = filled
    query = Query("nato kyiv", NAMES)
    assert 0 < len(list(store.find(query.filter(AS_OF)))) < len(stories) / 2
