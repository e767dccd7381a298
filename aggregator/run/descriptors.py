"""Open files and sockets: how many the process may have, and who gets how many. No client takes those of polls and the store."""

from __future__ import annotations

import resource

from msgspec import Struct

MOST = 65_536
"""To which the soft limit is raised: more is not used by the largest config."""
CONNECTIONS = 512
"""Clients at once. A reader holds one for a moment, a browser a few."""
OTHERS = 128
"""For the store's readers, logs, files that are written, reading workers, messages and verifications under way."""
SOCKETS_PER_POLL = 2
"""The one in use and one that is kept for the next feed of its host, or the first two addresses that are tried."""
LEAST = 16
"""Connections, and polls in flight, that there are however low the limit is."""
STALLED = 16
"""Polls in flight for each worker at most, the stalled ones included: a bound on sockets and memory."""


class Shares(Struct, frozen=True):
    """connections: of clients; polls: in flight at once; all: whether these are as many as could be of use."""

    connections: int
    polls: int
    all: bool


def raise_limit() -> int:
    """Raises the soft limit to the hard one, as far as it is of use, and returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def share(limit: int, polls: int) -> Shares:
    """What of all connections and so many polls fits into the limit. Where it is short, polls get two thirds."""
    left = limit - OTHERS
    for_polls = polls * SOCKETS_PER_POLL
    given = min(CONNECTIONS, max(left - for_polls, left // 3, LEAST))
    flying = min(polls, max((left - given) // SOCKETS_PER_POLL, LEAST))
    return Shares(given, flying, given == CONNECTIONS and flying == polls)
