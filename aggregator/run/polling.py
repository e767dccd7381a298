"""Polling in the daemon: sources that are due, that `aggregator poll` asks for, and documents that hubs push."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

from aggregator.errors import AggregatorError
from aggregator.model import Fetched, Instant, PollReport, Source, SourceId, SourceState
from aggregator.ports import PollRequest, Transaction
from aggregator.publish.selection import filling
from aggregator.run import outage, poll_requests
from aggregator.run.background import BackgroundTasks
from aggregator.run.metrics import Metrics
from aggregator.run.outage import PROBE, OutageWatch
from aggregator.run.poller import LEASE, Poller
from aggregator.run.publishing import FeedPublishing
from aggregator.run.runtime import CurrentRuntime, Runtime

log = structlog.get_logger("polling")

CLAIM = 500
"""Due sources claimed in one tick at most."""

READ = ("changed", "unchanged")
"""Outcomes of polls that read their source."""


class Polling:
    """Starts polls, logs and counts their reports, and marks the feeds that they changed."""

    def __init__(
        self, current: CurrentRuntime, publishing: FeedPublishing, metrics: Metrics, background: BackgroundTasks
    ) -> None:
        self._current = current
        self._publishing = publishing
        self._metrics = metrics
        self._background = background
        self._store_error: BaseException | None = None
        self._unstored_pushes: set[SourceId] = set()
        self.outage = OutageWatch()
        self._told: str | None = None
        self._next_probe = 0.0
        self._probing: Runtime | None = None
        self.poller = Poller(current, current.runtime.settings.polling.workers, current.runtime.shares.polls)

    def raise_store_error(self) -> None:
        """Raises what kept the last poll or push from being stored, once."""
        error, self._store_error = self._store_error, None
        if error is not None:
            raise error

    async def start_due(self, now: Instant) -> float:
        """Starts the polls that are due, or in an outage a probe. Returns how many seconds late the latest of them is."""
        if self.outage.is_over and (self.outage.why is None or not self.poller.in_flight):
            await self._end_outage(now)
        self._judge()
        if self.outage.why is not None:
            self._probe(now)
            return 0.0
        due = await self._claim(now)
        self._follow(self.poller.start(self._current.runtime.with_sources(due)))
        return now - min((state.due for state in due), default=now)

    def _judge(self) -> None:
        """Tells an outage with one line in place of one for each source."""
        sources = self._current.runtime.settings.enabled_sources
        for report in self.outage.judge(sources, not self.poller.in_flight):
            _log(report)
        if self.outage.why is not None and self.outage.why != self._told:
            log.warning("network_down", why=self.outage.why, sources=len(sources), error=self.outage.example(), probe=PROBE)
            if self._told is None:
                self._next_probe, self._probing = self._current.runtime.clock.monotonic() + PROBE, self._current.runtime
            self._told = self.outage.why

    def _probe(self, now: Instant) -> None:
        """Polls one source each minute, and at once under an edited config, which may name a proxy."""
        runtime = self._current.runtime
        if self.poller.in_flight or (runtime.clock.monotonic() < self._next_probe and runtime is self._probing):
            return
        self._next_probe, self._probing = runtime.clock.monotonic() + PROBE, runtime
        work = runtime.with_sources(list(runtime.store.states().values()))
        if (chosen := self.outage.choose_probe(work, now, runtime.settings.polling.min)) is not None:
            self._follow(self.poller.start([chosen], forced=True))

    async def _end_outage(self, now: Instant) -> None:
        """Makes all sources due that failed while nobody could be reached."""
        store, failed = self._current.runtime.store, self.outage.end()
        await self._current.runtime.writer.flush()
        states = outage.forget_outage(store.states(failed).values(), now)

        def save(transaction: Transaction) -> None:
            for state in states:
                transaction.save_state(state)

        await self._current.runtime.writer.commit(save)
        if self._told is not None:
            log.info("network_up", sources=len(states))

    async def _claim(self, now: Instant) -> list[SourceState]:
        """Claims due sources. Their due times are moved before anyone is asked, so a crash does not ask again at each start."""
        runtime, busy = self._current.runtime, self.poller.in_flight
        if all(state.id in busy for state in runtime.store.due(now, 1 + len(busy))):
            return []
        return await runtime.writer.commit(lambda transaction: transaction.claim(now, CLAIM, now + LEASE, busy))

    def _follow(self, polls: Iterable[asyncio.Task[PollReport]]) -> None:
        for poll in polls:
            poll.add_done_callback(self._record_poll)

    def _record_poll(self, poll: asyncio.Task[PollReport]) -> None:
        if poll.cancelled():
            return
        if (error := poll.exception()) is not None:
            # Nothing was stored, so the source is still due: the next tick must not ask for it again at once.
            self._store_error = error
            return
        report = poll.result()
        for one in self.outage.record(report):
            _log(one)
        if report.outcome in READ:
            self._metrics.record_success(self._current.runtime.clock.now())
        self._metrics.record_poll(report.outcome, report.seconds, report.new, report.changed)
        self._metrics.record_over_budget(report.grouped, report.refused)
        self._publishing.mark_changed(report.slugs)

    # --- pushed documents
    async def receive_push(self, source: Source, answer: Callable[[SourceState], Fetched]) -> None:
        """Stores a pushed document as a polled one. If the store refuses it, the source is polled instead."""

        async def load_state() -> SourceState:
            await self._current.runtime.writer.flush()
            return self._current.runtime.store.states([source.id])[source.id]

        try:
            report = await self.poller.receive(source, load_state, answer)
        except AggregatorError as error:
            self._unstored_pushes.add(source.id)
            self._store_error = error
            return
        log.info("push_done", source=source.id, outcome=report.outcome, detail=report.detail, new=report.new)
        self._publishing.mark_changed(report.slugs)

    def poll_unstored_pushes(self) -> None:
        """Polls sources whose pushes were acknowledged but could not be stored."""
        ready = self._unstored_pushes - self.poller.in_flight
        self._unstored_pushes -= ready
        if ready:
            states = self._current.runtime.store.states(ready)
            self._follow(self.poller.start(self._current.runtime.with_sources(list(states.values())), forced=True))

    # --- requests of `aggregator poll`
    async def start_requested(self) -> None:
        """Starts the polls that `aggregator poll` asks the running daemon for (poll_requests.py)."""
        runtime = self._current.runtime
        if not runtime.store.poll_requests():
            return
        for request in await runtime.writer.call(lambda: poll_requests.take(runtime.store)):
            wanted = runtime.select_sources(request, self.poller.in_flight)
            polls = self.poller.start(wanted, forced=request.forced)
            self._follow(polls)
            self._background.start(self._answer(request, [source.id for source, _ in wanted], polls))

    async def _answer(self, request: PollRequest, ids: list[SourceId], polls: list[asyncio.Task[PollReport]]) -> None:
        """Answers once the polls are stored and published, or why they could not be; if publishing fails, the log says why."""
        others = [task for task in self.poller.tasks(ids) if task not in polls]
        results = await asyncio.gather(*polls, *others, return_exceptions=True)
        runtime = self._current.runtime
        try:
            for result in results:
                if isinstance(result, AggregatorError):
                    raise result
            await runtime.writer.flush()
        except AggregatorError as error:
            reason = str(error)
            with suppress(AggregatorError):  # the asker looks at the disk, too
                await runtime.writer.call(lambda: poll_requests.refuse(runtime.store, request, reason))
            return
        await self._publishing.try_publish(everything=False)
        reports = [result for result in results if isinstance(result, PollReport)]
        await runtime.writer.call(lambda: poll_requests.answer(runtime.store, request, reports))

    async def end_filling(self) -> None:
        """On the first run, trims feeds to their newest stories once every source has been asked."""
        runtime = self._current.runtime
        if self.outage.is_undecided or not filling.is_under_way(runtime.store, runtime.settings):
            return
        slugs = await runtime.writer.call(lambda: filling.end(runtime.store, runtime.settings, runtime.clock.now()))
        self._publishing.mark_changed(frozenset(slugs))


def _log(report: PollReport) -> None:
    fields = {"source": report.source, "outcome": report.outcome, "detail": report.detail, "new": report.new}
    fields["ms"] = round(report.seconds * 1000)
    if report.outcome == "failed":
        log.warning("poll_done", **fields)
    else:
        log.info("poll_done", **fields)
