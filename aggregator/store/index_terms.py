"""The terms (words and addresses) of the story index: their frequency and postings, cached, with write-behind."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from operator import itemgetter

from aggregator.model import Instant
from aggregator.ports import Postings
from aggregator.store.connection import Connection
from aggregator.store.index_cache import rows

POSTINGS = 20
"""Items that a term leads to: the newest. A word in more items is too common to be useful."""
CACHED = 120_000
"""Most terms kept in memory (about 25 MB)."""
_LOAD = "term, frequency, postings FROM group_terms WHERE term"
_WRITE = "INSERT OR REPLACE INTO group_terms (term, frequency, seen, postings) VALUES (?, ?, ?, ?)"

_NONE: Postings = array("q")


class Terms:
    """A cache of two generations: terms not used between two turns are dropped.

    A term's frequency and postings are always in the same generation. Frequencies are whole numbers: Python keeps one object for
    each of the small ones, and most are.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}
        self._young_postings: dict[int, Postings] = {}
        self._old_postings: dict[int, Postings] = {}
        self._dirty: dict[int, Instant] = {}

    def frequencies(self, keys: Collection[int]) -> list[int]:
        """As in `ports.StoryIndex`, like the two that follow."""
        try:
            return list(map(self._young.__getitem__, keys))
        except KeyError:
            self.expect(keys)
            return list(map(self._young.__getitem__, keys))

    def postings(self, keys: Collection[int]) -> list[Postings]:
        self.expect(keys)
        get = self._young_postings.get
        return [get(key, _NONE) for key in keys]

    def expect(self, keys: Collection[int]) -> None:
        young = self._young
        if all(map(young.__contains__, keys)):
            return
        missing = set(keys).difference(young)
        for key in missing & self._old.keys():
            young[key] = self._old.pop(key)
            if postings := self._old_postings.pop(key, None):
                self._young_postings[key] = postings
            missing.discard(key)
        for key, frequency, postings in rows(self._connection, _LOAD, sorted(missing)):
            young[key] = int(frequency)
            missing.discard(key)
            if postings:
                self._young_postings[key] = array("q", postings)
        young.update(dict.fromkeys(missing, 0))

    def count(self, keys: Collection[int], unit: int, added: Instant) -> None:
        """Counts one more item that contains each of the keys."""
        self.expect(keys)
        young, dirty = self._young, self._dirty
        for key in keys:
            young[key] += unit
            dirty[key] = added

    def post(self, keys: Collection[int], posting: int, added: Instant) -> None:
        """Makes the keys lead to one more item. Keys that already do are left alone."""
        young = self._young_postings
        for key, known in zip(keys, self.postings(keys), strict=True):
            if not known:
                young[key] = array("q", (posting,))
            elif known[-1] < posting:
                known.append(posting)
                if len(known) > POSTINGS:
                    del known[0]
            elif posting not in known:
                young[key] = array("q", sorted((*known, posting))[-POSTINGS:])
        self._dirty.update(dict.fromkeys(keys, added))

    def write(self) -> Instant:
        """Stores the changed terms. Returns when the newest of them was seen."""
        young, postings = self._young, self._young_postings
        self._connection.executemany(
            _WRITE,
            [
                (key, young[key], seen, (postings[key].tobytes() if key in postings else b""))
                for key, seen in sorted(self._dirty.items(), key=itemgetter(0))
            ],
        )
        newest = max(self._dirty.values(), default=0.0)
        self._dirty.clear()
        return newest

    def turn(self) -> None:
        """Drops the old generation if the young one is full and nothing waits to be written."""
        if len(self._young) > CACHED // 2 and not self._dirty:
            self._old, self._young = self._young, {}
            self._old_postings, self._young_postings = self._young_postings, {}

    def clear(self) -> None:
        for held in (self._young, self._old, self._young_postings, self._old_postings, self._dirty):
            held.clear()
