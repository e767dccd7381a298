"""Asks each site once a day what its robots.txt allows, and remembers it in memory."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from urllib.parse import urlsplit

from msgspec import Struct

from aggregator.fetch import robots
from aggregator.fetch.hosts import HostGate
from aggregator.model import Fault, FaultKind, Fetched, FetchFailed, FetchOutcome, FetchRequest, Instant
from aggregator.ports import Fetcher
from aggregator.settings import DAY

RETRY = 3_600.0
"""Seconds until a robots.txt that could not be read is asked for again."""
_OF_THE_ADDRESS = frozenset((FaultKind.OFFLINE, FaultKind.ADDRESS, FaultKind.URL))
"""Faults that say nothing of robots.txt: the page itself would have the same."""
SITES = 500
"""Sites that are remembered: those of that many outlets. Articles choose them, so the number is bounded."""
MEMORY = 32 << 20
"""Bytes that the rules of all sites take at most, roughly. Most have a hundred rules; a hostile one takes ten megabytes."""
_OF_A_PART = 60
_OF_A_RULE = 250
"""Bytes of memory beside the text: of each part between wildcards, and of each rule."""


class _Known(Struct, frozen=True):
    """What a site said. unread: why its robots.txt could not be read, or ""."""

    until: Instant
    rules: tuple[robots.Rule, ...]
    unread: str = ""

    @property
    def size(self) -> int:
        """Bytes of memory, roughly."""
        return sum(_OF_A_RULE + rule.length + _OF_A_PART * len(rule.parts) for rule in self.rules)


class RobotsCache:
    """What sites allow, by origin and User-Agent; outlives a reload of the config."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._size = 0

    async def refusal(self, request: FetchRequest, agent: str, fetcher: Fetcher, gate: HostGate, now: Instant) -> Fault | None:
        """Why an address may not be asked for; None if it may. agent: the User-Agent header that is sent.

        The fault has a `retry_at` if robots.txt could not be read, and tells whether the host asked to be left alone.
        """
        parts = urlsplit(request.url)
        key = (f"{parts.scheme}://{parts.netloc}", agent)
        known = self._known.get(key)
        if known is None or not now < known.until <= now + DAY:
            async with gate.turn(request.url):
                answer = await fetcher.fetch(_request_of(key[0], request), now)
            known = await asyncio.to_thread(_judge, answer, agent, now)  # half a second for a hostile one
            if isinstance(answer, FetchFailed) and (answer.fault.holds_host or answer.fault.kind in _OF_THE_ADDRESS):
                return answer.fault
            self._remember(key, known)
        if robots.allows(known.rules, request.url):
            return None
        if known.unread:
            return Fault(FaultKind.ROBOTS, known.unread, retry_at=known.until)
        return Fault(FaultKind.ROBOTS, "its site's robots.txt forbids it")

    def _remember(self, key: tuple[str, str], known: _Known) -> None:
        if (before := self._known.pop(key, None)) is not None:
            self._size -= before.size
        self._known[key] = known
        self._size += known.size
        while len(self._known) > SITES or (self._size > MEMORY and len(self._known) > 1):
            self._size -= self._known.popitem(last=False)[1].size


def _request_of(origin: str, request: FetchRequest) -> FetchRequest:
    return FetchRequest(f"{origin}/robots.txt", user_agent=request.user_agent, proxy=request.proxy, page=True)


def _judge(answer: FetchOutcome, agent: str, now: Instant) -> _Known:
    """RFC 9309 2.3.1: a site without a robots.txt (4xx) allows all; one that can't be reached, or fails (5xx), nothing.

    A 429 says that we ask too much, not that there is none.
    """
    if isinstance(answer, Fetched):
        return _Known(now + DAY, robots.rules_for(answer.body, agent))
    fault = answer.fault if isinstance(answer, FetchFailed) else Fault(FaultKind.UNASKED_304, "304 not modified")
    status = fault.status or 0
    is_empty = fault.kind is FaultKind.EMPTY and status < 300
    if is_empty or (400 <= status < 500 and status != 429):
        return _Known(now + DAY, robots.ALLOW_ALL)
    return _Known(now + RETRY, robots.DISALLOW_ALL, f"its site's robots.txt could not be read: {fault.detail}")
