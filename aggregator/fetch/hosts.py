"""Limits on requests to a host: connections and gaps per registrable domain, and holds after a 429 or 503.

A registrable domain is what someone registered (`example.co.uk`); an IP address counts as one of its own.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from aggregator.model import Instant
from aggregator.ports import Hold
from aggregator.settings import Settings
from aggregator.text.urls import registrable_domain

KNOWN_GAPS: Mapping[str, float] = {"reddit.com": 30.0, "tumblr.com": 10.0}
"""Seconds between two requests to domains that are known to answer several feeds of theirs in a row with 429.

Reddit: QuiteRSS/quiterss#1626, Ranchero-Software/NetNewsWire#5328; Tumblr counts all its blogs: FreshRSS/FreshRSS#8925.
`hosts:` replaces them.
"""
LONG_AGO = -math.inf
LONGEST_HOLD = 8 * 86_400.0
"""Seconds until the end of the longest possible hold. Servers can ask for a week (MAX_RETRY), so a longer one means that the
clock was set back."""


class _Lane:
    """The turns at one domain. users: tasks that have or wait for one; next_start: when the next may begin (monotonic)."""

    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.users = 0
        self.next_start = 0.0


class _Turn(AbstractAsyncContextManager[None]):
    """A turn at a domain. A class, because `@asynccontextmanager` would cost as much as the turn itself."""

    __slots__ = ("_domain", "_gate", "_since")

    def __init__(self, gate: HostGate, domain: str, since: float) -> None:
        self._gate = gate
        self._domain = domain
        self._since = since

    async def __aenter__(self) -> None:
        await self._gate.enter(self._domain, self._since)

    async def __aexit__(self, *_: object) -> None:
        self._gate.leave(self._domain)


class HostGate:
    """Hands out turns and remembers holds, for all fetches of a process and one event loop."""

    def __init__(
        self,
        settings: Settings,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._lanes: dict[str, _Lane] = {}
        self._holds: dict[str, Hold] = {}
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Takes the limits of another config. Holds and current turns stay."""
        self._per_host = settings.polling.per_host
        configured = {registrable_domain(name) or name: rule.gap for name, rule in settings.hosts.items()}
        self._gaps = {**KNOWN_GAPS, **configured}

    def turn(self, url: str, since: float = LONG_AGO) -> AbstractAsyncContextManager[None]:
        """A context: waits until the URL's domain may get a request, and keeps the place inside the block.

        since: until when (monotonic) another process may have asked the domain, which counts for the gap.
        """
        return _Turn(self, registrable_domain(url), since)

    async def enter(self, domain: str, since: float = LONG_AGO) -> None:
        """Waits for a turn at a domain; end it with `leave`. since: see `turn`."""
        lane = self._lanes.get(domain)
        if lane is None:
            lane = self._lanes[domain] = _Lane(self._per_host)
        lane.users += 1
        held = False
        try:
            held = await lane.places.acquire()
            if (gap := self._gaps.get(domain, 0.0)) > 0:
                lane.next_start = max(lane.next_start, since + gap)
                await self._space(lane, gap)
        except BaseException:
            self.leave(domain, held)
            raise

    def leave(self, domain: str, held: bool = True) -> None:
        """Ends a turn. held: False if it ended while still waiting for a place."""
        lane = self._lanes[domain]
        if held:
            lane.places.release()
        lane.users -= 1
        if not lane.users and lane.next_start <= self._monotonic():
            del self._lanes[domain]

    async def space(self, url: str) -> None:
        """Keeps the gap before another request of a task that holds a turn at the URL's domain already."""
        domain = registrable_domain(url)
        lane, gap = self._lanes.get(domain), self._gaps.get(domain, 0.0)
        if lane is not None and gap > 0:
            await self._space(lane, gap)

    async def _space(self, lane: _Lane, gap: float) -> None:
        """Reserves the next start that keeps the gap, and waits for it."""
        now = self._monotonic()
        start = max(now, lane.next_start)
        lane.next_start = start + gap
        if start > now:
            await self._sleep(start - now)

    def hold(self, url: str, until: Instant, reason: str = "429 or 503") -> Hold:
        """Puts the URL's whole domain on hold until then. Returns the hold now in force, for the store."""
        domain = registrable_domain(url)
        known = self._holds.get(domain)
        if known is None or known.until < until:
            self._holds[domain] = Hold(domain, until, reason)
        return self._holds[domain]

    def held(self, url: str, now: Instant) -> Hold | None:
        """The hold that forbids a request to the URL now, or None."""
        if not self._holds:
            return None
        domain = registrable_domain(url)
        hold = self._holds.get(domain)
        if hold is not None and not now < hold.until <= now + LONGEST_HOLD:
            del self._holds[domain]
            return None
        return hold

    def restore(self, holds: Mapping[str, Hold]) -> None:
        """Takes over holds from the store, at start."""
        for hold in holds.values():
            self.hold(hold.domain, hold.until, hold.reason)
