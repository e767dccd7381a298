"""What a changed config changes: for the log of a reload and for `plan`.

A `Snapshot` of the config is stored when it is adopted, so that `plan` can tell what an edit changes. It holds short hashes in
place of values, as some are secret.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias

from msgspec import NODEFAULT, Struct
from msgspec.structs import astuple, replace

from aggregator.settings import Settings

NAMED = frozenset({"sources", "tags", "topics", "outputs"})
"""Parts of `Settings` that are compared name by name."""
DERIVED = frozenset({"file", "notes", "lists", "includes", "secrets", "channel_places"})
"""What follows from the rest of the file, or is no part of it."""
SECTIONS = tuple(name for name in Settings.__struct_fields__ if name not in NAMED | DERIVED)
"""Parts that are compared as a whole."""


UNSAID = frozenset({"id", "shown"})
"""Fields that follow from the name or from others."""
Keys: TypeAlias = Mapping[str, str]
"""Key → hash of its value, without keys that have their default."""


class Snapshot(Struct, frozen=True):
    """A config. sources, tags, topics, outputs: name → its keys; sections: the other parts → their keys."""

    sources: Mapping[str, Keys]
    tags: Mapping[str, Keys]
    topics: Mapping[str, Keys]
    outputs: Mapping[str, Keys]
    sections: Mapping[str, Keys]


class Changed(Struct, frozen=True):
    """A named thing of which some keys differ."""

    name: str
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return self.name if self.keys == ("value",) else f"{self.name} ({', '.join(self.keys)})"


class Part(Struct, frozen=True):
    """What happened to things of one kind; names in the order of the new file, of those removed in that of the old one."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Changed, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class Difference(Struct, frozen=True):
    """All that differs between two configs. sections: keys of the settings that have no names of their own."""

    sources: Part
    tags: Part
    topics: Part
    outputs: Part
    sections: tuple[Changed, ...]

    def __bool__(self) -> bool:
        return bool(self.sources or self.tags or self.topics or self.outputs or self.sections)

    def lines(self) -> list[str]:
        """One line for each change: `+ source x`, `- topic y`, `~ output z (items)`. Values are left out: they may be secret."""
        found = []
        for kind, part in (("source", self.sources), ("tag", self.tags), ("topic", self.topics), ("output", self.outputs)):
            found += [f"+ {kind} {name}" for name in part.added]
            found += [f"- {kind} {name}" for name in part.removed]
            found += [f"~ {kind} {changed}" for changed in part.changed]
        return found + [f"~ {changed}" for changed in self.sections]

    def __str__(self) -> str:
        return "; ".join(self.lines()) or "nothing"


def take(settings: Settings) -> Snapshot:
    """The snapshot of a config."""
    settings = with_paths_from_file(settings)
    return Snapshot(
        sources={source.id: keys_of(source) for source in settings.sources},
        tags={rule.name: keys_of(rule) for rule in settings.tags},
        topics={topic.slug: keys_of(topic) for topic in settings.topics},
        outputs={output.slug: keys_of(output) for output in settings.outputs},
        sections={name: _section(value) for name in SECTIONS for value in (getattr(settings, name),)},
    )


def with_paths_from_file(settings: Settings) -> Settings:
    """The settings with paths seen from the config's folder: they are the same in whichever folder the command is called."""

    def seen(path: Path | str) -> Path:
        return Path(os.path.relpath(path, settings.file.parent))

    storage, publish, tagging = settings.storage, settings.publish, settings.tagging
    backup = storage.backup and replace(storage.backup, directory=seen(storage.backup.directory))
    names = tagging.entities_file and seen(tagging.entities_file)
    return replace(
        settings,
        storage=replace(storage, database=str(seen(storage.database)), backup=backup),
        publish=replace(publish, directory=seen(publish.directory), private=seen(publish.private)),
        tagging=replace(tagging, entities_file=names),
    )


def keys_of(value: Struct) -> Keys:
    """The keys of a value that differ from their defaults."""
    found = zip(_defaults(type(value)), astuple(value), strict=True)
    return {name: _hash(one) for (name, default), one in found if one is not default and name not in UNSAID and one != default}


@cache
def _defaults(kind: type[Struct]) -> tuple[tuple[str, object], ...]:
    """The fields of a kind with their defaults; those without are never equal to theirs."""
    defaults = dict(zip(kind.__struct_fields__[::-1], kind.__struct_defaults__[::-1], strict=False))
    return tuple((name, defaults.get(name, NODEFAULT)) for name in kind.__struct_fields__)


def compare(before: Settings, after: Settings) -> Difference:
    """What differs between two configs. Where an expectation stands in the file does not count."""
    return compare_snapshots(take(before), take(after))


def compare_snapshots(before: Snapshot, after: Snapshot) -> Difference:
    """What differs between two configs."""
    return Difference(
        sources=_part(before.sources, after.sources),
        tags=_part(before.tags, after.tags),
        topics=_part(before.topics, after.topics),
        outputs=_part(before.outputs, after.outputs),
        sections=_part(before.sections, after.sections).changed,
    )


def changed_keys(before: Keys, after: Keys) -> tuple[str, ...]:
    """The keys that differ, in the order of `after`."""
    return tuple(key for key in {**after, **before} if before.get(key) != after.get(key))


def _part(before: Mapping[str, Keys], after: Mapping[str, Keys]) -> Part:
    both = [(name, changed_keys(before[name], keys)) for name, keys in after.items() if name in before]
    return Part(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(Changed(name, keys) for name, keys in both if keys),
    )


def _section(value: object) -> Keys:
    if isinstance(value, Mapping):
        return {str(key): _hash(one) for key, one in value.items()}
    return keys_of(value) if isinstance(value, Struct) else {"value": _hash(value)}


def _hash(value: object) -> str:
    """8 bytes, in hexadecimal."""
    if isinstance(value, frozenset):
        value = sorted(map(repr, value))
    return hashlib.blake2b(_text(_comparable(value)).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _text(value: object) -> str:
    """All of a value; the `repr` of some leaves secrets out."""
    if isinstance(value, Struct):
        return repr([type(value).__name__, *(_text(getattr(value, name)) for name in value.__struct_fields__)])
    return repr(value)


def _comparable(value: object) -> object:
    """Expectations move when lines are added above them."""
    if isinstance(value, tuple) and value and hasattr(value[0], "column"):
        return tuple((one.match, one.title, one.body, one.source, one.tags) for one in value)
    return value
