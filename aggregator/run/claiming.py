"""Which sources this process may ask: all that are due, or those of its shards, where several nodes share a database."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from msgspec import Struct

from aggregator.fetch.hosts import LONG_AGO
from aggregator.model import Instant, SourceId, SourceState
from aggregator.ports import Attendance, Claimed, Claims, Store, Transaction
from aggregator.store.writer import Writer

LEASE = 60.0
"""Seconds after which a claimed source is due again if its poll was never stored, because it or the process was killed."""


class Claiming(Protocol):
    """Hands sources to this process, for one poll each."""

    async def claim(self, now: Instant, limit: int, busy: Collection[SourceId]) -> list[SourceState]:
        """Takes due sources, except those that this process is asking (`busy`). Each must be given back by `finish`.

        Their due times are moved before anyone is asked, so a crash does not ask again at each start.
        """
        ...

    async def claim_one(self, source: SourceId, now: Instant) -> SourceState:
        """Takes a source for a document that was not asked for. No poll of it may be under way here."""
        ...

    def since(self, source: SourceId) -> float | None:
        """Since when (monotonic) nobody else asks the source's domain; None if somebody else may."""
        ...

    def finish(self, source: SourceId, *, is_stored: bool = True) -> None:
        """The source's poll is over. is_stored: if not, because the database refused it, the source is due again."""
        ...

    async def pause(self) -> None:
        """Leaves the sources to other nodes, while this one reaches nobody."""
        ...

    async def resume(self) -> None: ...


class OwnSources:
    """A `Claiming` of the only process on a database."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store, self._writer = store, writer

    async def claim(self, now: Instant, limit: int, busy: Collection[SourceId]) -> list[SourceState]:
        """See `Claiming.claim`. Looks first: most ticks find nothing, and need not wait for the writer."""
        if all(state.id in busy for state in self._store.due(now, 1 + len(busy))):
            return []
        return await self._writer.commit(lambda transaction: transaction.claim(now, limit, now + LEASE, busy))

    async def claim_one(self, source: SourceId, now: Instant) -> SourceState:
        await self._writer.flush()
        return self._store.states([source])[source]

    def since(self, source: SourceId) -> float | None:
        return LONG_AGO

    def finish(self, source: SourceId, *, is_stored: bool = True) -> None:
        """There is nobody to tell. What could not be stored is due after its lease."""

    async def pause(self) -> None:
        """There is nobody else."""

    async def resume(self) -> None:
        """See `pause`."""


class _Asked(Struct, frozen=True):
    """A source that is being asked. since: when its shard came to this node, as it was when the source was claimed."""

    claimed: Claimed
    since: float


class SharedSources:
    """A `Claiming` of one node among several, and what it may store: results of the last turn that it has claimed."""

    def __init__(self, attendance: Attendance, claims: Claims, role: str) -> None:
        self._attendance, self._claims, self._role = attendance, claims, role
        self._asked: dict[SourceId, _Asked] = {}
        self._turns: dict[SourceId, int] = {}
        self._unstored: dict[SourceId, SourceState] = {}

    async def claim(self, now: Instant, limit: int, busy: Collection[SourceId]) -> list[SourceState]:
        """See `Claiming.claim`. A source may be due again before its poll has ended here: it waits for that."""
        taken = []
        await self._give_back()
        await asyncio.to_thread(self._attendance.poll_again, now, busy)
        asked = {*busy, *self._asked}
        for one in await asyncio.to_thread(self._attendance.claim, now, limit, now + LEASE, asked):
            source, since = one.state.id, self._attendance.since(one.shard)
            self._turns[source] = one.turn
            if since is not None:
                self._asked[source] = _Asked(one, since)
                taken.append(one.state)
                continue
            self._attendance.finish(one)  # the server has not answered for a while: the source is due again
            self._unstored[source] = one.state
        await self._give_back()
        return taken

    async def _give_back(self) -> None:
        """Makes sources due again whose polls stored nothing."""
        if states := list(self._unstored.values()):
            await asyncio.to_thread(self.save_states, states)
            self._unstored.clear()

    async def claim_one(self, source: SourceId, now: Instant) -> SourceState:
        claimed = await asyncio.to_thread(self._claims.claim_one, source, now + LEASE)
        if claimed is None:
            raise KeyError(source)
        self._turns[source] = claimed.turn
        return claimed.state

    def since(self, source: SourceId) -> float | None:
        """See `Claiming.since`. A source claimed by `claim_one` counts as this node's, whatever its shard."""
        if (asked := self._asked.get(source)) is None:
            return LONG_AGO
        return asked.since if self._attendance.since(asked.claimed.shard) == asked.since else None

    def finish(self, source: SourceId, *, is_stored: bool = True) -> None:
        if (asked := self._asked.pop(source, None)) is None:
            return
        self._attendance.finish(asked.claimed)
        if not is_stored:
            self._unstored[source] = asked.claimed.state

    async def pause(self) -> None:
        await asyncio.to_thread(self._attendance.become, self._role, asks=False)

    async def resume(self) -> None:
        await asyncio.to_thread(self._attendance.become, self._role, asks=True)

    # --- what this node stores
    def turn_of(self, source: SourceId) -> int:
        return self._turns[source]

    def is_current(self, transaction: Transaction, source: SourceId) -> bool:
        """Whether a document of the source may be stored: nobody else has claimed it since."""
        return self._claims.is_current(transaction, source, self._turns[source])

    def save_states(self, states: Sequence[SourceState]) -> None:
        """Stores states of polls, each in its turn."""
        self._claims.save_states([(state, self._turns[state.id]) for state in states if state.id in self._turns])
