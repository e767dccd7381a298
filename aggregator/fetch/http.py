"""The fetcher: it follows redirects itself, over one transport and under one deadline. Every failure is a `FetchFailed`."""

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
from aggregator.fetch.body import BodyBudget, BodyReader
from aggregator.fetch.challenge import MAX_BYTES, MAX_SECONDS, REFUSALS
from aggregator.fetch.dialer import Dialer
from aggregator.fetch.errors import AddressRefusedError, HeadersTooLargeError
from aggregator.fetch.faults import KNOWN, fault_of
from aggregator.fetch.guard import Guard, how_to_allow, is_private_host, is_private_name
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.proxied import ProxyTransport
from aggregator.fetch.request import headers_for, identity, validators_for
from aggregator.fetch.resolver import Resolve, SystemResolver
from aggregator.fetch.target import Origin, Target, follow_location, parse_target, show_url
from aggregator.fetch.tls import make_context
from aggregator.fetch.transport import CONNECT, HEADER_BYTES, DirectTransport
from aggregator.fetch.verdict import Answer, Headers
from aggregator.model import Fault, FaultKind, FetchFailed, FetchOutcome, FetchRequest, Hop, Instant
from aggregator.ports import BodyMemory, Hold
from aggregator.settings import Settings
from aggregator.text.urls import registrable_domain

MAX_REDIRECTS = 5
MAX_HEADERS = 256
"""Header lines of an answer."""

_NO_BODY = httpx.ByteStream(b"")
"""Given with complete headers: httpx makes those of a request for which it encodes a body a second time."""


class _Progress:
    """How far a fetch has come, so that a failure can say what is known by then."""

    def __init__(
        self, target: Target, home: Target, now: Callable[[], Instant], deadline: asyncio.Timeout, memory: BodyMemory
    ) -> None:
        self.target = target
        self.home = home
        self.deadline = deadline
        self.memory = memory
        self.hops: list[Hop] = []
        self.retry_at: Instant | None = None
        self.now = now

    def failure(self, fault: Fault) -> FetchFailed:
        """The failure. Without a Retry-After of its own it takes the one of the redirects before it."""
        told = replace(fault, retry_at=self.retry_at) if fault.retry_at is None else fault
        return FetchFailed(told, tuple(self.hops), self.target.url)


