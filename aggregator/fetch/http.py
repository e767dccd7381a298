"""The fetcher: an own redirect loop over one transport, under one deadline. Everything that goes wrong is a `FetchFailed`."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import lru_cache

import httpx
from msgspec.structs import replace

from aggregator.fetch import verdict
from aggregator.fetch.body import BodyReader
from aggregator.fetch.dialer import Dialer
from aggregator.fetch.errors import HeadersTooLargeError
from aggregator.fetch.faults import KNOWN, fault_of
from aggregator.fetch.guard import Guard, is_private_name
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.names import Names, Resolver
from aggregator.fetch.proxied import ProxyTransport
from aggregator.fetch.request import headers_for, identity, validators_for
from aggregator.fetch.target import Origin, Target, follow, parse, shown
from aggregator.fetch.tls import context
from aggregator.fetch.transport import CONNECT, HEADER_BYTES, DirectTransport
from aggregator.fetch.verdict import Answer, Headers
from aggregator.model import Fault, FaultKind, FetchFailed, FetchOutcome, FetchRequest, Hop, Instant
from aggregator.ports import Hold
from aggregator.settings import Settings
from aggregator.text.urls import registrable_domain

MAX_REDIRECTS = 5
MAX_HEADERS = 256
"""Header lines of an answer."""


class _Way:
    """One fetch under way: where it has come. What is known at the moment of a timeout."""

    def __init__(self, target: Target, home: Target, now: Callable[[], Instant], deadline: asyncio.Timeout) -> None:
        self.target = target
        self.home = home
        self.deadline = deadline
        self.hops: list[Hop] = []
        self.retry_at: Instant | None = None
        self.now = now

    def failed(self, fault: Fault) -> FetchFailed:
        """The failure, which waits for what a redirect on the way asked for."""
        told = replace(fault, retry_at=self.retry_at) if fault.retry_at is None else fault
        return FetchFailed(told, tuple(self.hops), self.target.url)


class HttpFetcher:
    """A `ports.Fetcher` over HTTP/1.1. For one event loop; make it when that runs, close it with `aclose`.

    gate: asked before a redirect leads to another domain (turns and holds); the first address is the caller's to ask for.
    transport: what sends the requests that go through no proxy, in place of our own.
    """

    def __init__(
        self,
        settings: Settings,
        gate: HostGate | None = None,
        names: Resolver | None = None,
        environ: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._timeout = settings.polling.timeout
        self._max_bytes = settings.polling.max_bytes
        self._bodies = BodyReader(self._max_bytes)
        self._hold = settings.polling.min
        self._identity = identity(settings)
        self._gate = gate
        self._shared = _shared_origins(settings)
        self._context = context(os.environ if environ is None else environ)
        self._proxies: dict[str, ProxyTransport] = {}
        self._guard = Guard(settings.network.allow)
        dialer = Dialer(self._guard, names or Names())
        self._direct = transport or DirectTransport(dialer, self._context, self._max_bytes)
        self._extensions = {"timeout": {"connect": CONNECT, "read": self._timeout, "write": self._timeout, "pool": None}}

    async def fetch(self, request: FetchRequest, now: Instant) -> FetchOutcome:
        """One poll: the request, its redirects, the body, in at most `polling.timeout` seconds. Never raises for a server."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        target, home = parse(request.url), parse(request.configured or request.url)
        if isinstance(target, Fault):
            return FetchFailed(target, (), shown(request.url))
        deadline = asyncio.timeout(self._timeout)
        way = _Way(target, target if isinstance(home, Fault) else home, lambda: now + loop.time() - started, deadline)
        try:
            async with deadline:
                return await self._follow(request, way)
        except KNOWN as error:
            if deadline.expired():
                return way.failed(Fault(FaultKind.TIMEOUT, f"too slow: not done within {self._timeout:g} s"))
            return way.failed(fault_of(error, self._max_bytes))

    async def _follow(self, request: FetchRequest, way: _Way) -> FetchOutcome:
        while True:
            async with self._turn(way):
                answer = await self._ask(request, way)
            if answer.status not in verdict.REDIRECTS:
                return verdict.judge(answer, way.now(), self._hold)
            fault = self._redirected(answer, way, request.proxy is not None)
            if fault is not None:
                return way.failed(fault)

    def _redirected(self, answer: Answer, way: _Way, proxied: bool) -> Fault | None:
        """Goes one hop further, or says why not. proxied: nobody here sees the addresses that a name leads to."""
        way.retry_at = verdict.wait_of(answer, way.now())
        location = answer.header("location")
        if location is None:
            return Fault(FaultKind.REDIRECT, f"{answer.status} redirect without a Location", answer.status)
        following = follow(way.target, _text(location))
        if isinstance(following, Fault):
            return following
        way.hops.append(Hop(answer.status, way.target.url, following.url))
        if any(hop.url == following.url for hop in way.hops):
            return Fault(FaultKind.REDIRECT, f"redirect loop at {shown(following.url)}")
        if len(way.hops) > MAX_REDIRECTS:
            return Fault(FaultKind.REDIRECT, f"too many redirects (more than {MAX_REDIRECTS})")
        way.target = following
        if proxied and following.host != way.home.host and is_private_name(following.host):
            return Fault(FaultKind.ADDRESS, f"{following.host} is a name of a private network: not allowed")
        hold = self._gate.held(following.url, way.now()) if self._gate else None
        return None if hold is None else held_fault(hold)

    def _turn(self, way: _Way) -> AbstractAsyncContextManager[None]:
        """The place at another domain that a redirect leads to. It is waited for within the deadline: never for ever."""
        here = way.target.url
        if self._gate is None or not way.hops or registrable_domain(here) == registrable_domain(way.hops[0].url):
            return nullcontext()
        return self._gate.turn(here)

    async def _ask(self, request: FetchRequest, way: _Way) -> Answer:
        """One request and its answer, the body decoded. Raises KNOWN."""
        target = way.target
        keep = request.proxy is None and target.origin in self._shared
        headers = headers_for(request, target, way.home, self._identity, keep)
        sent = httpx.Request("GET", _address(target.url), headers=headers, extensions=self._extensions)
        response = await self._transport(request.proxy).handle_async_request(sent)
        try:
            received = _received(response)
            body = b""
            if response.status_code in verdict.DOCUMENTS:
                body = await self._read(response, received, way)
        finally:
            await response.aclose()
        asked = validators_for(request, target)
        return Answer(target.url, response.status_code, received, body, asked, tuple(way.hops), way.retry_at)

    async def _read(self, response: httpx.Response, received: Headers, way: _Way) -> bytes:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return await self._bodies.read(response.stream, dict(reversed(received)), way.deadline)

    def _transport(self, proxy: str | None) -> httpx.AsyncBaseTransport:
        if proxy is None:
            return self._direct
        if proxy not in self._proxies:
            self._proxies[proxy] = ProxyTransport(proxy, self._context, self._guard)
        return self._proxies[proxy]

    async def aclose(self) -> None:
        """Closes what is kept open."""
        await self._direct.aclose()
        for proxy in self._proxies.values():
            await proxy.aclose()


