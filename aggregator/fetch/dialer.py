"""Connecting: a name is resolved, every address is checked, and the checked address is the one that is used.

So no second look-up can lead elsewhere (DNS rebinding), and each hop of a redirect passes the same check.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from aggregator.fetch.errors import ConnectError, ConnectTimeoutError
from aggregator.fetch.guard import Guard, literal
from aggregator.fetch.wire import Wire

CONNECT_EACH = 4.0
"""Seconds for one address of several, so that a dead IPv6 route leaves time for IPv4."""
NAMES_FOR = 60.0
"""Seconds that a look-up is good for: the feeds of a host in one tick ask once. Shorter than any record that matters."""
MAX_NAMES = 1_024
MAX_LOOKUPS = 32
"""Look-ups under way at a time. They wait in threads, and a resolver that hangs must not hold up the names it knows."""
LINGER = 5.0
"""Seconds that a thread waits for another look-up."""

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class AddressRefusedError(ConnectError):
    """The name leads to addresses that must not be connected to, and to no others."""


class NameNotFoundError(ConnectError):
    """The name has no address, or nobody could say."""


class OfflineError(ConnectError):
    """No route from here, or no name server that answers."""


class Names:
    """Look-ups by the system's resolver in threads of their own (`getaddrinfo` can't be stopped), remembered shortly."""

    def __init__(self, resolve: Callable[..., Any] = socket.getaddrinfo) -> None:
        self._resolve = resolve
        self._known: OrderedDict[tuple[str, int], tuple[float, tuple[str, ...]]] = OrderedDict()
        self._places = asyncio.Semaphore(MAX_LOOKUPS)
        self._threads = _Threads()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a name in the order to try them. Raises socket.gaierror."""
        loop = asyncio.get_running_loop()
        kept = self._known.get((host, port))
        if kept is not None and kept[0] > loop.time():
            return kept[1]
        await self._places.acquire()
        found = await self._ask(loop, host, port)
        addresses = tuple(dict.fromkeys(str(info[4][0]) for info in found))
        self._known[host, port] = (loop.time() + NAMES_FOR, addresses)
        self._known.move_to_end((host, port))
        while len(self._known) > MAX_NAMES:
            self._known.popitem(last=False)
        return addresses

    def _ask(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> asyncio.Future[list[Any]]:
        future: asyncio.Future[list[Any]] = loop.create_future()

        def done(result: list[Any] | None, error: Exception | None) -> None:
            self._places.release()
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result or [])

        def work() -> None:
            result, error = None, None
            try:
                result = self._resolve(host, port, type=socket.SOCK_STREAM)
            except (OSError, ValueError, OverflowError) as caught:
                error = caught
            try:
                loop.call_soon_threadsafe(done, result, error)
            except RuntimeError:
                return  # the loop has ended: nobody waits any more

        self._threads.do(work)
        return future


class _Threads:
    """Does work in daemon threads: the end of the program does not wait for a resolver that hangs.

    A thread stays for a while when its work is done: to make one costs as much as a look-up.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = 0
        self._lock = threading.Lock()

    def do(self, work: Callable[[], None]) -> None:
        with self._lock:
            self._work.put(work)
            if self._idle:
                self._idle -= 1
                return
        threading.Thread(target=self._run, name="resolve", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self._work.get(timeout=LINGER)()
            except Empty:
                with self._lock:
                    if self._work.empty():
                        self._idle -= 1
                        return
                continue  # some came at this very moment
            with self._lock:
                self._idle += 1


class Dialer:
    """Opens connections to allowed addresses."""

    def __init__(self, guard: Guard, names: Resolver) -> None:
        self._guard = guard
        self._names = names

    async def connect(self, host: str, port: int, seconds: float) -> Wire:
        """A connection to the first allowed address that answers. Raises ConnectError (and its kinds)."""
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await self._first(self._allowed(host, await self._addresses(host, port)), port)
        except TimeoutError as error:
            if limit.expired():
                raise ConnectTimeoutError(f"no connection within {seconds:g} s") from error
            raise

    async def _first(self, addresses: Sequence[str], port: int) -> Wire:
        """The first of these addresses that answers."""
        problem: Exception | None = None
        for address in addresses:
            try:
                if len(addresses) == 1:
                    return await _connected(address, port)
                async with asyncio.timeout(CONNECT_EACH):
                    return await _connected(address, port)
            except (OSError, OverflowError) as error:
                problem = error
        if isinstance(problem, OSError) and problem.errno in _NO_ROUTE:
            raise OfflineError("no route to the server from here") from problem
        raise ConnectError(_told(problem)) from problem

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        address = literal(host)
        if address is not None:
            return (str(address),)
        try:
            return await self._names(host, port)
        except (OSError, ValueError, OverflowError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise OfflineError(f"no name server could tell the address of {host}") from error
            raise NameNotFoundError(f"the name {host} has no address (not found)") from error

    def _allowed(self, host: str, addresses: Sequence[str]) -> list[str]:
        judged = [(address, self._guard.refusal(address)) for address in addresses]
        allowed = [address for address, refusal in judged if refusal is None]
        if not allowed:
            refusal = next((refusal for _, refusal in judged if refusal), None)
            if refusal is None:
                raise NameNotFoundError(f"the name {host} has no address")
            raise AddressRefusedError(refusal)
        return allowed


async def _connected(address: str, port: int) -> Wire:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return Wire(made)


def _told(error: Exception | None) -> str:
    match error:
        case ConnectionRefusedError():
            return "connection refused"
        case TimeoutError():
            return "no connection in time"
        case ConnectionResetError():
            return "connection reset"
        case OSError() if error.errno is not None:
            return os.strerror(error.errno).lower()
        case _:
            return "can't connect"
