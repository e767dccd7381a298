"""What is wrong with a query is said with its place and, where one is likely, with what was meant."""

from __future__ import annotations

import pytest

from aggregator.ports import QueryNames
from aggregator.tag.check import check

NAMES = QueryNames(
    sources=frozenset({"bbc-world", "guardian", "reuters"}),
    groups=frozenset({"wires", "blogs"}),
    tags=frozenset({"wire", "sanctions", "uk"}),
    topics=frozenset({"ukraine", "climate"}),
    entities=frozenset({"zelensky"}),
)

BAD = [
    # query, column (from 1), words of the message
    ("", 1, "empty"),
    ("   \n", 1, "empty"),
    ("nato /\udcff/", 7, "half a character"),
    ("()", 2, "empty brackets"),
    ('""', 1, "empty quotes"),
    ('nato "  "', 6, "empty quotes"),
    ("nato OR", 6, "nothing to look for behind OR"),
    ("OR nato", 1, "before OR"),
    ("nato OR OR russia", 6, "behind OR"),
    ("nato AND", 6, "behind AND"),
    ("AND nato", 1, "before AND"),
    ("nato AND OR russia", 6, "behind AND"),
    ("NOT", 1, "behind NOT"),
    ("nato NOT", 6, "behind NOT"),
    ("(nato OR) russia", 7, "behind OR"),
    ("nato or russia", 6, 'write OR, or "or"'),
    ("nato and russia", 6, "write AND"),
    ("not russia", 1, "write NOT"),
    ("nato || russia", 6, "write OR"),
    ("nato | russia", 6, "write OR"),
    ("nato && russia", 6, "both needed"),
    ("nato & russia", 6, "both needed"),
    ("+nato", 1, "all needed"),
    ("!nato", 1, "write -word"),
    ("~nato", 1, "no near matches"),
    ("nato|russia", 5, "write OR"),
    ("nato||russia", 5, "write OR"),
    ("nato&&russia", 5, "both needed"),
    ("ukraine~", 8, "no near matches"),
    ("ukraine~2", 8, "no near matches"),
    ('"red line"~5', 11, "no near matches"),
    ("war^4", 4, "can't weigh"),
    ("/abc", 1, "not closed: write /abc/"),
    ("nato /abc def", 6, "not closed: write /abc/"),
    ("nato /a/b/c", 6, "not closed"),
    ("title:/abc", 7, "not closed"),
    ("-/abc", 2, "not closed"),
    ("abc/", 1, "a slash at either end: /abc/"),
    (r"nato \bwar", 6, r"write /\bwar/"),
    ("gr[ae]y", 3, "write /gr[ae]y/"),
    ("te?t", 3, "write te* for all words that begin so, or a pattern in slashes, /te.t/"),
    ("title:te?t", 9, "write te*"),
    ("nato what?", 10, "as punctuation leave it out"),
    ("?", 1, "stands for nothing"),
    ("ukr%", 4, "write ukr*"),
    ("nato NEAR/5 russia", 6, 'in quotes, "red line"'),
    ("nato near/5 russia", 6, "there is no near/5"),
    ("nato NEAR russia", 6, "there is no NEAR"),
    ("NEAR(nato russia)", 1, "there is no NEAR"),
    ("nato AROUND(5) russia", 6, "there is no AROUND"),
    ("nato w/5 russia", 6, "there is no w/5"),
    ("#war", 1, "write tag:war for a tag"),
    ("-#war", 2, 'in quotes: "#war"'),
    ("title:#war", 7, "write tag:war"),
    ("nato - russia", 6, "minus sign must stand right before"),
    ("-", 1, "minus sign"),
    ("--nato", 1, "one minus sign"),
    ("(nato", 1, "not closed"),
    ("nato (a OR (b c)", 6, "not closed"),
    ("((nato)", 1, "not closed"),
    ("nato)", 5, "closes nothing"),
    (")", 1, "closes nothing"),
    ('nato "red line', 6, "quote is not closed"),
    ('"red line" "', 12, "quote is not closed"),
    ("titel:nato", 1, "did you mean title"),
    ("nato titel:x", 6, "did you mean title"),
    ("subjct:sport", 1, "did you mean subject"),
    ("intitle:nato", 1, "did you mean title"),
    ("from:bbc", 1, "did you mean source"),
    ("language:en", 1, "did you mean lang"),
    ("country:ua", 1, "did you mean entity"),
    ("colour:red", 1, "no field colour"),
    ("Kyiv:war", 1, "in quotes"),
    ("title:", 1, "value right behind it"),
    ("title: nato", 1, "value right behind it"),
    ("outlets(group:wires)", 1, "needs a number behind it: outlets(group:wires)>=2"),
    ("nato outlets(group:wires)>=x", 28, "x is not a number"),
    ("outlets(group:wires)=>2", 21, "did you mean >=?"),
    ("outlets(group:wire)>=2", 15, "did you mean wires"),
    ("outlets()>=2", 9, "nothing to look for"),
    ("outlets(nato", 8, "not closed"),
    ("outlets(tag:wire)>=2", 13, "belongs to the whole story"),
    ("outlets(outlets>=2)>=1", 9, "belongs to the whole story"),
    ("outlets(lead:nato)>=1", 9, "can't stand inside outlets(…)"),
    ("items(group:wires)>=2", 1, "did you mean outlets(…)>=2"),
    ("title:(outlets(nato)>=2)", 8, "can't stand inside title:"),
    ("lead:", 1, "value right behind it"),
    ("lead: nato", 1, "value right behind it"),
    ("lead:-nato", 1, "value right behind it"),
    ("lead:(nato age<2d)", 12, "belongs to the whole story"),
    ("lead:source:bbc-wrld", 13, "did you mean bbc-world"),
    ("leed:nato", 1, "did you mean lead"),
    ("publisher:bbc", 1, "did you mean outlet"),
    ("rank:1", 1, "write rank<=1"),
    ("title:(body:nato)", 8, "can't stand inside title:"),
    ("source:(title:x)", 9, "can't stand inside source:"),
    ("title:(outlets>2)", 8, "can't stand inside title:"),
    ("source:bbc-wrld", 8, "did you mean bbc-world"),
    ("source:(guardian OR bcc-world)", 21, "did you mean bbc-world"),
    ("source:xyz", 8, "there are bbc-world, guardian"),
    ("source:bbb*", 8, "no source begins with bbb"),
    ("source:*bbc", 8, "only at the end"),
    ("group:wire", 7, "did you mean wires"),
    ("tag:wier", 5, "did you mean wire"),
    ("-tag:sanction", 6, "did you mean sanctions"),
    ("topic:ukrain", 7, "did you mean ukraine"),
    ("subject:sports", 9, "did you mean sport"),
    ("entity:ukraine", 8, "did you mean ua"),
    ("entity:uk", 8, "did you mean gb"),
    ("entity:xq", 8, "ISO 3166"),
    ("entity:zelenski", 8, "did you mean zelensky"),
    ("entity:nobody", 8, "ISO 3166"),
    ("lang:english", 6, "did you mean en"),
    ("lang:ua", 6, "did you mean uk"),
    ("lang:xx", 6, "no language code"),
    ("lang:e*", 7, "takes no *"),
    ("ru*sia", 3, "only at the end of a word"),
    ("*sia", 1, "only at the end of a word"),
    ("++", 1, "no letter or digit"),
    ("*", 1, "no letter or digit"),
    ("a*", 1, "at least two characters"),
    ('"red li*ne"', 8, "only at the end"),
    ("nato …", 6, "no letter or digit"),
    ('"🚀"', 1, "no letter or digit"),
    ("/(/", 1, "bad regular expression"),
    ("nato /[z-a]/", 6, "bad regular expression"),
    ("title:/a(?=b)/", 7, "bad regular expression"),
    (r"/(a)\1/", 1, "bad regular expression"),
    ("/nato/g", 7, "no flag g"),
    ("/r/europe", 4, "no flag europe"),
    ("/((a{100}){100}){100}/", 1, "bad regular expression"),
    ("source:/bbc/", 8, "no regular expression"),
    ("https://example.org/x", 1, "write url:https://example.org/x"),
    ("url:*live*", 5, "anywhere in the address"),
    ("url:/(live/", 5, "bad regular expression"),
    ("outlets:3", 1, "write outlets>=3"),
    ("age:2d", 1, "write age<2d"),
    ("outlets=>3", 8, "did you mean >="),
    ("outlets==3", 8, "did you mean ="),
    ("outlets>=", 10, "needs a number"),
    ("outlets>=three", 10, "not a number"),
    ("outlets>=-1", 10, "not a number"),
    ("outlet>=3", 1, "did you mean outlets"),
    ("thread>=3", 1, "did you mean thread_outlets>=3"),
    ("thread_outlets:3", 1, "write thread_outlets>=3"),
    ("thread_outlets>=few", 17, "not a number"),
    ("thread_outlet>=3", 1, "did you mean thread_outlets"),
    ("thread:ukraine", 8, "no thread's id"),
    ("thread:6f0cdd1e*", 16, "takes no *"),
    ("first:story", 7, "did you mean first:thread"),
    ("lead:first:thread", 12, "belongs to the whole story"),
    ("outlets(thread_outlets>2)>=2", 9, "belongs to the whole story"),
    ("title>3", 1, "write title:"),
    ("C=O", 1, "in quotes"),
    ("age<2", 5, "write 2d for days"),
    ("age<2y", 6, "no unit of time"),
    ("age<", 5, "needs a duration"),
    ("age=1d", 5, "never exact"),
    ("(" * 60 + "a" + ")" * 60, 41, "too deep"),
    ("-(" * 60 + "a" + ")" * 60, 82, "too deep"),
    ("NOT " * 60 + "a", 165, "too deep"),
    ("NOT " * 9_000 + "a", 165, "too deep"),
    ("word " * 10_000, 40_001, "too long"),
    ("abc " * 2_500, 8_001, "too many words"),
    (f"/{'a' * 1_001}/", 1, "too long"),
]


