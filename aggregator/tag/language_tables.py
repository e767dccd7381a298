"""Makes the file that `language_model` reads: py3langid (which this module alone knows) with its table as a double array.

py3langid's automaton is that of Aho and Corasick: a state is the beginning of a piece, in bytes, and what follows from it is
either one byte more of that piece (a child) or what follows from the longest shorter state at its end. So children alone need
a place: 105,000 of them in place of 39 MB.

    python -m aggregator.tag.language_tables FILE LANGUAGE...
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from array import array
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from aggregator.tag.language_model import START, made_of

STEP = 128
"""Weights are kept in parts of one: what float16, in which they come, keeps of nearly all of them (8 to 15, negative)."""
_MOST = 2**16 - 1
"""What a column of a row holds."""
_AT_ONCE = 4096
"""States whose followers are looked through together: 4 MB."""
_WINDOW = 4096
"""Places that are looked through for a state with several children: more cost time, fewer leave gaps."""
_NOBODY = 2**32 - 1

_Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.intp]]"


def write(place: Path, languages: list[str]) -> None:
    """Makes the file. Raises OSError."""
    whole = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    whole.set_languages(languages)
    parts = _double_array(whole.tk_nextmove, whole.tk_row, whole.tk_output)
    order = _order(whole.nb_classes)
    columns, prior = [whole.nb_classes[column] for column in order], whole.nb_pc[order].tolist()
    rows = _rows(whole.nb_ptc[:, order])
    head = {
        "columns": columns,
        "prior": prior,
        "step": STEP,
        "together": int(_MOST // rows.max()),
        "rows": rows.nbytes,
        "made_of": made_of(languages),
    }
    held = json.dumps(head).encode() + b"\n" + b"".join(part.astype(np.uint32).tobytes() for part in parts)
    with place.open("wb") as file:
        file.write(START.pack(zlib.crc32(held), len(held)) + held)
        file.write(rows.data)
        file.flush()
        os.fsync(file.fileno())


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

    Level by level: what a state leads to, and no state of fewer bytes is, is its child. A state without children has the row
    of a shorter one, where there is nothing new to be found.
    """
    known, looked = np.zeros(len(rows), dtype=bool), np.zeros(len(table), dtype=bool)
    known[0] = True
    shorter = np.zeros(len(rows), dtype=np.intp)
    level = np.zeros(1, dtype=np.intp)
    edges: list[tuple[_Numbers, _Numbers, _Numbers]] = []
    while len(level):
        below = []
        fresh = level[~looked[rows[level]]]
        looked[rows[fresh]] = True
        for start in range(0, len(fresh), _AT_ONCE):
            some = fresh[start : start + _AT_ONCE]
            follows = table[rows[some]]
            found, letters = np.nonzero(~known[follows])
            parents, children = some[found], follows[found, letters].astype(np.intp)
            shorter[children] = np.where(parents == 0, 0, table[rows[shorter[parents]], letters])
            edges.append((parents, letters, children))
            below.append(children)
        level = np.concatenate(below) if below else fresh
        known[level] = True
    parents, letters, children = (np.concatenate(part) for part in zip(*edges, strict=True))
    return parents, letters, children, shorter


def _numbers(parents: _Numbers, letters: _Numbers, states: int) -> _Numbers:
    """A number for each state that has children, such that number and letter are another place for each edge; else -1.

    States with many children choose first, each the least number that suits it near the end of what is taken; those with one
    fill the gaps. Whole numbers serve as sets of bits, from `low` on.
    """
    numbers = np.full(states, -1)
    numbers[0] = 0
    owners, starts, counts = np.unique(parents, return_index=True, return_counts=True)
    written = letters.astype(np.uint8).tobytes()
    places, given, low = (1 << 256) - 1, 1, 0
    for one in np.argsort(-counts, kind="stable")[: int((counts > 1).sum())].tolist():
        if owners[one] == 0:
            continue
        children = written[starts[one] : starts[one] + counts[one]]
        unfit = given
        for letter in children:
            unfit |= places >> letter
        number = (~unfit & (unfit + 1)).bit_length() - 1
        numbers[owners[one]] = low + number
        places |= sum(1 << letter for letter in children) << number
        given |= 1 << number
        if places.bit_length() > 2 * _WINDOW:
            places, given, low = places >> _WINDOW, given >> _WINDOW, low + _WINDOW
    alone = starts[counts == 1]
    _fill(numbers, parents, letters, alone[np.argsort(letters[alone], kind="stable")])
    return numbers


def _fill(numbers: _Numbers, parents: _Numbers, letters: _Numbers, left: _Numbers) -> None:
    """Numbers for the states whose only edges these are (`left`): each edge is tried on a place of its own that is free."""
    given = np.zeros(len(parents) * 2, dtype=bool)
    given[numbers[numbers >= 0]] = True
    taken = np.zeros(len(given), dtype=bool)
    taken[:256] = True
    told = numbers[parents] >= 0
    taken[numbers[parents[told]] + letters[told]] = True
    free = np.flatnonzero(~taken)
    while len(left):
        wanted = free[: len(left)] - letters[left]
        good = np.zeros(len(left), dtype=bool)
        good[np.unique(wanted, return_index=True)[1]] = True
        good &= (wanted > 0) & ~given[wanted]
        numbers[parents[left[good]]] = wanted[good]
        given[wanted[good]] = True
        free, left = free[len(left) :], left[~good]


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2:])
