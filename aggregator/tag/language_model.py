"""py3langid's language model in 3 MB of memory and without numpy, for texts that script and function words don't decide.

The model is a list of 100,000 pieces of words and a weight of each for each language. py3langid holds 28 MB of weights and a
table of 39 MB that finds the pieces in a text. Here that table is a double array (Aoe 1989; `language_tables` makes it) of
1.7 MB, and the weights stay in a file, from which the rows of a text's pieces are read: some fifty of 170 bytes. Probabilities
differ from py3langid's by .0014 at most (40,000 texts, 4 other answers), because weights are rounded.

The file is made by an installation (`python -m aggregator.tag.language_model`), because that takes 0.7 s, numpy and 150 MB.
Where it is missing or made of another model, as after `pipx install`, the first process that needs it makes it. Where that may
not write into the installation, each process makes one for itself, as a temporary file.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import unicodedata
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from importlib.util import find_spec
from math import exp, log1p, sqrt
from operator import itemgetter
from os import pread
from pathlib import Path
from subprocess import DEVNULL, PIPE, run
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple
from weakref import finalize

from aggregator.files import replacing

LANGUAGES = """
af am ar as az be bg bn ca cs cy da de el en es et eu fa fi fr ga gl gu ha he hi hr hu hy id is it ja ka kk km kn ko ku ky lo lt
lv mk ml mn mr ms mt my ne nl no or pa pl ps pt ro ru si sk sl so sq sr sv sw ta te tg th tk tl tr ug uk ur uz vi zh zu
"""
"""The 83 languages used. The model's other labels (bs, pcm, ace …) attract headlines of similar languages."""

FORMAT = 3
"""Version of the file's format."""
START = struct.Struct("<II")
"""The file's first bytes: the sum (CRC-32) and the length of what is held in memory; the rows of weights follow that.

What is held: a line of JSON, then the double array's parts, PARTS of numbers as this machine writes them.
"""
PARTS = 4
INSTALLED = Path(__file__).with_name("language.tables")


class _Tables(NamedTuple):
    file: int
    """Descriptor of the open file, …"""
    rows: int
    """… and where its rows begin, in bytes."""
    head: dict[str, Any]
    """columns: labels; prior: a number each; step: weights are in parts of it; together: so many rows can be added; made_of:
    what they depend on."""
    parts: list[array[int]]


class Model:
    """py3langid for some of its labels. Raises OSError where its file can neither be read nor be made.

    A state is what the last bytes of a text are the beginning of, as a number. What may follow it stands at the place that is
    the sum of state and byte: `_owners` says whose place that is, `_follows` the next state, `_features` the piece that ends
    there, from 1, or 0. Where a place is another's, the state that remembers fewer bytes, `_shorter`, goes on; the first
    state, 0, owns a place for each byte.
    """

    def __init__(self, languages: Iterable[str]) -> None:
        self._file, self._rows, head, parts = _opened(sorted(languages))
        finalize(self, os.close, self._file)
        columns: list[str] = head["columns"]
        self.labels = list(dict.fromkeys(columns))
        # A label of two scripts (Serbian) has two columns: the second stands behind the labels.
        self._twice = [(self.labels.index(columns[place]), place) for place in range(len(self.labels), len(columns))]
        self._row = struct.Struct(f"<{len(columns)}H")
        self._prior: list[float] = head["prior"]
        self._step: float = head["step"]
        self._together: int = head["together"]
        self._owners, self._features, self._follows, self._shorter = parts

    def likely(self, text: str, most: int, clear: float) -> dict[str, float]:
        """The `most` likeliest languages and how likely each is, best first; the first alone where it is as likely as `clear`.

        Raises OSError where the file can't be read.
        """
        chances = self._chances(text)
        best = max(chances)
        if best >= clear:
            return {self.labels[chances.index(best)]: best}
        return dict(sorted(zip(self.labels, chances, strict=True), key=itemgetter(1), reverse=True)[:most])

    def _chances(self, text: str) -> list[float]:
        """How likely each label is. As in py3langid, the root of the length keeps long texts from being surer than right."""
        written = _written(text)
        found = self._found(written)
        scale = 1.0 / sqrt(len(written) or 1)
        powers = [exp(score * scale) for score in self._scores(found)]
        whole = sum(powers)
        for first, second in self._twice:
            powers[first] += powers[second]
        return [power / whole for power in powers[: len(self.labels)]]

    def _found(self, written: bytes) -> dict[int, list[int]]:
        """How often → the pieces that occur so often, from 1."""
        owners, features, follows, shorter = self._owners, self._features, self._follows, self._shorter
        found: list[int] = []
        state = 0
        for byte in written:
            place = state + byte
            while owners[place] != state:
                state = shorter[state]
                place = state + byte
            state = follows[place]
            if feature := features[place]:
                found.append(feature)
        times: dict[int, list[int]] = {}
        for feature, count in Counter(found).items():
            times.setdefault(count, []).append(feature)
        return times

    def _scores(self, found: dict[int, list[int]]) -> list[float]:
        """Logarithms of how likely each column is, the best 0.

        A row is one whole number of 16 bits a column, so that one addition adds a row. Of `_together` rows no column overflows.
        """
        if not found:
            return [0.0] * len(self._prior)
        scores, file, rows, size = self._prior, self._file, self._rows, self._row.size
        for count, features in found.items():
            weight = log1p(count) / self._step
            for start in range(0, len(features), self._together):
                some = [pread(file, size, rows + size * feature) for feature in features[start : start + self._together]]
                total = sum([int.from_bytes(row, "little") for row in some])
                parts = self._row.unpack(total.to_bytes(size, "little"))
                scores = [score + weight * part for score, part in zip(scores, parts, strict=True)]
        best = max(scores)
        return [score - best for score in scores]