@pytest.mark.parametrize(("query", "column", "words"), BAD, ids=[ascii(query[:24]) for query, _, _ in BAD])
def test_a_bad_query_is_told_with_its_place(query: str, column: int, words: str) -> None:
    errors = check(query, NAMES, rolling=True, entry=False)
    assert len(errors) == 1
    assert words in errors[0].message
    assert errors[0].offset + 1 == column


def test_every_unknown_name_is_told_at_once() -> None:
    errors = check("source:bcc OR tag:nope OR lang:english", NAMES, rolling=True, entry=False)
    assert [error.offset for error in errors] == [7, 18, 31]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("topic:ukraine", "single entry"),
        ("outlets>=2", "single entry"),
        ("thread_outlets>=2", "single entry"),
        ("first:thread", "single entry"),
        ("-thread:6f0cdd1e-5b0e-4c52-9a7e-0d2f6f3d7a11", "single entry"),
        ("items>1 nato", "single entry"),
        ("lead:nato", "single entry"),
        ("-outlets(nato)>1", "single entry"),
    ],
)
def test_keep_and_drop_know_no_stories(query: str, words: str) -> None:
    errors = check(query, NAMES, rolling=False, entry=True)
    assert [words in error.message for error in errors] == [True]


def test_age_belongs_to_outputs_and_search() -> None:
    assert check("nato age<1d", NAMES, rolling=True, entry=False) == []
    (error,) = check("nato age<1d", NAMES, rolling=False, entry=False)
    assert "outputs and in search only" in error.message
    assert error.offset == 5


def test_where_no_name_exists_the_error_says_so() -> None:
    (error,) = check("topic:ukraine", QueryNames(), rolling=False, entry=False)
    assert "no topic can be named here" in error.message


@pytest.mark.parametrize(
    ("query", "wrong"), [("entity:nobody", False), ("entity:france", True), ("entity:uk", True), ("entity:fr", False)]
)
def test_where_the_users_names_are_not_known_only_likely_mistakes_are_told(query: str, wrong: bool) -> None:
    assert bool(check(query, QueryNames(), rolling=False, entry=False)) is wrong
