"""Several nodes on one database: who reads which sources, what they hand to the leader, and what every node serves.

A database of one process (SQLite) has none of this: `Database.cluster` is None.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct

from aggregator.model import Instant, SourceId, SourceState
from aggregator.ports.outside import Job
from aggregator.ports.rows import Hold
from aggregator.ports.transaction import Transaction

INBOX, PUBLISHED = "inbox", "published"
"""What nodes are told: a document waits for the leader; there is something new to serve (`Cluster.listen`)."""


class Claimed(Struct, frozen=True):
    """A source that one node asks now. turn: of this claim; what it brings is dropped once there is a later one."""

    state: SourceState
    turn: int
    shard: int


class Arrival(Struct, frozen=True):
    """A document that a node has read and that waits for the leader. at: when the answer came; content: as msgpack.

    tries: how often it has been taken to be stored, this time included.
    """

    id: int
    source: SourceId
    turn: int
    at: Instant
    content: bytes
    tries: int


class Inbox(Protocol):
    """Documents on their way from the nodes that read them to the one that leads, in order of arrival."""

    def put(self, source: SourceId, turn: int, at: Instant, content: bytes) -> bool:
        """Adds a document, in place of older ones of its source, and wakes the leader.

        False if the source has been claimed anew since: nothing is added.
        The source is not due again while its document waits, for an hour at most.
        """
        ...

    def count(self) -> int:
        """How many documents wait."""
        ...

    def take(self, limit: int, size: int, besides: Collection[int] = ()) -> list[Arrival]:
        """The oldest that wait, except `besides`, which are under way already. They stay until they are settled.

        size: their bytes at most; one that is larger is taken alone. So is one that was taken before: it may be what ended
        a leader, and the tries of those taken with it would count, too.
        """
        ...

    def settle(self, transaction: Transaction, arrival: Arrival) -> bool:
        """Removes a document in this transaction. False if its source has been claimed anew since: it is not to be stored."""
        ...


class Claims(Protocol):
    """What a node may store without the leader: the states of the sources that it has claimed."""

    def claim_one(self, source: SourceId, until: Instant) -> Claimed | None:
        """Takes one source, due or not, for a document that was pushed. None if it is not configured."""
        ...

    def save_states(
        self,
        states: Iterable[tuple[SourceState, int]],
        holds: Iterable[Hold] = (),
        values: Mapping[str, str | None] = MappingProxyType({}),
    ) -> None:
        """Stores states with the turns they were claimed in, and what else polls leave behind: holds, and single values.

        A state whose source has been claimed anew since is dropped.
        """
        ...

    def is_current(self, transaction: Transaction, source: SourceId, turn: int) -> bool:
        """Whether the source has not been claimed anew since that turn. Until the transaction ends, it won't be."""
        ...

    def make_due(self, sources: Collection[SourceId], now: Instant) -> None:
        """Has whoever holds their shards ask these sources next, except those that are being asked."""
        ...


class PublishedDocument(Struct, frozen=True):
    """What every node serves at a path. whole: for readers who have the token, in place of the public one.

    about: all but the body, as JSON (publish/shelf.py); None if the path is no longer served.
    """

    path: str
    whole: bool
    revision: int
    about: str | None
    body: bytes


class Documents(Protocol):
    """Published documents, which the leader writes and every node serves."""

    def publish(self, transaction: Transaction, documents: Sequence[PublishedDocument]) -> int:
        """Stores these, and tells the nodes once that is committed. They get a new revision, which is returned."""
        ...

    def since(self, revision: int) -> list[PublishedDocument]:
        """What has changed since that revision, removed paths included, in order of revisions. 0: everything that is served."""
        ...


class Node(Struct, frozen=True):
    """A process that takes part. role: as it was told, or "standby"; asks: whether it asks sources; config: a fingerprint."""

    pid: int
    role: str
    asks: bool
    name: str
    config: str


class Attendance(Protocol):
    """This process among the nodes: its signs of life, its shards, the server's clock. Safe to use from several threads."""

    def now(self) -> Instant:
        """The server's time, which all nodes share however wrong their own clocks are."""
        ...

    @property
    def nodes(self) -> Sequence[Node]:
        """All that take part, as last seen, this one first."""
        ...

    def become(self, role: str, *, asks: bool) -> None:
        """Goes on in another role. Takes its share of the free shards at once if it asks sources, else gives all back.

        Raises StoreError if the server does not answer; the new role holds all the same.
        """
        ...

    def poll_again(self, now: Instant, besides: Collection[SourceId]) -> int:
        """In the shards taken since the last call, makes the sources due that a lost node was asking. Returns how many.

        Leaves out those whose document waits for the leader, and `besides`, which this node is asking. A source that several
        nodes in a row were asking when they ended waits for the end of its lease: its document may be the reason.
        """
        ...

    @property
    def shards(self) -> int:
        """How many shards are this node's now; 0 while the server is away."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether the server has answered lately."""
        ...

    @property
    def is_led(self) -> bool:
        """Whether a leader has given a sign of life lately."""
        ...

    def claim(self, now: Instant, limit: int, until: Instant, besides: Collection[SourceId] = ()) -> list[Claimed]:
        """Takes due sources of this node's shards, longest due first, except those `besides`, which this node is asking.

        Each must be given back by `finish`. They become due again at `until`, unless their poll is stored first.
        """
        ...

    def finish(self, claimed: Claimed) -> None:
        """The poll is over: its shard may become another node's."""
        ...

    def since(self, shard: int) -> float | None:
        """Since when (monotonic) the shard is this node's; None if it isn't, or the server is away. Asked before each request."""
        ...

    def end(self) -> None:
        """Leaves the nodes."""
        ...


class Cluster(Protocol):
    """What a database offers to several nodes."""

    @property
    def inbox(self) -> Inbox: ...

    @property
    def claims(self) -> Claims: ...

    @property
    def documents(self) -> Documents: ...

    def attend(self, role: str, config: Callable[[], str], *, asks: bool) -> Attendance:
        """Joins the nodes. config: a fingerprint of the config in use; asks: whether this node asks sources.

        Raises StoreError if the server does not answer.
        """
        ...

    async def run_jobs(self, jobs: Sequence[Job]) -> None:
        """Does each job every so many seconds, once in the cluster, until cancelled. For the leader."""
        ...

    def listen(self, wake: Callable[[str], None]) -> Callable[[], None]:
        """Calls `wake` from another thread with what has happened: INBOX or PUBLISHED. Returns a function that ends this.

        At the start and after a lost connection it is called with each, since something may have been missed.
        """
        ...
