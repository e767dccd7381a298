"""Makes the file that `language_model` reads: py3langid (which this module alone knows) with its table as a double array.

py3langid's automaton is that of Aho and Corasick: a state is the beginning of a piece, in bytes, and what follows from it is
either one byte more of that piece (a child) or what follows from the longest shorter state at its end. So children alone need
a place: 105,000 of them in place of 39 MB.
"""

from __future__ import annotations

import ctypes
import json
import zlib
from array import array
from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from aggregator.tag.language_model import START

STEP = 128
"""Weights are kept in parts of one: what float16, in which they come, keeps of nearly all of them (8 to 15, negative)."""
_MOST = 2**16 - 1
"""What a column of a row holds."""
_AT_ONCE = 4096
"""States whose followers are looked through together: 4 MB."""
_NOBODY = 2**32 - 1

_Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.intp]]"


def made(languages: list[str]) -> list[bytes]:
    """The file, in two pieces: what is held in memory, and the rows."""
    whole = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    whole.set_languages(languages)
    parts = _double_array(whole.tk_nextmove, whole.tk_row, whole.tk_output)
    order = _order(whole.nb_classes)
    columns, prior = [whole.nb_classes[column] for column in order], whole.nb_pc[order].tolist()
    rows = _rows(whole.nb_ptc[:, order])
    del whole
    head = {"columns": columns, "prior": prior, "step": STEP, "together": int(_MOST // rows.max()), "rows": rows.nbytes}
    held = json.dumps(head).encode() + b"\n" + b"".join(part.astype(np.uint32).tobytes() for part in parts)
    pieces = [START.pack(zlib.crc32(held), len(held)) + held, rows.tobytes()]
    del rows
    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)  # What making it took besides.
    return pieces


def _order(labels: list[str]) -> list[int]:
    """The first column of each label, then those of labels that have two."""
    return sorted(range(len(labels)), key=lambda column: labels.index(labels[column]) != column)


def _rows(weights: Any) -> Any:
    """Whole numbers of steps above the least weight, which changes no answer; in front a row of none, as pieces count from 1."""
    rows = np.zeros((len(weights) + 1, weights.shape[1]), dtype="<u2")
    least = np.float32(weights.min())
    for start in range(0, len(weights), _AT_ONCE):
        some = weights[start : start + _AT_ONCE].astype(np.float32)
        rows[start + 1 : start + 1 + len(some)] = np.rint((some - least) * STEP)
    return rows


def _double_array(table: array[int], rows: array[int], outputs: list[int]) -> tuple[_Numbers, _Numbers, _Numbers, _Numbers]:
    """(owners, features, follows, shorter), as `language_model` reads them.

    table: the next state for each byte, 256 a row; rows: the row of each state; outputs: the piece that ends at it, or -1.
    """
    parents, letters, children, shorter = _tree(np.frombuffer(table, dtype=table.typecode).reshape(-1, 256), np.array(rows))
    numbers = _numbers(parents, letters, len(rows))
    # What a state without children goes on with is the longest shorter one that has some.
    onward = np.arange(len(rows))
    while (childless := numbers[onward] < 0).any():
        onward = np.where(childless, shorter[onward], onward)
    places = numbers[parents] + letters
    size = int(numbers.max()) + 256
    owners = np.full(size, _NOBODY)
    owners[:256] = 0
    owners[places] = numbers[parents]
    features, follows, less = np.zeros((3, size), dtype=np.intp)
    features[places] = np.array(outputs)[children] + 1
    follows[places] = numbers[onward[children]]
    less[numbers[parents]] = numbers[onward[shorter[parents]]]
    return owners, features, follows, less


def _tree(table: _Numbers, rows: _Numbers) -> tuple[_Numbers, _Numbers, _Numbers, _Numbers]:
    """(parents, letters, children: all edges, those of a parent together; the longest shorter state of each state).

    Level by level: what a state leads to, and no state of fewer bytes is, is its child.
    """
    known = np.zeros(len(rows), dtype=bool)
    known[0] = True
    shorter = np.zeros(len(rows), dtype=np.intp)
    level = np.zeros(1, dtype=np.intp)
    edges: list[tuple[_Numbers, _Numbers, _Numbers]] = []
    while len(level):
        below = []
        for start in range(0, len(level), _AT_ONCE):
            some = level[start : start + _AT_ONCE]
            follows = table[rows[some]]
            found, letters = np.nonzero(~known[follows])
            parents, children = some[found], follows[found, letters].astype(np.intp)
            shorter[children] = np.where(parents == 0, 0, table[rows[shorter[parents]], letters])
            edges.append((parents, letters, children))
            below.append(children)
        level = np.concatenate(below)
        known[level] = True
    parents, letters, children = (np.concatenate(part) for part in zip(*edges, strict=True))
    return parents, letters, children, shorter


def _numbers(parents: _Numbers, letters: _Numbers, states: int) -> _Numbers:
    """A number for each state that has children, such that number and letter are another place for each edge; else -1.

    States with many children choose first; each takes the least number that suits it. Whole numbers serve as sets of bits.
    """
    numbers = np.full(states, -1)
    numbers[0] = 0
    owners, starts, counts = np.unique(parents, return_index=True, return_counts=True)
    written = letters.astype(np.uint8).tobytes()
    places, given = (1 << 256) - 1, 1
    for one in np.argsort(-counts, kind="stable").tolist():
        if owners[one] == 0:
            continue
        children = written[starts[one] : starts[one] + counts[one]]
        taken = given
        for letter in children:
            taken |= places >> letter
        number = (~taken & (taken + 1)).bit_length() - 1
        places |= sum(1 << letter for letter in children) << number
        given |= 1 << number
        numbers[owners[one]] = number
    return numbers