class HttpFetcher:
    """A `ports.Fetcher` over HTTP/1.1 for one event loop: make it while the loop runs, close it with `aclose`.

    gate: asked for a turn before a redirect leads to another domain; for the first address the caller asks.
    transport: sends the requests that don't go through a proxy; our own by default. shared: origins of several sources, if known.
    """

    def __init__(
        self,
        settings: Settings,
        gate: HostGate | None = None,
        resolve: Resolve | None = None,
        environ: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        shared: frozenset[Origin] | None = None,
    ) -> None:
        self._timeout = settings.polling.timeout
        self._max_bytes = settings.polling.max_bytes
        self._bodies = BodyReader(self._max_bytes)
        self._refusals = BodyReader(MAX_BYTES)
        self._budget = BodyBudget()
        self._hold = settings.polling.min
        self._identity = identity(settings)
        self._gate = gate
        self.shared = _shared_origins(settings) if shared is None else shared
        self._context = make_context(os.environ if environ is None else environ)
        self._proxies: dict[str, ProxyTransport] = {}
        self._guard = Guard(settings.network.allow)
        dialer = Dialer(self._guard, resolve or SystemResolver())
        self._direct = transport or DirectTransport(dialer, self._context, self._max_bytes)
        self._extensions = {"timeout": {"connect": CONNECT, "read": self._timeout, "write": self._timeout, "pool": None}}

    async def fetch(self, request: FetchRequest, now: Instant, memory: BodyMemory | None = None) -> FetchOutcome:
        """One poll: request, redirects and body within `polling.timeout` seconds. Raises nothing that a server can cause."""
        async with self._budget.share() as own:
            return await self._fetch(request, now, memory or own)

    async def _fetch(self, request: FetchRequest, now: Instant, memory: BodyMemory) -> FetchOutcome:
        loop = asyncio.get_running_loop()
        started = loop.time()
        target, home = parse_target(request.url), parse_target(request.configured or request.url)
        if isinstance(target, Fault):
            return FetchFailed(target, (), show_url(request.url))
        deadline = asyncio.timeout(self._timeout)
        home = target if isinstance(home, Fault) else home
        progress = _Progress(target, home, lambda: now + loop.time() - started, deadline, memory)
        try:
            async with deadline:
                return await self._follow(request, progress)
        except KNOWN as error:
            if deadline.expired():
                return progress.failure(Fault(FaultKind.TIMEOUT, f"too slow: not done within {self._timeout:g} s"))
            fault = fault_of(error, self._max_bytes)
            if isinstance(error, AddressRefusedError) and error.address and _is_own(progress):
                fault = replace(fault, detail=fault.detail + how_to_allow(error.address))
            return progress.failure(fault)

    async def _follow(self, request: FetchRequest, progress: _Progress) -> FetchOutcome:
        while True:
            async with self._turn(progress):
                answer = await self._ask(request, progress)
            if answer.status not in verdict.REDIRECTS:
                return verdict.judge(answer, progress.now(), self._hold, page=request.page)
            fault = self._follow_redirect(answer, progress, request.proxy is not None)
            if fault is not None or not request.follow:
                return progress.failure(fault or Fault(FaultKind.REDIRECT, "a redirect", answer.status))

    def _follow_redirect(self, answer: Answer, progress: _Progress, proxied: bool) -> Fault | None:
        """Goes one hop further, or returns why not. proxied: the proxy resolves the name, so its addresses can't be checked."""
        progress.retry_at = verdict.wait_of(answer, progress.now())
        location = answer.header("location")
        if location is None:
            return Fault(FaultKind.REDIRECT, f"{answer.status} redirect without a Location", answer.status)
        following = follow_location(progress.target, _decoded(location))
        if isinstance(following, Fault):
            return following
        progress.hops.append(Hop(answer.status, progress.target.url, following.url))
        if any(hop.url == following.url for hop in progress.hops):
            return Fault(FaultKind.REDIRECT, f"redirect loop at {show_url(following.url)}")
        if len(progress.hops) > MAX_REDIRECTS:
            return Fault(FaultKind.REDIRECT, f"too many redirects (more than {MAX_REDIRECTS})")
        progress.target = following
        if proxied and following.host != progress.home.host and is_private_name(following.host):
            return Fault(FaultKind.ADDRESS, f"{following.host} is a name of a private network: not allowed")
        hold = self._gate.held(following.url, progress.now()) if self._gate else None
        return None if hold is None else held_fault(hold)

    def _turn(self, progress: _Progress) -> AbstractAsyncContextManager[None]:
        """A turn at the other domain that a redirect leads to. Waiting for it counts towards the deadline."""
        here = progress.target.url
        if self._gate is None or not progress.hops or registrable_domain(here) == registrable_domain(progress.hops[0].url):
            return nullcontext()
        return self._gate.turn(here)

    async def _ask(self, request: FetchRequest, progress: _Progress) -> Answer:
        """Sends one request and reads its answer, the body decoded. Raises KNOWN."""
        target = progress.target
        keep = request.proxy is None and target.origin in self.shared
        headers = headers_for(request, target, progress.home, self._identity, keep)
        url = _parsed(target.url)
        sent = httpx.Request("GET", url, headers=[(b"Host", url.netloc), *headers], stream=_NO_BODY, extensions=self._extensions)
        response = await self._transport(request.proxy).handle_async_request(sent)
        try:
            received = _headers_of(response)
            body = b""
            if response.status_code in verdict.DOCUMENTS:
                body = await self._read(response, received, progress)
            elif response.status_code in REFUSALS:
                body = await self._read_refusal(response, received, progress)
        finally:
            await response.aclose()
        asked = validators_for(request, target)
        return Answer(target.url, response.status_code, received, body, asked, tuple(progress.hops), progress.retry_at)

    async def _read(self, response: httpx.Response, received: Headers, progress: _Progress) -> bytes:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return await self._bodies.read(response.stream, dict(reversed(received)), progress.deadline, progress.memory)

    async def _read_refusal(self, response: httpx.Response, received: Headers, progress: _Progress) -> bytes:
        """The page of a refusal, or nothing if it is too long or broken: its status says enough then."""
        assert isinstance(response.stream, httpx.AsyncByteStream)
        left = (progress.deadline.when() or 0.0) - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(MAX_SECONDS, left / 2)):  # the status must be told in any case
                return await self._refusals.read(response.stream, dict(reversed(received)), progress.deadline, progress.memory)
        except KNOWN:
            return b""

    def _transport(self, proxy: str | None) -> httpx.AsyncBaseTransport:
        if proxy is None:
            return self._direct
        if proxy not in self._proxies:
            self._proxies[proxy] = ProxyTransport(proxy, self._context, self._guard)
        return self._proxies[proxy]

    async def aclose(self) -> None:
        """Closes the kept connections."""
        await self._direct.aclose()
        for proxy in self._proxies.values():
            await proxy.aclose()


def held_fault(hold: Hold) -> Fault:
    """The fault of a redirect to a domain that is on hold."""
    return Fault(FaultKind.HELD, f"{hold.domain} is held until its time is over ({hold.reason})", retry_at=hold.until)


@lru_cache(maxsize=4_096)
def _parsed(url: str) -> httpx.URL:
    """The address as httpx has it. Cached, because parsing one takes as long as sending the request."""
    return httpx.URL(url)


def _headers_of(response: httpx.Response) -> Headers:
    """The headers in order, names in lower case, all as latin-1. Raises HeadersTooLargeError."""
    pairs = response.headers.raw
    if len(pairs) > MAX_HEADERS or sum(len(name) + len(value) + 4 for name, value in pairs) > HEADER_BYTES:
        raise HeadersTooLargeError("headers")
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs)


def _decoded(location: str) -> str:
    """A Location as it was meant: many servers send UTF-8, the others latin-1."""
    try:
        return location.encode("latin-1").decode()
    except UnicodeDecodeError:
        return location


def _shared_origins(settings: Settings) -> frozenset[Origin]:
    """Origins that several sources share: the connection is kept for the next source."""
    direct = (source.url for source in settings.sources if source.enabled and source.proxy is None)
    written = Counter("/".join(url.split("/", 3)[:3]) + "/" for url in direct)  # what has to be parsed of very many sources
    counts: Counter[Origin] = Counter()
    for address, count in written.items():
        if isinstance(target := parse_target(address), Target):
            counts[target.origin] += count
    return frozenset(origin for origin, count in counts.items() if count > 1)


def _is_own(progress: _Progress) -> bool:
    """Whether the config itself names a private host, to which no foreign server has led or resolved."""
    return not progress.hops and is_private_host(progress.home.host)
