"""A source's state after a poll: what cadence says, with secrets masked and pushes taken into account."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from aggregator.cadence import after_poll
from aggregator.cadence.push_fallback import delay_while_pushed
from aggregator.model import Fault, Feed, FetchFailed, FetchOutcome, Instant, Source, SourceState
from aggregator.ports import Hubs
from aggregator.settings import Settings
from aggregator.stories.ingest import Prepared
from aggregator.text.masks import mask_text


class NextStates(Struct, frozen=True):
    """Computes states under one config. rng: in [0, 1), for jitter; hubs: None without `network.websub`."""

    settings: Settings
    rng: Callable[[], float]
    hubs: Hubs | None = None

    def after(
        self,
        source: Source,
        state: SourceState,
        outcome: FetchOutcome,
        now: Instant,
        *,
        feed: Feed | None = None,
        prepared: Prepared | None = None,
    ) -> SourceState:
        """The state after an outcome. feed and prepared: of a document that was read."""
        after = after_poll(
            source,
            state,
            outcome,
            new=prepared.new if prepared else 0,
            arrivals=prepared.arrivals if prepared else (),
            feed=feed,
            now=now,
            polling=self.settings.polling,
            rng=self.rng(),
            timezone=self.settings.site.timezone,
        )
        if after.last_error:
            after = replace(after, last_error=mask_text(after.last_error, self.settings.secrets))
        if self.hubs is None or after.failures:
            return after
        return delay_while_pushed(source, after, self.hubs.pushes_until(source.id), now, self.settings.polling)

    def failed(self, source: Source, state: SourceState, fault: Fault, now: Instant) -> SourceState:
        return self.after(source, state, FetchFailed(fault), now)
