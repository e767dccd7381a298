"""What a poll starts from and what it reports."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from aggregator.model.fetched import Fault
from aggregator.model.ids import Slug, SourceId
from aggregator.model.sources import Source, SourceState

PollOutcome = Literal["changed", "unchanged", "failed", "refused"]

Work: TypeAlias = tuple[Source, SourceState]
"""A source to poll and its state."""


class PollReport(Struct, frozen=True):
    """The result of a poll. detail: one line for a person; new, changed: counts of items; slugs: feeds to publish.

    grouped, refused: counts of entries beyond the source's budget (`stories.budget.Allotted`). fault: why a poll failed.
    """

    source: SourceId
    outcome: PollOutcome
    detail: str
    new: int = 0
    changed: int = 0
    slugs: frozenset[Slug] = frozenset()
    grouped: int = 0
    refused: int = 0
    seconds: float = 0.0
    fault: Fault | None = None
