"""What a changed config changes: for the log of a reload and for `plan`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from aggregator.settings import Settings

NAMED = frozenset({"sources", "tags", "topics", "outputs"})
"""Parts of `Settings` that are compared name by name."""
DERIVED = frozenset({"file", "notes", "lists", "includes", "secrets"})
"""What follows from the rest of the file, or is no part of it."""
SECTIONS = tuple(name for name in Settings.__struct_fields__ if name not in NAMED | DERIVED)
"""Parts that are compared as a whole."""


class Changed(Struct, frozen=True):
    """A named thing of which some keys differ."""

    name: str
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.keys)})"


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


def compare(before: Settings, after: Settings) -> Difference:
    """What differs. Where an expectation stands in the file does not count."""
    return Difference(
        sources=_part({source.id: source for source in before.sources}, {source.id: source for source in after.sources}),
        tags=_part({rule.name: rule for rule in before.tags}, {rule.name: rule for rule in after.tags}),
        topics=_part({topic.slug: topic for topic in before.topics}, {topic.slug: topic for topic in after.topics}),
        outputs=_part({output.slug: output for output in before.outputs}, {output.slug: output for output in after.outputs}),
        sections=tuple(_sections(before, after)),
    )


def _part(before: Mapping[str, Struct], after: Mapping[str, Struct]) -> Part:
    both = [(name, _differing(before[name], value)) for name, value in after.items() if name in before]
    return Part(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(Changed(name, keys) for name, keys in both if keys),
    )


def _differing(before: Struct, after: Struct) -> tuple[str, ...]:
    """Names of the fields that differ, of two values of one class."""
    if before == after:
        return ()
    return tuple(
        name for name in after.__struct_fields__ if _comparable(getattr(before, name)) != _comparable(getattr(after, name))
    )


def _comparable(value: object) -> object:
    """Expectations move when lines are added above them."""
    if isinstance(value, tuple) and value and hasattr(value[0], "column"):
        return tuple((one.match, one.title, one.body, one.source, one.tags) for one in value)
    return value


def _sections(before: Settings, after: Settings) -> list[Changed]:
    found = []
    for name in SECTIONS:
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            keys = tuple(key for key in {**old, **new} if old.get(key) != new.get(key))
        else:
            keys = _differing(old, new) if isinstance(new, Struct) else ()
        found.append(Changed(name, keys or ("value",)))
    return found
