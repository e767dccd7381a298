"""A node among the others: signs of life, its share of the sources, and the server's clock.

A shard belongs to the node whose session holds its lock. Whoever holds it longer than VALID without hearing from the server
acts as if it had lost it, and only after FROZEN do others end such a node's session: so no two nodes ask one domain at a time,
even if one of them stood still in between.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import psycopg
import structlog

from aggregator.errors import StoreError
from aggregator.model import Instant, SourceId
from aggregator.ports import Claimed, Node
from aggregator.store.postgres.cluster.claims import claim_due, poll_again
from aggregator.store.postgres.connection import arguments, configure, explained
from aggregator.store.postgres.leadership import FROZEN as LEADER_FROZEN
from aggregator.store.postgres.tables import SHARDS

log = structlog.get_logger("cluster")

BEAT = 0.5
"""Seconds between two signs of life."""
VALID = 2.0
"""Seconds after the last answer of the server in which a node may still ask the sources of its shards."""
FROZEN = 3.0
"""Seconds without a sign of life after which a node's session is ended by the others. It must be more than VALID."""

_OURS = "hashtext('aggregator shard ' || current_schema())"
"""Locks of shards belong to the whole database: ours are told apart by the schema."""
_JOIN = "INSERT INTO nodes (pid, role, asks, name, config) VALUES (pg_backend_pid(), $1, $2, $3, $4)"
_BEAT = """UPDATE nodes SET beat = beat + 1, config = $1, role = $2, asks = $3 WHERE pid = pg_backend_pid()
    RETURNING extract(epoch FROM clock_timestamp())::float8"""
_NODES = """SELECT pid, role, asks, name, config, beat FROM nodes JOIN pg_stat_activity USING (pid)
    ORDER BY pid <> pg_backend_pid(), pid"""
_FORGET = "DELETE FROM nodes WHERE pid NOT IN (SELECT pid FROM pg_stat_activity)"
_LEADER = "SELECT term, beat FROM leadership"
_END_FROZEN = "SELECT pg_terminate_backend(pid) FROM nodes WHERE pid = $1 AND beat = $2"
_TAKEN = f"""SELECT objid::integer FROM pg_locks WHERE locktype = 'advisory' AND classid = {_OURS}::oid AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
_TAKE = f"SELECT pg_try_advisory_lock({_OURS}, $1::integer)"
_RELEASE = f"SELECT pg_advisory_unlock({_OURS}, $1::integer)"


class _Watch:
    """Since when something has been the same, by this process's own time."""

    def __init__(self) -> None:
        self._seen: dict[object, tuple[object, float]] = {}

    def seconds(self, name: object, seen: object, now: float) -> float:
        """How long it has been as it is now."""
        before, since = self._seen.get(name, (None, now))
        if before != seen:
            since = now
        self._seen[name] = seen, since
        return now - since

    def forget_all(self) -> None:
        self._seen.clear()


