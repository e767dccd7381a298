"""Answers that `aggregator add` has fetched: a source's first poll takes its own in place of asking for all of it again."""

from __future__ import annotations

import hashlib

import msgspec

from aggregator.model import Fetched, Instant
from aggregator.ports import Store, Transaction

KEY = "fetch.handed."
"""Prefix of the keys of stored answers; behind it stands a hash of the source's address."""
HANDED_FOR = 3_600.0
"""Seconds that an answer may wait for the first poll: a feed that is older is asked anew."""


class Handed(msgspec.Struct, frozen=True):
    """An answer and when it was fetched."""

    at: Instant
    answer: Fetched


def hand_over(store: Store, url: str, answer: Fetched, now: Instant) -> None:
    """Stores the answer for the first poll of the source with this address, and forgets those that nobody took."""
    stale = [key for key, text in store.values(KEY).items() if not _is_fresh(_read(text), now)]
    handed = Handed(now, msgspec.structs.replace(answer, hops=()) if answer.url == url else answer)
    with store.begin() as transaction:
        for key in stale:
            transaction.set_value(key, None)
        transaction.set_value(_key(url), msgspec.json.encode(handed).decode())


def find_handed(store: Store, url: str, now: Instant) -> Fetched | None:
    """The answer for the first poll of a source, if there is one that is not too old."""
    text = store.value(_key(url))
    handed = _read(text) if text is not None else None
    return handed.answer if handed is not None and _is_fresh(handed, now) else None


def remove_handed(transaction: Transaction, url: str) -> None:
    """Removes it, because it was taken."""
    transaction.set_value(_key(url), None)


def _key(url: str) -> str:
    return KEY + hashlib.sha256(url.encode()).hexdigest()


def _read(text: str) -> Handed | None:
    try:
        return msgspec.json.decode(text, type=Handed)
    except msgspec.MsgspecError:  # of another version of the program
        return None


def _is_fresh(handed: Handed | None, now: Instant) -> bool:
    return handed is not None and abs(now - handed.at) < HANDED_FOR
