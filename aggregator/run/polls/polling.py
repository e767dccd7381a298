"""Polling in the daemon: sources that are due, that `aggregator poll` asks for, and documents that hubs push."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

import structlog

from aggregator.errors import AggregatorError
from aggregator.model import BEING_POLLED, Fetched, PollReport, Source, SourceId, SourceState
from aggregator.ports import PollRequest
from aggregator.publish.selection import filling
from aggregator.run.background import BackgroundTasks
from aggregator.run.monitoring.metrics import Metrics
from aggregator.run.polls import poll_requests
from aggregator.run.polls.arrivals import Arrivals
from aggregator.run.polls.awaited_polls import AwaitedPolls
from aggregator.run.polls.due_polls import DuePolls, log_report
from aggregator.run.polls.outage import OutageWatch
from aggregator.run.polls.poller import Poller
from aggregator.run.publishing import FeedPublishing
from aggregator.run.runtime import CurrentRuntime, shared_cluster

log = structlog.get_logger("polling")


class Polling:
    """The polls of who leads: their reports mark the feeds that they changed."""

    def __init__(
        self, current: CurrentRuntime, publishing: FeedPublishing, metrics: Metrics, background: BackgroundTasks
    ) -> None:
        cluster, self._metrics = shared_cluster(current.runtime), metrics
        self._current = current
        self._publishing = publishing
        self._background = background
        self._unstored_pushes: set[SourceId] = set()
        self.due = DuePolls(current, metrics, self._use, is_shared=cluster is not None)
        self._awaited = AwaitedPolls(current, cluster.claims) if cluster else None
        self.arrivals = Arrivals(current, cluster, self._record_arrival) if cluster else None

    @property
    def poller(self) -> Poller:
        return self.due.poller

    @property
    def outage(self) -> OutageWatch:
        return self.due.outage

    def _use(self, report: PollReport) -> None:
        """Marks the feeds that a poll has changed, wherever it was made."""
        self._publishing.mark_changed(report.slugs)
        if self._awaited is not None:
            self._awaited.note(report)

    def _record_arrival(self, report: PollReport) -> None:
        """Logs and counts a document that another node has read, as one of this process's polls."""
        log_report(report)
        self._metrics.record_arrival(report.new, report.changed)
        self.due.count(report)

    # --- pushed documents
    async def receive_push(self, source: Source, answer: Callable[[SourceState], Fetched]) -> None:
        """Stores a pushed document as a polled one. If the store refuses it, the source is polled instead."""

        async def load_state() -> SourceState:
            runtime = self._current.runtime
            state = await runtime.resources.claiming.claim_one(source.id, runtime.clock.now())
            if self._awaited is not None and state.reason == BEING_POLLED:  # the other node's answer will be dropped
                self._unstored_pushes.add(source.id)
            return state

        try:
            report = await self.poller.receive(source, load_state, answer)
        except AggregatorError as error:
            self._unstored_pushes.add(source.id)
            self.due.store_error = error
            return
        log.info("push_done", source=source.id, outcome=report.outcome, detail=report.detail, new=report.new)
        self._publishing.mark_changed(report.slugs)

    def poll_unstored_pushes(self) -> None:
        """Polls sources whose pushes were acknowledged but could not be stored, or came while another node was asking."""
        ready = self._unstored_pushes - self.poller.in_flight
        self._unstored_pushes -= ready
        if not ready:
            return
        if self._awaited is not None:
            self._background.start(self._awaited.poll(PollRequest("", tuple(ready), forced=True)))
        else:
            states = self._current.runtime.store.states(ready)
            self.due.follow(self.poller.start(self._current.runtime.with_sources(list(states.values())), forced=True))

    # --- requests of `aggregator poll`
    async def start_requested(self) -> None:
        """Starts the polls that `aggregator poll` asks the running daemon for (poll_requests.py)."""
        runtime = self._current.runtime
        if not runtime.store.poll_requests():
            return
        for request in await runtime.writer.call(lambda: poll_requests.take(runtime.store)):
            if self._awaited is not None:
                self._background.start(self._answer(request, self._awaited.poll(request)))
                continue
            wanted = runtime.select_sources(request, self.poller.in_flight)
            polls = self.poller.start(wanted, forced=request.forced)
            self.due.follow(polls)
            others = [task for task in self.poller.tasks([source.id for source, _ in wanted]) if task not in polls]
            self._background.start(self._answer(request, _reports([*polls, *others])))

    async def _answer(self, request: PollRequest, polls: Coroutine[Any, Any, list[PollReport]]) -> None:
        """Answers once the polls are stored and published, or why they could not be; if publishing fails, the log says why."""
        runtime = self._current.runtime
        try:
            reports = await polls
            await runtime.writer.flush()
        except AggregatorError as error:
            reason = str(error)
            with suppress(AggregatorError):  # the asker looks at the disk, too
                await runtime.writer.call(lambda: poll_requests.refuse(runtime.store, request, reason))
            return
        await self._publishing.try_publish(everything=False)
        await runtime.writer.call(lambda: poll_requests.answer(runtime.store, request, reports))

    async def end_filling(self) -> None:
        """On the first run, trims feeds to their newest stories once every source has been asked."""
        runtime = self._current.runtime
        if self.outage.is_undecided or not filling.is_under_way(runtime.store, runtime.settings):
            return
        slugs = await runtime.writer.call(lambda: filling.end(runtime.store, runtime.settings, runtime.clock.now()))
        self._publishing.mark_changed(frozenset(slugs))


async def _reports(polls: Iterable[asyncio.Task[PollReport]]) -> list[PollReport]:
    """The reports of polls that were not cancelled. Raises the first AggregatorError, once all have ended."""
    results = await asyncio.gather(*polls, return_exceptions=True)
    for result in results:
        if isinstance(result, AggregatorError):
            raise result
    return [result for result in results if isinstance(result, PollReport)]