class PostgresAttendance(threading.Thread):
    """A ports.Attendance, from `start` to `end`."""

    def __init__(self, address: str, name: str, role: str, config: Callable[[], str], *, asks: bool) -> None:
        """Joins. Raises StoreError if the server does not answer."""
        super().__init__(name="attendance", daemon=True)
        self._address, self._database = address, name
        self._role, self._asks, self._config = role, asks, config
        self._over = threading.Event()
        self._lock = threading.RLock()  # of the connection, and of what it holds
        self._counting = threading.Lock()  # of `_asking`: never held while the server is waited for
        self._watch = _Watch()
        self._held: dict[int, float] = {}
        self._gained: set[int] = set()
        self._asking: dict[tuple[SourceId, int], int] = {}  # the shard of each claim that is not finished
        self._nodes: tuple[Node, ...] = ()
        self._offset = self._confirmed = 0.0
        self._leader_age = 0.0
        self._connection: psycopg.Connection[Any] | None = None
        with explained(name):
            self._beat()

    def run(self) -> None:
        while not self._over.wait(BEAT):
            try:
                with explained(self._database):
                    self._beat()
            except StoreError as error:
                self._lose(error)
        self._leave()

    # --- signs of life
    def _beat(self) -> None:
        with self._lock:
            began, connection = _own_time(), self._open()
            if began - self._confirmed > VALID:
                self._watch.forget_all()  # this process may have stood still itself
            row = connection.execute(_BEAT.encode(), (self._config(), self._role, self._asks)).fetchone()
            if row is None:
                raise StoreError("this node was taken for dead")
            self._offset = row[0] - (began + _own_time()) / 2
            self._look(connection, began)
            self._share(connection)
            self._confirmed = began

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._held.clear()
            made: psycopg.Connection[Any] = psycopg.connect(self._address, **arguments())
            configure(made)
            made.execute("SET synchronous_commit = off; SET statement_timeout = '5s'")
            self._connection = made
            made.execute(_FORGET.encode())
            made.execute(_JOIN, (self._role, self._asks, f"{os.getpid()} at {socket.gethostname()}", self._config()))
        return self._connection

    def _look(self, connection: psycopg.Connection[Any], now: float) -> None:
        """Who is there, and who has stood still for so long that its shards are to be another's."""
        found = connection.execute(_NODES.encode()).fetchall()
        for pid, *_, beat in found[1:]:
            if self._watch.seconds(pid, beat, now) > FROZEN:
                log.warning("node_frozen", node=pid)
                connection.execute(_END_FROZEN, (pid, beat))
        self._nodes = tuple(Node(*columns) for *columns, _ in found)
        self._leader_age = self._watch.seconds("leader", connection.execute(_LEADER).fetchone(), now)

    def _share(self, connection: psycopg.Connection[Any]) -> None:
        """Takes free shards up to this node's share, and gives back what is beyond it once no source of it is asked."""
        share = -(-SHARDS // max(1, sum(node.asks for node in self._nodes))) if self._asks else 0
        with self._counting:
            busy = set(self._asking.values())
        for shard in [one for one in self._held if one not in busy][: max(0, len(self._held) - share)]:
            del self._held[shard]
            connection.execute(_RELEASE.encode(), (shard,))
        if len(self._held) < share:
            taken = {row[0] for row in connection.execute(_TAKEN.encode())}
            for shard in [one for one in range(SHARDS) if one not in taken][: share - len(self._held)]:
                row = connection.execute(_TAKE.encode(), (shard,)).fetchone()
                if row and row[0]:
                    self._held[shard] = time.monotonic()
                    self._gained.add(shard)

    def _lose(self, error: StoreError) -> None:
        """Without the session, its locks are gone."""
        with self._lock:
            if self._held or self._nodes:
                log.warning("cluster_lost", error=str(error))
            self._held.clear()
            self._nodes = ()
            if self._connection is not None:
                self._connection.close()

    def _leave(self) -> None:
        with self._lock:
            self._held.clear()
            if self._connection is not None and not self._connection.closed:
                with suppress(psycopg.Error):  # the others see that the session is gone
                    self._connection.execute("DELETE FROM nodes WHERE pid = pg_backend_pid()")
                self._connection.close()

    def end(self) -> None:
        self._over.set()
        self.join()

    # --- what others ask
    def now(self) -> Instant:
        return _own_time() + self._offset

    @property
    def nodes(self) -> Sequence[Node]:
        return self._nodes

    @property
    def shards(self) -> int:
        return len(self._held) if self.is_connected else 0

    @property
    def is_led(self) -> bool:
        return self.is_connected and self._leader_age < LEADER_FROZEN

    @property
    def is_connected(self) -> bool:
        return _own_time() - self._confirmed < VALID

    def since(self, shard: int) -> float | None:
        return self._held.get(shard) if self.is_connected else None

    def become(self, role: str, *, asks: bool) -> None:
        if role != self._role:
            with self._counting:
                self._asking.clear()  # polls of the role before are over, however they ended
        self._role, self._asks = role, asks
        with explained(self._database):
            self._beat()

    def poll_again(self, now: Instant, besides: Collection[SourceId]) -> int:
        with self._lock, explained(self._database):
            if not self._gained or not self.is_connected or self._connection is None:
                return 0
            count = poll_again(self._connection, now, self._gained & self._held.keys(), besides)
            self._gained.clear()
            return count

    # --- claims
    def claim(self, now: Instant, limit: int, until: Instant, besides: Collection[SourceId] = ()) -> list[Claimed]:
        with self._lock, explained(self._database):
            if not self.is_connected or not self._held or self._connection is None:
                return []
            claimed = claim_due(self._connection, now, limit, until, self._held, besides)
            with self._counting:
                self._asking |= {(one.state.id, one.turn): one.shard for one in claimed}
            return claimed

    def finish(self, claimed: Claimed) -> None:
        with self._counting:
            self._asking.pop((claimed.state.id, claimed.turn), None)


def _own_time() -> float:
    """Seconds that also pass while the machine sleeps, where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
