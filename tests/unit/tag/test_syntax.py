"""Reading queries: whatever is typed is a query or an error with a place in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import QueryError
from aggregator.ports import QueryNames
from aggregator.tag.check import check
from aggregator.tag.marking import excerpt, marked
from aggregator.tag.nodes import All, Any, Node, Not, show, terms
from aggregator.tag.ordering import Circular, RuleName, levels
from aggregator.tag.query import Query
from aggregator.tag.syntax import parse

from .stories import NOON, item, story

PIECES = st.lists(
    st.sampled_from(
        ["nato", "kyiv*", '"red line"', '"', "(", ")", "-", "OR", "AND", "NOT", "title:", "url:/x/", "/a+/i", "/", "age<2d",
         "outlets>=", "U.S.", "日本", " ", "  ", "*", ":", "a:b", "“x”", "–", "\n", "é", "https://x.example/", "NEAR/5", "NEAR/0",
         "tax", "plurals:en", "date:2023-06", "date:2023..", "after:", "before:2023-06-15", "lead:", "lead:(a NEAR/5 b)"]
    ),
    max_size=14,
).map(" ".join)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(text=st.one_of(PIECES, st.text(max_size=30)))
def test_anything_is_a_query_or_an_error_with_a_place(text: str) -> None:
    errors = check(text, QueryNames(), rolling=True, entry=False)
    assert all(0 <= error.offset <= len(text) and error.message and "\n" not in error.message for error in errors)
    if not errors:
        query = Query(text)
        assert all(0 <= term.offset < len(text) for term in terms(query.node))
        assert query.explain(story(item("NATO in Kyiv")), NOON).matched == query.matches(story(item("NATO in Kyiv")), NOON)


def shape(node: Node) -> object:
    """A tree without the places of its terms."""
    match node:
        case All(parts):
            return ("all", *map(shape, parts))
        case Any(parts):
            return ("any", *map(shape, parts))
        case Not(part):
            return ("not", shape(part))
        case _:
            return re.sub(r"offset=\d+", "", repr(node))


@settings(max_examples=300, deadline=None)
@given(text=PIECES)
def test_a_query_shown_is_the_same_query(text: str) -> None:
    try:
        node = parse(text)
    except QueryError:
        return
    assert shape(parse(show(node))) == shape(node)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a OR b c -d", "a OR (b c -d)"),
        ("((a)) (b (c))", "a b c"),
        ("title:(a OR b)", "title:a OR title:b"),
        ("NOT (a AND b)", "-(a b)"),
        ("a OR (b OR c)", "a OR b OR c"),
        ("age < 2d", "age<2d"),
        ("source:(bbc OR cnn*)", "source:bbc OR source:cnn*"),
        ("a b NEAR/5 c d", "a b NEAR/5 c d"),
        ("-a NEAR/5 (b)", "-(a NEAR/5 b)"),
        ("title:(a NEAR/5 (b OR c))", "title:a NEAR/5 (title:b OR title:c)"),
        ("plurals:en tax -steel", "(tax OR taxs OR taxes) -(steel OR steels)"),
        ("lead:(a NEAR/05 b)", "lead:(a NEAR/5 b)"),
    ],
)
def test_how_operators_bind(text: str, shown: str) -> None:
    assert show(parse(text)) == shown


def test_long_queries_of_a_newsroom_are_read() -> None:
    words = " OR ".join(f"name{number}" for number in range(1_500))
    assert len(terms(parse(f"({words}) -sport"))) == 1_501


MARKED = [
    ("nato", "NATO’s plan", "[NATO’s] plan"),
    ('"closer ties"', "On closer look, closer ties", "On [closer] look, [closer] [ties]"),
    ("sanction*", "New sanctions bite", "New [sanctions] bite"),
    ("日本", "東日本 大震災", "[東日本] 大震災"),
    ("U.S.", "The U.S. Senate", "The [U.S.] Senate"),
    ("-zebra", "NATO meets", "NATO meets"),
]


@pytest.mark.parametrize(("query", "title", "shown"), MARKED)
def test_the_deciding_words_are_marked(query: str, title: str, shown: str) -> None:
    explanation = Query(query).explain(story(item(title)), NOON)
    pieces = marked(title, explanation.terms)
    assert "".join(piece for piece, _ in pieces) == title
    assert "".join(f"[{piece}]" if hit else piece for piece, hit in pieces) == shown


def test_an_excerpt_shows_the_deciding_word() -> None:
    text = "word " * 100 + "Kyiv " + "word " * 100
    terms_found = Query("kyiv").explain(story(item("x", text)), NOON).terms
    cut = excerpt(text, terms_found, 60)
    assert "Kyiv" in cut
    assert cut.startswith("… ") and cut.endswith(" …")
    assert excerpt("Short text", terms_found, 60) == "Short text"


def test_rules_are_ordered_by_what_they_need() -> None:
    rules = {
        RuleName("tag", "a"): parse("tag:b nato"),
        RuleName("tag", "b"): parse("war"),
        RuleName("topic", "t"): parse("tag:a OR topic:u"),
        RuleName("topic", "u"): parse("tag:wire"),
    }
    order = [str(name) for batch in levels(rules) for name in batch]
    assert order.index("tag b") < order.index("tag a") < order.index("topic t")
    assert order.index("topic u") < order.index("topic t")
    with pytest.raises(Circular):
        levels({RuleName("topic", "t"): parse("topic:t")})
