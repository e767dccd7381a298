"""Divides the process's file descriptors, so that clients can't take those that polls and the store need."""

from __future__ import annotations

import resource

from msgspec import Struct

MOST = 65_536
"""Highest soft limit asked for: the largest config uses no more."""
CONNECTIONS = 512
"""Client connections at once. A feed reader holds one for a moment, a browser a few."""
OTHERS = 128
"""Descriptors for the store's readers, logs, written files, reading workers, messages and verifications."""
SOCKETS_PER_POLL = 2
"""One in use and one kept for the host's next feed, or the first two addresses of Happy Eyeballs (RFC 8305)."""
LEAST = 16
"""Connections, and polls in flight, that are allowed even under a very low limit."""
STALLED = 16
"""Polls in flight per worker at most, including stalled ones: bounds sockets and memory."""


class Shares(Struct, frozen=True):
    """connections: of clients; polls: in flight at once; is_ample: both are as many as wanted."""

    connections: int
    polls: int
    is_ample: bool


def raise_limit() -> int:
    """Raises the soft limit (RLIMIT_NOFILE) towards the hard one, MOST at most, and returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def divide(limit: int, polls: int) -> Shares:
    """Divides a limit among client connections and the wanted number of polls. If it is too low, polls get two thirds."""
    left = limit - OTHERS
    connections = min(CONNECTIONS, max(left - polls * SOCKETS_PER_POLL, left // 3, LEAST))
    in_flight = min(polls, max((left - connections) // SOCKETS_PER_POLL, LEAST))
    return Shares(connections, in_flight, connections == CONNECTIONS and in_flight == polls)
