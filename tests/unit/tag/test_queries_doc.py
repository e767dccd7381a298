"""docs/queries.md says what is so: its examples are run, and its table names every field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aggregator.ports import QueryNames
from aggregator.tag.check import check
from aggregator.tag.fields import DATE_FIELDS, NUMBER_FIELDS, TEXT_FIELDS, VALUE_FIELDS
from aggregator.tag.query import Query

from .stories import NOON, item, story

DOC = (Path(__file__).parents[3] / "docs" / "queries.md").read_text("utf-8")
NAMES = QueryNames(
    sources=frozenset({"bbc-world"}), groups=frozenset({"wires"}), tags=frozenset({"war"}), topics=frozenset({"ukraine"})
)


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading; `\\|` is a bar."""
    section = DOC.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def told(cell: str) -> tuple[str, str]:
    title, _, text = cell.partition("|")
    return title.strip(), text.strip()


EXAMPLES = rows("Thirty examples")


@pytest.mark.parametrize(("query", "matches", "fails"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_the_examples_do_as_the_page_says(query: str, matches: str, fails: str) -> None:
    asked = Query(query.strip("`"))
    assert asked.matches(story(item(*told(matches))), NOON)
    assert not asked.matches(story(item(*told(fails))), NOON)


def test_there_are_thirty() -> None:
    assert len(EXAMPLES) == 30


OPERATORS = [query for row in rows("Operators") for query in re.findall(r"`([^`]+)`", row[0])]


@pytest.mark.parametrize("query", [query for query in OPERATORS if not query.endswith(":")])
def test_what_the_table_of_operators_shows_can_be_read(query: str) -> None:
    assert check(query, NAMES, rolling=True, entry=False) == []


def test_every_field_is_in_the_table() -> None:
    shown = " ".join(OPERATORS)
    assert [field for field in (*TEXT_FIELDS, *VALUE_FIELDS, *DATE_FIELDS) if f"{field}:" not in shown] == []
    assert [field for field in NUMBER_FIELDS if not re.search(rf"\b{field}[<>]", shown)] == []


def test_the_error_on_the_page_is_the_one_that_is_told() -> None:
    (error,) = check("ukraine titel:nato", NAMES, rolling=True, entry=False)
    assert f"{error.message}\n  ukraine titel:nato\n  {' ' * error.offset}^" in DOC
