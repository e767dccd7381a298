"""Every number of the query language is compared and explained for itself."""

from __future__ import annotations

import pytest

from aggregator.tag.automaton import Vocabulary
from aggregator.tag.fields import NUMBER_FIELDS
from aggregator.tag.matcher import compile_node
from aggregator.tag.syntax import parse


@pytest.mark.parametrize("field", NUMBER_FIELDS)
def test_a_number_is_compared_by_its_own_fact(field: str) -> None:
    compile_node(parse(f"{field}<5d" if field == "age" else f"{field}>5"), Vocabulary())
