"""Looks host names up with the system's resolver, in threads, and caches the answers for a short time."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

NAMES_FOR = 60.0
"""Seconds that an answer is cached: the feeds of a host in one tick share a look-up. Most DNS records live longer."""
MAX_NAMES = 1_024
"""Names in the cache."""
MAX_LOOKUPS = 32
"""Look-ups at the same time. Each waits in a thread; with many, some that hang don't hold up the others."""
LINGER = 5.0
"""Seconds that an idle thread waits for another look-up."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class SystemResolver:
    """Calls `getaddrinfo` in threads of its own, because it can't be interrupted, and caches the answers."""

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
                return  # the loop is closed: nobody is waiting

        self._threads.run(work)
        return future


class _Threads:
    """Runs work in daemon threads, so that the program's end doesn't wait for a resolver that hangs.

    A thread stays for a while after its work, because starting one costs as much as a look-up.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = 0
        self._lock = threading.Lock()

    def run(self, work: Callable[[], None]) -> None:
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
                continue  # work came at this very moment
            with self._lock:
                self._idle += 1
