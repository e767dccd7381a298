"""The pipeline of the config in use, which a reload replaces while polls are under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from aggregator.model import Source, SourceId

if TYPE_CHECKING:
    from aggregator.pipeline.polls import Pipeline


class CurrentPipeline(Struct):
    """The pipeline of the config in use. It stores the polls that began under an older config.

    Under the old rules, their stories would miss the new config's topics: a reload looks at stored stories only once.
    """

    pipeline: Pipeline | None = None
    sources: Mapping[SourceId, Source] = field(default_factory=dict)

    def use(self, pipeline: Pipeline) -> None:
        self.pipeline, self.sources = pipeline, pipeline.settings.sources_by_id

    def find(self, source: Source) -> Source | None:
        """Returns the source as the config has it now; None if its address has changed: an old answer says nothing about it."""
        now = self.sources.get(source.id, source)
        return now if now.url == source.url else None
