"""What was adopted of each source and of the rest of a config: stored, so that the next edit is seen whenever it happens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from aggregator.config.diff import Difference, Keys, Snapshot, compare_snapshots, take
from aggregator.model import Instant, SourceId
from aggregator.ports import Values, ValueWrites
from aggregator.settings import Settings

SOURCE_KEY = "source."
"""Prefix of the stored values, by source. `store/renames.py` keeps them with a source whose id changes."""
REST_KEY = "config"
"""Key of the stored snapshot of everything but the sources."""


TAKEN_KEY = "adopted"
"""Key of the stored fingerprint of the whole config that was adopted last, and when that was."""


class AdoptedSource(Struct, frozen=True, omit_defaults=True):
    """keys: as in `Snapshot`; attributes: a hash of what decides the attributes of its stored entries.

    filter: of the `keep` and `drop` that its stored entries were last filtered by; None if that is not known.
    """

    keys: Keys
    attributes: str = ""
    filter: str | None = None


def sources(store: Values) -> dict[SourceId, AdoptedSource]:
    """All adopted sources, also those that have left the config since."""
    return {
        SourceId(key.removeprefix(SOURCE_KEY)): msgspec.json.decode(value, type=AdoptedSource)
        for key, value in store.values(SOURCE_KEY).items()
    }


def difference(store: Values, settings: Settings, configured: Mapping[SourceId, object]) -> Difference | None:
    """What differs from the config adopted last; None if none was. configured: the sources of that one."""
    stored = store.value(REST_KEY)
    if stored is None:
        return None
    before = msgspec.json.decode(stored, type=Snapshot)
    known = {id: one.keys for id, one in sources(store).items() if id in configured}
    return compare_snapshots(msgspec.structs.replace(before, sources=known), take(settings))


def taken_up(store: Values, settings: Settings) -> Instant | None:
    """Since when just this config is in use; None if another one was adopted last."""
    stored = store.value(TAKEN_KEY)
    known, _, at = stored.partition(" ") if stored else ("", "", "")
    return float(at) if known == _fingerprint(take(settings)) else None


def save_taken(store: Values, transaction: ValueWrites, snapshot: Snapshot, now: Instant) -> None:
    """Stores that the config is in use from now on, if it is another one than before."""
    stored, found = store.value(TAKEN_KEY), _fingerprint(snapshot)
    if stored is None or stored.partition(" ")[0] != found:
        transaction.set_value(TAKEN_KEY, f"{found} {now}")


def _fingerprint(snapshot: Snapshot) -> str:
    return hashlib.blake2b(msgspec.json.encode(snapshot, order="sorted"), digest_size=8).hexdigest()


def save_sources(transaction: ValueWrites, changed: Mapping[SourceId, AdoptedSource]) -> None:
    for id, source in changed.items():
        transaction.set_value(SOURCE_KEY + id, msgspec.json.encode(source).decode())


def save_rest(store: Values, transaction: ValueWrites, snapshot: Snapshot) -> None:
    """Stores the snapshot without its sources, if it differs."""
    text = msgspec.json.encode(msgspec.structs.replace(snapshot, sources={})).decode()
    if store.value(REST_KEY) != text:
        transaction.set_value(REST_KEY, text)
