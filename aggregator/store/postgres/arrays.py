"""A column of values as one parameter: an array in PostgreSQL's binary form.

psycopg sends a list as an array, too, but looks at each value to tell its type, which takes nine times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

import msgspec
from psycopg.abc import Buffer, DumperKey, PyFormat
from psycopg.adapt import Dumper
from psycopg.postgres import types
from psycopg.pq import Format

_HEAD = Struct(">5i")
"""Dimensions, whether nulls may be there, the elements' type, how many there are, the number of the first."""
_LENGTH = Struct(">i")
_NULL = _LENGTH.pack(-1)
_KINDS: dict[str, tuple[type, Callable[[Any], bytes]]] = {
    "text": (str, str.encode),
    "bytea": (bytes, bytes),
    "float8": (float, Struct(">d").pack),
    "boolean": (bool, Struct(">?").pack),
    "bigint": (int, Struct(">q").pack),
}
"""By the name of a type: what it is in Python, and how a value is packed."""


class Column(msgspec.Struct, frozen=True):
    """Values of a column of one of these types. None is null."""

    type: str
    values: Sequence[Any]


class ColumnDumper(Dumper):
    """Has psycopg send a Column. It makes one of these for each type."""

    format = Format.BINARY

    def get_key(self, obj: Column, format: PyFormat) -> DumperKey:
        return self.cls, _KINDS[obj.type][0]

    def upgrade(self, obj: Column, format: PyFormat) -> Dumper:
        made = ColumnDumper(self.cls)
        made.oid = types[obj.type].array_oid
        return made

    def dump(self, obj: Column) -> Buffer:
        packed, parts = _KINDS[obj.type][1], [_HEAD.pack(1, 1, types[obj.type].oid, len(obj.values), 1)]
        for value in obj.values:
            if value is None:
                parts.append(_NULL)
            else:
                data = packed(value)
                parts += (_LENGTH.pack(len(data)), data)
        return b"".join(parts)
