"""What a config is filled in from: the environment, and the files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from aggregator.text.masks import repr_without


class Surroundings(Struct, frozen=True):
    """What values are filled in from.

    files: collects what was read, so that a reload sees a change; secrets: collects what was filled in, so that logs can hide it.
    """

    environ: Mapping[str, str]
    directory: Path
    files: set[Path] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)

    def __repr__(self) -> str:
        return repr_without(self, "secrets")
