"""What was adopted of each source and of the rest of a config: stored, so that the next edit is seen whenever it happens."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

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


CHUNK = 1_000
"""Sources that are hashed at a time."""


class AdoptedSource(Struct, frozen=True, omit_defaults=True):
    """keys: as in `Snapshot`; attributes: a hash of what decides the attributes of its stored entries.

    filter: of the `keep` and `drop` that its stored entries were last filtered by; None if that is not known.
    """

    keys: Keys
    attributes: str = ""
    filter: str | None = None


class Adopted(Struct, frozen=True):
    """The part of an `AdoptedSource` that is asked of every source."""

    attributes: str = ""
    filter: str | None = None


def records(store: Values, ids: Collection[SourceId] | None = None) -> dict[SourceId, str]:
    """The stored records of all adopted sources, also of those that have left the config since; or of those with these ids.

    As they are stored, since very many of them take a third of the memory so.
    """
    if ids is None:
        return {SourceId(key.removeprefix(SOURCE_KEY)): value for key, value in store.values(SOURCE_KEY).items()}
    found = {id: store.value(SOURCE_KEY + id) for id in ids}
    return {id: value for id, value in found.items() if value is not None}


def read_part(record: str) -> Adopted:
    """What is asked of every source."""
    return msgspec.json.decode(record, type=Adopted)


def read(record: str) -> AdoptedSource:
    """What a record holds."""
    return msgspec.json.decode(record, type=AdoptedSource)


def written(source: AdoptedSource) -> str:
    """The record of a source."""
    return msgspec.json.encode(source).decode()


def sources(store: Values) -> dict[SourceId, AdoptedSource]:
    """All adopted sources, also those that have left the config since."""
    return {id: read(record) for id, record in records(store).items()}


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
    return float(at) if known == _fingerprint(settings) else None


def save_taken(store: Values, transaction: ValueWrites, settings: Settings, now: Instant) -> None:
    """Stores that the config is in use from now on, if it is another one than before."""
    stored, found = store.value(TAKEN_KEY), _fingerprint(settings)
    if stored is None or stored.partition(" ")[0] != found:
        transaction.set_value(TAKEN_KEY, f"{found} {now}")


def _fingerprint(settings: Settings) -> str:
    """Hashes the whole config. The sources as they are, whose snapshot takes long if they are many."""
    rest = take(msgspec.structs.replace(settings, sources=()))
    digest = hashlib.blake2b(msgspec.json.encode(rest, order="sorted"), digest_size=8)
    for first in range(0, len(settings.sources), CHUNK):
        digest.update(msgspec.msgpack.encode(settings.sources[first : first + CHUNK]))
    return digest.hexdigest()


def save_sources(transaction: ValueWrites, changed: Mapping[SourceId, str]) -> None:
    """Stores records in place of those that there are."""
    for id, record in changed.items():
        transaction.set_value(SOURCE_KEY + id, record)


def save_rest(store: Values, transaction: ValueWrites, settings: Settings) -> None:
    """Stores the snapshot of the config without its sources, if it differs."""
    text = msgspec.json.encode(take(msgspec.structs.replace(settings, sources=()))).decode()
    if store.value(REST_KEY) != text:
        transaction.set_value(REST_KEY, text)
