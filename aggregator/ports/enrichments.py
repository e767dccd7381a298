"""What hooks (`enrich:`) are to be asked, and what they told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from msgspec import Struct

from aggregator.model import Enrichment, Instant, StoryId


class Asking(Struct, frozen=True):
    """A story and a hook that is to be asked about it, or was.

    input: a hash of what the story tells now; due: when the hook is asked next, None if it is not; attempts: how often it was
    asked about this input; asked: when it was asked last. answered: the hash that `result` was made from; private: whether the
    story was private then. error: why the last attempt failed.
    """

    story: StoryId
    hook: str
    input: str
    due: Instant | None = None
    attempts: int = 0
    asked: Instant = 0.0
    answered: str | None = None
    result: Enrichment | None = None
    private: bool = False
    error: str | None = None


class HookState(NamedTuple):
    """How a hook is doing. waiting: stories it is to be asked about; failed: given up; failing: of its last answers."""

    told: int = 0
    waiting: int = 0
    failed: int = 0
    failing: int = 0
    error: str | None = None


class Enrichments(Protocol):
    """Reads what hooks are to be asked."""

    def askings(self, stories: Collection[StoryId]) -> list[Asking]:
        """What is known of these stories, by story and hook."""
        ...

    def due_askings(self, hook: str, now: Instant, limit: int) -> list[Asking]:
        """Those of a hook that are due: of each source in turn (by the story's lead), longest due first."""
        ...

    def asked_since(self, hook: str, since: Instant) -> int:
        """How many stories the hook was asked about after an instant."""
        ...

    def enriched_stories(self, hook: str) -> list[StoryId]:
        """All stories that something is known of for the hook."""
        ...

    def hook_states(self) -> Mapping[str, HookState]:
        """How each hook is doing of which something is stored, gone ones included."""
        ...


class EnrichmentWrites(Protocol):
    """Writes what hooks are to be asked, and what they told."""

    def askings(self, stories: Collection[StoryId]) -> list[Asking]: ...

    def save_asking(self, asking: Asking) -> None:
        """Stores it by (story, hook)."""
        ...

    def remove_hook(self, hook: str) -> None:
        """Removes all that is known for a hook."""
        ...
