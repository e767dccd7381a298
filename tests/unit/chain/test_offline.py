"""The network is gone for a day and comes back: nobody is punished for it, and nothing rushes."""

from __future__ import annotations

import heapq
import random
from collections import Counter

from msgspec.structs import replace

from aggregator.cadence import after_poll
from aggregator.model import Auto, Fault, FaultKind, FetchFailed, NotModified, Source, SourceId, SourceState, Validators
from aggregator.settings import Polling

HOUR, SOURCES = 3_600.0, 400


def test_a_day_off_line_ends_without_a_stampede() -> None:
    rng, polling = random.Random(1), Polling()
    sources = {f"s{n}": Source(SourceId(f"s{n}"), f"https://s{n}.example/feed", every=Auto()) for n in range(SOURCES)}
    states = {name: SourceState(one.id, one.url, first_success=0.0, last_success=0.0) for name, one in sources.items()}
    off, back = FetchFailed(Fault(FaultKind.OFFLINE, "no name server answers")), 24 * HOUR
    waiting = [(0.0, name) for name in sources]  # as after a start without network: all at one moment
    polls: Counter[int] = Counter()
    while waiting and waiting[0][0] < back + 2 * HOUR:
        now, name = heapq.heappop(waiting)
        outcome = off if now < back else NotModified(sources[name].url, Validators('"1"', None))
        after = after_poll(
            sources[name], states[name], outcome,
            new=0, arrivals=(), feed=None, now=now, polling=polling, rng=rng.random(), timezone="UTC",
        )  # fmt: skip
        states[name] = replace(after, last_new=states[name].last_new)
        heapq.heappush(waiting, (after.due, name))
        if now >= back:
            polls[int(now // 10)] += 1
    assert all(state.failures == 0 for state in states.values()), "within two hours all is as before"
    assert max(polls.values()) <= SOURCES / 16, "in no ten seconds are many asked"
