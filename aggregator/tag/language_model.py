"""For what neither script nor function words tell: py3langid's model (which this module alone knows) in a third of the memory.

py3langid keeps the next state for each state and byte as a table of 39 MB, and a probability for each of 142 labels. Here the
table is cut into pieces of 32 bytes, of which most are alike, and only the labels that are asked for stay, as they are on disk
(float16): 27 MB, and the same probabilities to the bit. Making that takes half a second and 100 MB for a moment, so it is kept
beside the compiled modules, as they are: where that can be written, made anew when a version differs, safe to delete.
"""

from __future__ import annotations

import ctypes
import os
import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

FORMAT = 1
"""Grows when the parts below are made otherwise."""
_PIECE = 32
"""Next states that are stored together, those for bytes that share the upper three bits. 16 or 64 of them need no less memory."""
_PIECES = 256 // _PIECE
_UPPER = bytes(byte // _PIECE for byte in range(256))
_LOWER = bytes(byte % _PIECE for byte in range(256))

_Parts: TypeAlias = Mapping[str, Any]
"""ptc, pc, classes: as in py3langid; pieces, next, features: as `_raw_score` looks them up."""
_Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.uint32]]"


class Model:
    """py3langid for some of its labels."""

    def __init__(self, languages: Iterable[str]) -> None:
        wanted = sorted(languages)
        place = _place(wanted)
        self._identifier = _kept(place) or _made(wanted, place)
        self.labels: list[str] = self._identifier.labels
        # A label of two scripts (Serbian) has two columns, whose sum stands in the first.
        self._columns = np.array([self._identifier.nb_classes.index(label) for label in self.labels])

    def likely(self, text: str, most: int, clear: float) -> dict[str, float]:
        """The `most` likeliest languages and how likely each is, best first; the first alone where it is as likely as `clear`."""
        chances = self._identifier._decide(text)[self._columns]
        first = int(chances.argmax())
        if chances[first] >= clear:
            return {self.labels[first]: float(chances[first])}
        return {self.labels[place]: float(chances[place]) for place in np.argsort(-chances, kind="stable")[:most].tolist()}


class _Compact(LanguageIdentifier):  # type: ignore[misc]  # it has no types
    """py3langid's automaton with its table in pieces. A state's number is that of its first piece: eight times py3langid's."""

    def __init__(self, parts: _Parts) -> None:
        super().__init__(parts["ptc"], parts["pc"], parts["classes"].tolist(), (), (), norm_probs=True, tk_row=())
        self._pieces = _as_array(parts["pieces"])
        self._next = _as_array(parts["next"])
        self._features = _as_array(parts["features"])

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


def _place(languages: list[str]) -> Path:
    """Where the parts are kept: among the compiled modules."""
    key = zlib.crc32(" ".join(languages).encode())
    return Path(cache_from_source(__file__)).parent / f"language_model-{FORMAT}-{version('py3langid')}-{key:08x}.npz"


def _kept(place: Path) -> _Compact | None:
    """What was made before, if it is whole: the file has sums over its parts."""
    try:
        with np.load(place, allow_pickle=False) as parts:
            return _Compact(parts)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        return None


def _made(languages: list[str], place: Path) -> _Compact:
    """Made of py3langid's model, and kept where compiled modules are."""
    parts = _parts(languages)
    if not sys.dont_write_bytecode:
        _keep(parts, place)
    made = _Compact(parts)
    parts.clear()
    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)  # What making it took besides.
    return made


def _keep(parts: _Parts, place: Path) -> None:
    """Does nothing where that can't be written."""
    beside = place.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        place.parent.mkdir(exist_ok=True)
        try:
            with beside.open("wb") as file:
                np.savez(file, allow_pickle=False, **parts)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)


def _parts(languages: list[str]) -> dict[str, Any]:
    """Of py3langid's model, the labels that are asked for, rows side by side in memory, and its table in pieces."""
    whole = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    whole.set_languages(languages)
    places, follows = _in_pieces(whole.tk_nextmove)
    rows = places.reshape(-1, _PIECES)[np.array(whole.tk_row, dtype=np.intp)]
    return {
        "ptc": np.ascontiguousarray(whole.nb_ptc),
        "pc": whole.nb_pc,
        "classes": np.array(whole.nb_classes),
        "pieces": (rows * _PIECE).ravel(),
        "next": follows * _PIECES,
        "features": np.array(whole.tk_output, dtype=np.int32),
    }


def _as_array(numbers: Any) -> array[int]:
    """The same as an array of Python's, whose elements are read one by one in a third of the time."""
    found = array("i" if numbers.dtype == np.int32 else "I")
    found.frombytes(np.ascontiguousarray(numbers).data.cast("B"))
    return found


def _in_pieces(table: array[int]) -> tuple[_Numbers, _Numbers]:
    """(the number of each piece of the table among the distinct ones, the distinct ones one after the other)."""
    view, size = memoryview(table).cast("B"), _PIECE * table.itemsize
    distinct: dict[bytes, int] = {}
    places = [distinct.setdefault(bytes(view[start : start + size]), len(distinct)) for start in range(0, len(view), size)]
    follows = np.frombuffer(b"".join(distinct), dtype=table.typecode)
    return np.array(places, dtype=np.uint32), follows.astype(np.uint32, copy=False)


if __name__ == "__main__":  # at an installation, where the daemon can't write (deploy/)
    from aggregator.tag.language import LANGUAGES

    Model(LANGUAGES.split())