def held_fault(hold: Hold) -> Fault:
    """A redirect led to a domain that must be left alone now."""
    return Fault(FaultKind.HELD, f"{hold.domain} is held until its time is over ({hold.reason})", retry_at=hold.until)


@lru_cache(maxsize=4_096)
def _address(url: str) -> httpx.URL:
    """An address as httpx has it. Kept, because reading it takes as long as sending the request."""
    return httpx.URL(url)


def _received(response: httpx.Response) -> Headers:
    """The headers in order, names in lower case, all as latin-1. Raises HeadersTooLargeError."""
    pairs = response.headers.raw
    if len(pairs) > MAX_HEADERS or sum(len(name) + len(value) + 4 for name, value in pairs) > HEADER_BYTES:
        raise HeadersTooLargeError("headers")
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs)


def _text(location: str) -> str:
    """A Location as sent: UTF-8 if its bytes are (many servers), else latin-1."""
    try:
        return location.encode("latin-1").decode()
    except UnicodeDecodeError:
        return location


def _shared_origins(settings: Settings) -> frozenset[Origin]:
    """Origins with several sources: a connection to them is kept for the next one."""
    targets = (parse(source.url) for source in settings.sources if source.enabled and source.proxy is None)
    counts = Counter(target.origin for target in targets if isinstance(target, Target))
    return frozenset(origin for origin, count in counts.items() if count > 1)
