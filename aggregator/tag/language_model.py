"""For what neither script nor function words tell: py3langid's model (which this module alone knows) in a third of the memory.

py3langid keeps the next state for each state and byte as a table of 39 MB, and a probability for each of 142 labels. Here the
table is cut into pieces of 32 bytes, of which most are alike, and only the labels that are asked for stay, as they are on disk
(float16): 27 MB, and the same probabilities to the bit.
"""

from __future__ import annotations

import ctypes
from array import array
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

_PIECE = 32
"""Next states that are stored together, those for bytes that share the upper three bits. 16 or 64 of them need no less memory."""
_PIECES = 256 // _PIECE
_UPPER = bytes(byte // _PIECE for byte in range(256))
_LOWER = bytes(byte % _PIECE for byte in range(256))

_Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.uint32]]"


class Model:
    """py3langid for some of its labels. Loading takes half a second."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._identifier = _Compact.from_model_file(MODEL_FILE, norm_probs=True)
        self._identifier.compact(list(languages))
        self.labels: list[str] = self._identifier.labels
        # A label of two scripts (Serbian) has two columns, whose sum stands in the first.
        self._columns = np.array([self._identifier.nb_classes.index(label) for label in self.labels])
        with suppress(OSError, AttributeError):  # not glibc
            ctypes.CDLL(None).malloc_trim(0)  # What loading took besides: 15 MB.

    def likely(self, text: str, most: int, clear: float) -> dict[str, float]:
        """The `most` likeliest languages and how likely each is, best first; the first alone where it is as likely as `clear`."""
        chances = self._identifier._decide(text)[self._columns]
        first = int(chances.argmax())
        if chances[first] >= clear:
            return {self.labels[first]: float(chances[first])}
        return {self.labels[place]: float(chances[place]) for place in np.argsort(-chances, kind="stable")[:most].tolist()}


class _Compact(LanguageIdentifier):  # type: ignore[misc]  # it has no types
    """py3langid's automaton with its table in pieces. A state's number is that of its first piece: eight times py3langid's."""

    nb_ptc: Any
    tk_nextmove: Any
    tk_row: Any
    tk_output: Any

    def compact(self, languages: list[str]) -> None:
        """Once, after loading: keeps what `languages` need and puts the table into pieces."""
        self.set_languages(languages)
        # The labels that are not asked for are kept so that one could go back to them, and a view of the rest keeps it all.
        self._full_model = (self.nb_ptc[:0].copy(), self.nb_pc, self.nb_classes)
        # Rows side by side in memory: half the time.
        self.nb_ptc = np.ascontiguousarray(self.nb_ptc)
        places, follows = _in_pieces(self.tk_nextmove)
        self.tk_nextmove = ()
        rows = places.reshape(-1, _PIECES)[np.array(self.tk_row, dtype=np.intp)]
        self._pieces = array("I", (rows * _PIECE).tobytes())
        self._next = array("I", (follows * _PIECES).tobytes())
        self._features = array("i", self.tk_output)
        self.tk_row = self.tk_output = self._rowbase = ()

    def _raw_score(self, text: bytes) -> Any:
        """py3langid's own, with two look-ups a byte in place of one. text: UTF-8. Returns float32 numbers, one a column."""
        pieces, follows, features = self._pieces, self._next, self._features
        found: list[int] = []
        state = 0
        for upper, lower in zip(text.translate(_UPPER), text.translate(_LOWER), strict=True):
            state = follows[pieces[state + upper] + lower]
            feature = features[state // _PIECES]
            if feature >= 0:
                found.append(feature)
        if not found:
            return np.zeros(len(self.nb_classes), dtype=np.float32)
        return self._sparse_score(Counter(found), self.nb_ptc)


def _in_pieces(table: array[int]) -> tuple[_Numbers, _Numbers]:
    """(the number of each piece of the table among the distinct ones, the distinct ones one after the other)."""
    view, size = memoryview(table).cast("B"), _PIECE * table.itemsize
    distinct: dict[bytes, int] = {}
    places = [distinct.setdefault(bytes(view[start : start + size]), len(distinct)) for start in range(0, len(view), size)]
    follows = np.frombuffer(b"".join(distinct), dtype=table.typecode)
    return np.array(places, dtype=np.uint32), follows.astype(np.uint32, copy=False)
