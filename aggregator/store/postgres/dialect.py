"""Writes the statements of the shared queries as PostgreSQL says them.

Most of them are standard SQL. What differs by rule is rewritten here; what needs other SQL stands in `statements.OWN`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from aggregator.store.postgres.statements import OWN

_PLACE = re.compile(r"\?(\d*)")
_IN_LIST = re.compile(r"(NOT )?IN \(SELECT value FROM json_each\((\?\d*)\)\)")
"""Whether a text is in a JSON list, as a condition that an index can answer."""
_GIVEN_LIST = re.compile(r"json_each\((\?\d*)\) AS (\w+)")
"""A JSON list that is a parameter. Of an array the planner expects ten values, of json_array_elements a hundred: so many that it
reads small tables as a whole, and goes on doing so while they grow."""
_LIST = re.compile(r"json_each\(((?:[^()]|\([^()]*\))*)\)(?: AS (\w+))?")
"""A JSON list as a table. `value` is text there, so a list of numbers has a statement of its own."""
_COLLECTED = re.compile(r"json_group_array\(((?:[^()]|\([^()]*\))*)\)")


class Statement(NamedTuple):
    """sql: with `$1`, `$2`, …; places: which of the given parameters each of these is."""

    sql: str
    places: tuple[int, ...]

    def order(self, parameters: tuple[object, ...]) -> tuple[object, ...]:
        """The parameters as the statement takes them."""
        return tuple(parameters[place] for place in self.places)


def translate(statement: str) -> tuple[Statement, ...]:
    """The statement in PostgreSQL's SQL; a few become two."""
    own = OWN.get(statement)
    if own is None:
        return (_numbered(_rewritten(statement)),)
    return tuple(map(_numbered, (own,) if isinstance(own, str) else own))


def _rewritten(sql: str) -> str:
    sql = _IN_LIST.sub(_is_in_list, sql)
    sql = _GIVEN_LIST.sub(r"unnest(ARRAY(SELECT json_array_elements_text(\1::json))) WITH ORDINALITY AS \2 (value, key)", sql)
    sql = _LIST.sub(_list_as_table, sql)
    sql = _COLLECTED.sub(r"coalesce(json_agg(\1), '[]')", sql)
    sql = sql.replace("CROSS JOIN", "JOIN").replace(" NOT INDEXED", "").replace("x''", "''::bytea")
    return sql.replace(" IS NOT (", " IS DISTINCT FROM (")


def _is_in_list(match: re.Match[str]) -> str:
    compared = "<> ALL" if match[1] else "= ANY"
    return f"{compared} (ARRAY(SELECT json_array_elements_text({match[2]}::json)))"


def _list_as_table(match: re.Match[str]) -> str:
    return f"json_array_elements_text(({match[1]})::json) WITH ORDINALITY AS {match[2] or 'listed'} (value, key)"


def _numbered(sql: str) -> Statement:
    """Numbers the parameters: `?` is the one after the highest so far, as SQLite counts them."""
    highest, used = 0, list[int]()

    def number(match: re.Match[str]) -> str:
        nonlocal highest
        place = int(match[1]) if match[1] else highest + 1
        highest = max(highest, place)
        if place not in used:
            used.append(place)
        return f"${used.index(place) + 1}"

    text = _PLACE.sub(number, sql)
    return Statement(text, tuple(place - 1 for place in used))
