"""The pipeline of the config in use, which a reload replaces while polls are under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

from aggregator.model import Source, SourceId
from aggregator.pipeline.storage import Storage
from aggregator.settings import Settings
from aggregator.stories.identity.domains import Owners, collect_owners
from aggregator.stories.identity.edited_sources import owners_after


class Wired(Protocol):
    """What polls under way look at of the pipeline that replaced theirs."""

    @property
    def settings(self) -> Settings: ...
    @property
    def storage(self) -> Storage: ...


class CurrentPipeline(Struct):
    """The pipeline of the config in use. It stores the polls that began under an older config.

    Under the old rules, their stories would miss the new config's topics: a reload looks at stored stories only once.
    owned: what `owners_under` found last, and for which config.
    """

    pipeline: Wired | None = None
    sources: Mapping[SourceId, Source] = field(default_factory=dict)
    owned: tuple[Owners, Settings] | None = None

    def use(self, pipeline: Wired) -> None:
        self.pipeline, self.sources = pipeline, pipeline.settings.sources_by_id

    def owners_under(self, settings: Settings) -> Owners:
        """Who owns which domain under a config. If only a few sources differ from the last one, looks at these alone."""
        owners = collect_owners(settings.sources, settings.outlets) if self.owned is None else owners_after(*self.owned, settings)
        self.owned = (owners, settings)
        return owners

    def find(self, source: Source) -> Source | None:
        """Returns the source as the config has it now; None if its address has changed: an old answer says nothing about it."""
        now = self.sources.get(source.id, source)
        return now if now.url == source.url else None
