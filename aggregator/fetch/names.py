"""Looking names up: by the system's resolver, in threads of their own, remembered shortly."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

NAMES_FOR = 60.0
"""Seconds that a look-up is good for: the feeds of a host in one tick ask once. Shorter than any record that matters."""
MAX_NAMES = 1_024
MAX_LOOKUPS = 32
"""Look-ups under way at a time. They wait in threads, and a resolver that hangs must not hold up the names it knows."""
LINGER = 5.0
"""Seconds that a thread waits for another look-up."""

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


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
