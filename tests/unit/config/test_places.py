"""A mistake in a query is told at its character, however the query is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aggregator.config.document import index_of
from aggregator.config.tree import Mapping, Scalar, compose
from tests.unit.config.conftest import PATIENT

WRITTEN = [
    "a ¦! b",
    "'a ¦! b'",
    "'it''s ''here'' ¦! b'",
    '"a ¦! b"',
    '"a \\"b\\" \\u0041\\x42\\t ¦! b"',
    '"a\\n  ¦! b"',
    "|\n  a\n  ¦! b\n",
    "|2-\n    a\n   b\n\n   ¦! c\n",
    "| # note\n  a b\n    ¦!\n",
    ">\n  a\n  b\n\n  c ¦! d\n",
    ">-\n  a\n    b\n  ¦!\n",
    "a\n   b\n   ¦! c",
    '"a\n\n   b \\\n   c ¦! d"',
    "'a\n   b ¦!'",
    "é ü ¦! ñ",
    "'😀 ¦!'",
]


@pytest.mark.parametrize("written", WRITTEN)
def test_the_character_is_found(problems: Callable[..., list[str]], written: str) -> None:
    marked = "sources: ['http://a.example/']\ntopics:\n- slug: t\n  query: " + written.replace("\n", "\n  ")
    before = marked[: marked.index("¦")]
    (told,) = problems(marked.replace("¦", "") + "\n")
    assert told == f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: query: there is a `!`"


words = some.text(
    some.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\u00a0\u2028\u2029\ufeff"),
    min_size=1,
)


@PATIENT
@given(some.lists(words, min_size=1, max_size=4), some.sampled_from(["single", "double", "literal"]), some.data())
def test_every_character_of_every_style(lines: list[str], style: str, data: some.DataObject) -> None:
    value = "\n".join(line.strip() or "x" for line in lines)
    match style:
        case "single":
            value = value.replace("\n", " ")
            written = "'" + value.replace("'", "''") + "'"
        case "double":
            written = '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case _:
            written = "|2-\n" + "\n".join(f"  {line}" for line in value.split("\n"))
    text = f"q: {written}\n"
    root, found = compose("f", text)
    assert isinstance(root, Mapping)
    assert not found
    scalar = root.get("q")
    assert isinstance(scalar, Scalar)
    assert scalar.text == value
    place = data.draw(some.integers(0, len(value) - 1))
    if value[place].isspace() or value[place] in "\"\\'":
        assert 3 <= index_of(text, scalar, place) <= scalar.end
    else:
        assert text[index_of(text, scalar, place)] == value[place]


def test_an_offset_at_the_end_is_behind_the_last_character() -> None:
    text = "q: 'a (b'\n"
    root, _ = compose("f", text)
    assert isinstance(root, Mapping)
    scalar = root.get("q")
    assert isinstance(scalar, Scalar)
    assert text[index_of(text, scalar, 4)] == "'"
