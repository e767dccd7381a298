"""Who may be asked now: connections and spacing for each registrable domain, and holds after a 429 or 503.

A domain is what someone registered (`example.co.uk`); an IP address stands for itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from aggregator.model import Instant
from aggregator.ports import Hold
from aggregator.settings import Settings
from aggregator.text.urls import registrable_domain

LONGEST = 8 * 86_400.0
"""Seconds from now that a hold can end in: servers are believed for a week (`cadence.after`), so the clock was set back."""


class _Lane:
    """The turns at one domain: how many may be had, who has or waits for one, and when the next may start."""

    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.users = 0
        self.next_start = 0.0


class _Turn(AbstractAsyncContextManager[None]):
    """A turn at a domain: a class, because a generator for it costs as much as all that it does."""

    __slots__ = ("_domain", "_gate")

    def __init__(self, gate: HostGate, domain: str) -> None:
        self._gate = gate
        self._domain = domain

    async def __aenter__(self) -> None:
        await self._gate.enter(self._domain)

    async def __aexit__(self, *_: object) -> None:
        self._gate.leave(self._domain)


class HostGate:
    """Hands out turns and remembers holds. One for all fetches of a process; for one event loop."""

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
        """Takes over another config's limits; holds and turns under way stay."""
        self._per_host = settings.polling.per_host
        self._gaps = {registrable_domain(name) or name: rule.gap for name, rule in settings.hosts.items()}

    def turn(self, url: str) -> AbstractAsyncContextManager[None]:
        """Waits until the URL's domain may get a request, and holds the place while inside."""
        return _Turn(self, registrable_domain(url))

    async def enter(self, domain: str) -> None:
        """Waits for a turn at a domain, which `leave` ends."""
        lane = self._lanes.get(domain)
        if lane is None:
            lane = self._lanes[domain] = _Lane(self._per_host)
        lane.users += 1
        held = False
        try:
            held = await lane.places.acquire()
            if (gap := self._gaps.get(domain, 0.0)) > 0:
                await self._space(lane, gap)
        except BaseException:
            self.leave(domain, held)
            raise

    def leave(self, domain: str, held: bool = True) -> None:
        """Gives a turn back; held: whether the place was had already."""
        lane = self._lanes[domain]
        if held:
            lane.places.release()
        lane.users -= 1
        if not lane.users and lane.next_start <= self._monotonic():
            del self._lanes[domain]

    async def _space(self, lane: _Lane, gap: float) -> None:
        """Books the next start that keeps the gap, and waits for it."""
        now = self._monotonic()
        start = max(now, lane.next_start)
        lane.next_start = start + gap
        if start > now:
            await self._sleep(start - now)

    def hold(self, url: str, until: Instant, reason: str = "429 or 503") -> Hold:
        """Leaves the URL's whole domain alone until then. Returns the hold as it now stands, for the store."""
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
        if hold is not None and not now < hold.until <= now + LONGEST:
            del self._holds[domain]
            return None
        return hold

    def restore(self, holds: Mapping[str, Hold]) -> None:
        """Takes over holds from the store, as at a start."""
        for hold in holds.values():
            self.hold(hold.domain, hold.until, hold.reason)
