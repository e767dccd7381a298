"""Polls of sources that are due, whoever stores what they bring; and while nobody can be reached, a probe in their place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog

from aggregator.model import Instant, PollReport
from aggregator.run.monitoring.metrics import Metrics
from aggregator.run.polls import outage
from aggregator.run.polls.outage import ENOUGH, PROBE, OutageWatch, may_be_ours
from aggregator.run.polls.poller import Poller
from aggregator.run.runtime import CurrentPolling, PollingRuntime

log = structlog.get_logger("polling")

CLAIM = 500
"""Due sources claimed in one tick at most."""

READ = ("changed", "unchanged")
"""Outcomes of polls that read their source."""


class DuePolls:
    """Starts polls, logs and counts their reports. reported: called with each.

    is_shared: other nodes can ask the sources while this one reaches nobody, so an outage is looked for all the time.
    """

    def __init__(
        self, current: CurrentPolling, metrics: Metrics, reported: Callable[[PollReport], None], *, is_shared: bool = False
    ) -> None:
        self._current = current
        self._metrics = metrics
        self._reported = reported
        self._is_shared = is_shared
        self._silent = 0
        self.store_error: BaseException | None = None
        """What kept the last poll or push from being stored."""
        self.outage = OutageWatch()
        self._told: str | None = None
        self._next_probe = 0.0
        self._probing: PollingRuntime | None = None
        runtime = current.runtime
        self.poller = Poller(current, runtime.settings.polling.workers, runtime.shares.polls)

    def raise_store_error(self) -> None:
        """Raises what kept the last poll or push from being stored, once."""
        error, self.store_error = self.store_error, None
        if error is not None:
            raise error

    async def start(self, now: Instant) -> float:
        """Starts the polls that are due, or in an outage a probe. Returns how many seconds late the latest of them is."""
        if self.outage.is_over and (self.outage.why is None or not self.poller.in_flight):
            await self._end_outage(now)
        await self._judge()
        if self.outage.why is not None:
            await self._probe(now)
            return 0.0
        claiming = self._current.runtime.resources.claiming
        due = await claiming.claim(now, CLAIM, self.poller.in_flight)
        work = self._current.runtime.with_sources(due)
        for source in {state.id for state in due} - {source.id for source, _ in work}:
            claiming.finish(source)  # it isn't in this config
        self.follow(self.poller.start(work))
        return now - min((state.due for state in due), default=now)

    # --- outages
    async def recall_outage(self) -> None:
        """Goes on with the outage in which the daemon was stopped, if there was one: the first tick probes a source.

        Among several nodes there is nothing to go on with: what others could not reach says nothing about this one.
        """
        if self._is_shared:
            return
        runtime = self._current.runtime
        self.outage.recall(runtime.store.states().values(), runtime.settings.enabled_sources)
        if self.outage.why is not None:
            await self._tell_outage(self.outage.why)

    async def _judge(self) -> None:
        """Tells an outage with one line in place of one for each source."""
        runtime = self._current.runtime
        sources = runtime.settings.enabled_sources
        for report in self.outage.judge(sources, not self.poller.in_flight):
            log_report(report)
        if self.outage.why is not None and self.outage.why != self._told:
            if self._told is None:
                self._next_probe, self._probing = runtime.clock.monotonic() + PROBE, runtime
            await self._tell_outage(self.outage.why)

    async def _tell_outage(self, why: str) -> None:
        runtime, is_new = self._current.runtime, self._told is None
        sources = len(runtime.settings.enabled_sources)
        log.warning("network_down", why=why, sources=sources, error=self.outage.example(), probe=PROBE)
        if is_new:
            await runtime.resources.claiming.pause()
        self._told = why

    async def _probe(self, now: Instant) -> None:
        """Polls one source each minute, at once under an edited config, which may name a proxy; and private ones that are due."""
        runtime = self._current.runtime
        if self.poller.in_flight or (runtime.clock.monotonic() < self._next_probe and runtime is self._probing):
            return
        self._next_probe, self._probing = runtime.clock.monotonic() + PROBE, runtime
        work = runtime.with_sources(list(runtime.store.states().values()))
        chosen = outage.choose_private(work, now)
        if (probe := self.outage.choose_probe(work, now, runtime.settings.polling.min)) is not None:
            chosen.append(probe)
        claimed = [(source, await runtime.resources.claiming.claim_one(source.id, now)) for source, _ in chosen]
        self.follow(self.poller.start(claimed, forced=True))

    async def _end_outage(self, now: Instant) -> None:
        """Makes all sources due that failed while nobody could be reached."""
        runtime, failed = self._current.runtime, self.outage.end()
        await runtime.writer.flush()
        states = outage.forget_outage(runtime.store.states(failed).values(), now)
        for state in states:
            runtime.writer.save_state(state)
        await runtime.writer.flush()
        if self._told is not None:
            log.info("network_up", sources=len(states))
            await runtime.resources.claiming.resume()
            self._told = None

    # --- reports
    def follow(self, polls: Iterable[asyncio.Task[PollReport]]) -> None:
        for poll in polls:
            poll.add_done_callback(self._record_poll)

    def _record_poll(self, poll: asyncio.Task[PollReport]) -> None:
        if poll.cancelled():
            return
        if (error := poll.exception()) is not None:
            # Nothing was stored, so the source is still due: the next tick must not ask for it again at once.
            self.store_error = error
            return
        report = poll.result()
        source = self._current.runtime.settings.enabled_sources.get(report.source)
        is_private = source is not None and outage.is_private(source.url)
        if not is_private:
            self._watch(report)
        for one in self.outage.record(report, is_private=is_private):
            log_report(one)
        self._metrics.record_poll(report.outcome, report.seconds, report.new, report.changed)
        self.count(report)

    def _watch(self, report: PollReport) -> None:
        """Looks for an outage anew once many polls in a row have reached nobody."""
        if report.outcome == "refused" or not self._is_shared:
            return
        self._silent = self._silent + 1 if report.fault is not None and may_be_ours(report.fault) else 0
        if self._silent >= ENOUGH and self.outage.was_reached:
            self.outage, self._silent = OutageWatch(), 0

    def count(self, report: PollReport) -> None:
        """Counts what a poll has brought, wherever it was made."""
        if report.outcome in READ:
            self._metrics.record_success(self._current.runtime.clock.now())
        self._metrics.record_over_budget(report.grouped, report.refused)
        self._reported(report)


def log_report(report: PollReport) -> None:
    fields = {"source": report.source, "outcome": report.outcome, "detail": report.detail, "new": report.new}
    fields["ms"] = round(report.seconds * 1000)
    if report.outcome == "failed":
        log.warning("poll_done", **fields)
    else:
        log.info("poll_done", **fields)
