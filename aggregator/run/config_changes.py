"""Says in names what an edit of the config changes, for the log. What it does to stored stories, `aggregator plan` tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from aggregator.settings import Settings, TagRule, Topic

LISTED = 20
"""Names that are told at most of what was added, removed or changed: an edit of a list may touch thousands."""
_NAMED = {"sources": ("source", "id"), "topics": ("topic", "slug"), "outputs": ("feed", "slug"), "tags": ("tag", "name")}
"""Field of the settings → what its members are called, and what names one."""
_UNTOLD = {"file", "notes", "includes", "secrets", "channel_places"}
"""Fields that follow from others, or must not be told."""
_KEYS = {
    "alerts_webhook": "alerts.webhook",
    "alerts_notify": "alerts.notify",
    "lists": "lists of sources",
    "tagging": "subjects, entities or categories",
}
"""Field of the settings → the key of the config, where it is another one."""


def describe_changes(before: Settings, after: Settings) -> dict[str, str]:
    """Returns what was `added`, `removed` and `changed`, like "source one, topic sea, publish"; nothing where nothing was."""
    found: dict[str, list[str]] = {"added": [], "removed": [], "changed": []}
    for field in Settings.__struct_fields__:
        old, new = getattr(before, field), getattr(after, field)
        if old == new or field in _UNTOLD:
            continue
        if field in _NAMED:
            kind, name = _NAMED[field]
            is_source = field == "sources"
            known = (before.sources_by_id, after.sources_by_id) if is_source else (_by_name(old, name), _by_name(new, name))
            _compare(kind, known[0], known[1], found)
        else:
            found["changed"].append(_KEYS.get(field, field))
    return {how: _listed(names) for how, names in found.items() if names}


def _by_name(members: Iterable[msgspec.Struct], name: str) -> dict[str, msgspec.Struct]:
    return {getattr(one, name): _without_places(one) for one in members}


def _without_places(one: msgspec.Struct) -> msgspec.Struct:
    """Leaves out in which lines the tests of a rule stand: an edit above them moves them all."""
    if isinstance(one, TagRule | Topic):
        return replace(one, expect=tuple(replace(test, line=0, column=0) for test in one.expect))
    return one


def _compare(
    kind: str, old: Mapping[Any, msgspec.Struct], new: Mapping[Any, msgspec.Struct], found: Mapping[str, list[str]]
) -> None:
    found["added"].extend(f"{kind} {name}" for name in new if name not in old)
    found["removed"].extend(f"{kind} {name}" for name in old if name not in new)
    found["changed"].extend(f"{kind} {name}" for name in new if name in old and new[name] != old[name])


def _listed(names: list[str]) -> str:
    rest = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {rest} more" if rest > 0 else "")