def _written(text: str) -> bytes:
    """The text as py3langid reads it: what is all in capitals in small letters, composed, UTF-8."""
    if text.isupper():
        text = text.lower()
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")


def _opened(languages: list[str]) -> _Tables:
    """The installation's tables, made there if they are missing and this user may write there, or new ones. Raises OSError."""
    if installed := _installed(languages):
        return installed
    with suppress(OSError):
        if languages == sorted(LANGUAGES.split()):
            install(languages, INSTALLED)
        if installed := _installed(languages):
            return installed
    with NamedTemporaryFile() as file:  # It is held by its descriptor, and needs no name.
        _make(languages, Path(file.name))
        if made := _read(Path(file.name)):
            return made
    raise OSError("a temporary file is not what was written")


def _installed(languages: list[str]) -> _Tables | None:
    """The installation's tables, if they are of this model and these languages."""
    installed = _read(INSTALLED)
    if installed and installed.head["made_of"] != made_of(languages):
        os.close(installed.file)
        return None
    return installed


def made_of(languages: list[str]) -> list[Any]:
    """What tables depend on. The model is told by its size: its version takes longer to find."""
    package = find_spec("py3langid")
    model = Path(package.origin or "").parent / "data/model.npz.xz" if package else Path()
    return [FORMAT, model.stat().st_size if model.is_file() else 0, sys.byteorder, *languages]


def _read(place: Path) -> _Tables | None:
    """What is there, if it is whole. The rows have no sum, only their length: to read all would cost more than all else here."""
    with suppress(OSError):
        file = os.open(place, os.O_RDONLY)
        try:
            if tables := _whole(file):
                return tables
        except BaseException:
            os.close(file)
            raise
        os.close(file)
    return None


def _whole(file: int) -> _Tables | None:
    start = pread(file, START.size, 0)
    size = os.fstat(file).st_size
    if len(start) < START.size:
        return None
    told, length = START.unpack(start)
    if length > size or zlib.crc32(held := pread(file, length, START.size)) != told:
        return None
    line, _, rest = held.partition(b"\n")
    head = json.loads(line)
    if size != START.size + length + head["rows"]:
        return None
    part = len(rest) // PARTS
    parts = [array("I", rest[part * number : part * (number + 1)]) for number in range(PARTS)]
    return _Tables(file, START.size + length, head, parts)


def install(languages: list[str], place: Path) -> None:
    """Makes the installation's tables. Raises OSError where they can't be written."""
    with replacing(place, 0o644) as beside:
        _make(languages, beside)


def _make(languages: list[str], place: Path) -> None:
    """In a process of its own, so that neither numpy nor what it takes for a moment stays here. Raises OSError."""
    path = os.pathsep.join(part or str(Path.cwd()) for part in sys.path)
    line = [sys.executable, "-P", "-m", "aggregator.tag.language_tables", str(place), *languages]
    made = run(line, env=os.environ | {"PYTHONPATH": path}, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
    if made.returncode:
        raise OSError(f"the tables could not be made: {made.stderr.decode(errors='replace').strip().rpartition(chr(10))[2]}")


if __name__ == "__main__":
    install(sorted(LANGUAGES.split()), INSTALLED)
