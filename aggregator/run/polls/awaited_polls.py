"""Polls that `aggregator poll` asks for, where several nodes ask the sources: they are made due, and waited for."""

from __future__ import annotations

import asyncio

from aggregator.cadence import may_poll
from aggregator.model import BEING_POLLED, Instant, PollReport, SourceId, SourceState
from aggregator.pipeline.polls import CUT_SHORT
from aggregator.ports import Claims, PollRequest
from aggregator.run.runtime import CurrentRuntime

CHECK = 0.2
"""Seconds between two looks whether they have been polled."""
PATIENCE = 90.0
"""Seconds that they are waited for: more than the lease of a node that has just been killed."""
UNASKED = "no node has asked it yet; it is due"


class AwaitedPolls:
    """Waits for polls of any node. What they have brought is told by the reports of stored documents, else by their states."""

    def __init__(self, current: CurrentRuntime, claims: Claims) -> None:
        self._current, self._claims = current, claims
        self._waiting = 0
        self._stored: dict[SourceId, PollReport] = {}

    def note(self, report: PollReport) -> None:
        """Takes the report of a poll that this process has stored."""
        if self._waiting:
            self._stored[report.source] = report

    async def poll(self, request: PollRequest) -> list[PollReport]:
        """Has the sources polled by the nodes that hold them, and returns what came of it."""
        self._waiting += 1
        try:
            return await self._poll(request)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._stored.clear()

    async def _poll(self, request: PollRequest) -> list[PollReport]:
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        wanted = {source.id: state for source, state in runtime.select_sources(request)}
        for id in wanted:
            self._stored.pop(id, None)
        await asyncio.to_thread(self._claims.make_due, list(wanted), now)
        until, pending, after = runtime.clock.monotonic() + PATIENCE, set(wanted), dict[SourceId, SourceState]()
        while pending and runtime.clock.monotonic() < until:
            await asyncio.sleep(CHECK)
            states = await asyncio.to_thread(runtime.store.states, pending)
            after |= states
            pending = {id for id, state in states.items() if not _is_settled(wanted[id], state, now)}
        await asyncio.sleep(CHECK)  # a document that was just committed is about to be reported
        return [self._report(wanted[id], after.get(id, wanted[id]), now) for id in wanted]

    def _report(self, before: SourceState, after: SourceState, now: Instant) -> PollReport:
        id = before.id
        if after.last_poll == before.last_poll:
            hold = self._current.runtime.gate.held(after.url, now)
            return PollReport(id, "refused", may_poll(after, hold, now, True) or UNASKED)
        if after.last_error is not None:
            return PollReport(id, "failed", after.last_error)
        unchanged = PollReport(id, "unchanged", "not modified" if after.last_status == 304 else "the same document")
        return self._stored.get(id, unchanged)


def _is_settled(before: SourceState, state: SourceState, now: Instant) -> bool:
    """Whether it has been polled, or refused. While its document is read for long, its state says that this was cut short."""
    if state.last_error == CUT_SHORT.detail:
        return False
    return state.last_poll != before.last_poll or state.gone or (state.due > now and state.reason != BEING_POLLED)
