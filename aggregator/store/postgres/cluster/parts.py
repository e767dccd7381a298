"""The parts of a cluster, over connections of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from aggregator.ports import Job
from aggregator.store.postgres.cluster.attendance import PostgresAttendance
from aggregator.store.postgres.cluster.claims import PostgresClaims
from aggregator.store.postgres.cluster.documents import PostgresDocuments
from aggregator.store.postgres.cluster.inbox import PostgresInbox
from aggregator.store.postgres.cluster.listening import Listener
from aggregator.store.postgres.readers import Readers


class PostgresCluster:
    """A ports.Cluster. name: the database in messages."""

    def __init__(self, address: str, name: str) -> None:
        self._address, self._name = address, name
        self._connections = Readers(address)

    @cached_property
    def inbox(self) -> PostgresInbox:
        return PostgresInbox(self._connections, self._name)

    @cached_property
    def claims(self) -> PostgresClaims:
        return PostgresClaims(self._connections, self._name)

    @cached_property
    def documents(self) -> PostgresDocuments:
        return PostgresDocuments(self._connections, self._name)

    def attend(self, role: str, config: Callable[[], str], *, asks: bool) -> PostgresAttendance:
        """See `Cluster.attend`."""
        attendance = PostgresAttendance(self._address, self._name, role, config, asks=asks)
        attendance.start()
        return attendance

    async def run_jobs(self, jobs: Sequence[Job]) -> None:
        """See `Cluster.run_jobs`."""
        from aggregator.store.postgres.cluster.jobs import ClusterJobs  # here: only the leader needs procrastinate

        await ClusterJobs(self._address, self._name).run(jobs)

    def listen(self, wake: Callable[[str], None]) -> Callable[[], None]:
        """See `Cluster.listen`."""
        listener = Listener(self._address, wake)
        listener.start()
        return listener.end

    def close(self) -> None:
        self._connections.close()
