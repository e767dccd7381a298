"""The reading workers: processes with a deadline and a memory limit, killed and replaced when needed.

A hostile document costs its own source a fault and affects no other source. A document that takes longer than `PATIENCE`
seconds moves to the slow lane, which has a worker of its own, so that slow documents delay quick ones only briefly.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Protocol

import msgspec

from aggregator.model import Fault, FaultKind, Fetched
from aggregator.reading.job import ANSWERS, ENCODER, FRAME_LENGTH, Answer, Job, Read, ReadOptions, job_of

DEADLINE = 4.0
"""Seconds for one document."""
PATIENCE = 0.5
"""Seconds after which a document moves to the slow lane. Most take 0.01 s, one of a megabyte 0.2 s."""
MEMORY = 160 << 20
"""Bytes of memory for a worker. Documents of 15 MB, the most that is fetched, take up to 150 MB."""
ARTICLE_DEADLINE = 8.0
"""Seconds for the article of a page, with the start of trafilatura: half a second, more on a busy machine."""
ARTICLE_MEMORY = 320 << 20
"""Bytes of memory for the worker that reads articles. Trafilatura itself takes 90 MB, most of it only reserved."""
_LARGE = 2 << 20
"""Bytes of a document. After a larger one the worker is ended, since it keeps much of the memory that it took."""
_PIECE = 1 << 18
"""Bytes written at once, so that no copy of a body waits in memory."""
_START = 30.0
"""Seconds for a worker to become ready. A busy machine may take several."""
_LONGEST_ANSWER = 48 << 20
"""Bytes of an answer."""
_IDLE = 60.0
"""Seconds after which an unused worker is ended to free its memory."""
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
"""Variables that a worker inherits. Others may hold the config's secrets."""


def count_readers() -> int:
    """The number of workers for `polling.readers: auto`: one for each core beyond the first, at least one."""
    return max(1, len(os.sched_getaffinity(0)) - 1)


class Reader(Protocol):
    """Reads documents and web pages."""

    def reading(
        self,
        document: Fetched,
        options: ReadOptions,
        room: AbstractAsyncContextManager[object] | None = None,
        *,
        slow: bool = False,
    ) -> AbstractAsyncContextManager[Read | Fault]:
        """Reads a document. room: entered before reading and held until the block ends; slow: use the slow lane at once."""
        ...

    async def feeds_of(self, page: bytes, url: str) -> tuple[str, ...]:
        """The feeds that a web page offers; none if it can't be read."""
        ...

    async def article_of(self, page: Fetched) -> str | Fault:
        """The article in a web page, as clean HTML."""
        ...

    async def warm_up(self) -> None:
        """Starts a worker, so that the first document does not wait for one."""
        ...

    async def aclose(self) -> None: ...


class ReadingPool:
    """A `Reader`. readers: workers of the quick lane, started on first use; deadlines: in seconds; memory: bytes per worker."""

    def __init__(
        self,
        readers: int = 1,
        deadline: float = DEADLINE,
        patience: float = PATIENCE,
        memory: int = MEMORY,
        article_deadline: float = ARTICLE_DEADLINE,
    ) -> None:
        self._article_deadline = article_deadline
        self._deadline, self._patience = deadline, min(patience, deadline)
        self._quick = _Lane(readers, memory, deadline)
        self._slow = _Lane(1, memory, deadline)
        self._articles = _Lane(1, ARTICLE_MEMORY, article_deadline)

    @asynccontextmanager
    async def reading(
        self,
        document: Fetched,
        options: ReadOptions,
        room: AbstractAsyncContextManager[object] | None = None,
        *,
        slow: bool = False,
    ) -> AsyncIterator[Read | Fault]:
        """See `Reader`. A missed deadline, a crash, or too much memory gives a fault of kind PARSE_LIMIT."""
        job = job_of(document, options)
        room = room or nullcontext()
        if not slow:
            async with room:
                answer = await self._quick.ask(job, document.body, self._patience)
                if answer is not None:
                    yield _read(answer)
                    return
        async with self._slow.turn, room:
            answer = await self._slow.ask(job, document.body, self._deadline)
            yield _read(answer or _limit(f"reading took longer than {self._deadline:g} s and was stopped"))

    async def feeds_of(self, page: bytes, url: str) -> tuple[str, ...]:
        answer = await self._quick.ask(Job(url, task="feeds"), page, self._patience)
        return answer.feeds if answer else ()

    async def article_of(self, page: Fetched) -> str | Fault:
        """See `Reader`. In a lane of its own, so that no document waits for an article."""
        job = Job(page.url, page.header("content-type"), task="article")
        answer = await self._articles.ask(job, page.body, self._article_deadline)
        if answer is None:
            return Fault(FaultKind.PARSE_LIMIT, f"reading took longer than {self._article_deadline:g} s and was stopped")
        return answer.fault or answer.article

    async def warm_up(self) -> None:
        await self._quick.warm_up()

    async def aclose(self) -> None:
        """Ends all workers."""
        await asyncio.gather(self._quick.stop(), self._slow.stop(), self._articles.stop())


def _read(answer: Answer) -> Read | Fault:
    return answer.read() or Fault(FaultKind.INTERNAL, "the reader gave no answer")


def _limit(detail: str) -> Answer:
    return Answer(fault=Fault(FaultKind.PARSE_LIMIT, detail))


class _Lane:
    """Workers that share a queue; the last one used is used first. turn: taken before `room`, which no waiting job may hold."""

    def __init__(self, workers: int, memory: int, longest: float) -> None:
        self.turn = asyncio.Semaphore(workers)
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self.workers = [Worker(memory, longest) for _ in range(workers)]
        for worker in reversed(self.workers):
            self._idle.put_nowait(worker)

    async def ask(self, job: Job, body: bytes, seconds: float) -> Answer | None:
        """The answer, or None if it takes longer than `seconds`."""
        worker = await self._idle.get()
        try:
            return await worker.ask(job, body, seconds)
        finally:
            self._idle.put_nowait(worker)

    async def warm_up(self) -> None:
        worker = await self._idle.get()
        try:
            await worker.warm_up()
        finally:
            self._idle.put_nowait(worker)

    async def stop(self) -> None:
        await asyncio.gather(*(worker.stop() for worker in self.workers))


class Worker:
    """A worker process, which is started by the first document and again after it ended."""

    def __init__(self, memory: int, longest: float) -> None:
        self._memory, self._longest = memory, longest
        self._process: asyncio.subprocess.Process | None = None
        self._retirement: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def ask(self, job: Job, body: bytes, seconds: float) -> Answer | None:
        """The answer, or None if it takes longer than `seconds`. The process then waits `_IDLE` seconds for another job."""
        if self._retirement is not None:
            self._retirement.cancel()
        try:
            return await self._ask(job, body, seconds)
        finally:
            self._retirement = asyncio.get_running_loop().call_later(_IDLE, self._kill)

    async def _ask(self, job: Job, body: bytes, seconds: float) -> Answer | None:
        try:
            process = await self._running()
            async with asyncio.timeout(seconds):
                answer = await self._exchange(process, ENCODER.encode(job), body)
            is_limit = answer.fault is not None and answer.fault.kind == FaultKind.PARSE_LIMIT
            if is_limit or len(body) > _LARGE:
                await self.stop()  # a process that ran out of memory is not reused
            return answer
        except TimeoutError:
            await self.stop()
            return None
        except (asyncio.IncompleteReadError, ConnectionError, EOFError, msgspec.MsgspecError, UnicodeError):
            code = await self.stop()
            return _limit(f"the reading process ended by itself (code {code})")
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def warm_up(self) -> None:
        """Starts the process. If that fails, the first document tries again."""
        with suppress(OSError, TimeoutError, EOFError):
            await self._running()

    async def stop(self) -> int | None:
        """Kills the process, if any, and returns its exit code."""
        if self._retirement is not None:
            self._retirement.cancel()
        process = self._kill()
        return await process.wait() if process else None

    def _kill(self) -> asyncio.subprocess.Process | None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            try:
                process.kill()
            except ProcessLookupError:
                pass
        if process is not None and process.stdin is not None:
            process.stdin.close()  # else its pipe outlives the event loop
        return process

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "aggregator.reading.worker", str(self._memory), str(math.ceil(self._longest) + 2)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=_LONGEST_ANSWER,  # a reader that pauses at a lower one never sees a killed process's end
                start_new_session=True,
                cwd="/",
                env=_environment(),
            )
            async with asyncio.timeout(_START):
                await _frame(self._process)
        return self._process

    async def _exchange(self, process: asyncio.subprocess.Process, job: bytes, body: bytes) -> Answer:
        if process.stdin is None:
            raise EOFError
        process.stdin.write(FRAME_LENGTH.pack(len(job)) + job + FRAME_LENGTH.pack(len(body)))
        for start in range(0, len(body), _PIECE):
            process.stdin.write(body[start : start + _PIECE])
            await process.stdin.drain()
        return ANSWERS.decode(await _frame(process))


async def _frame(process: asyncio.subprocess.Process) -> bytes:
    if process.stdout is None:
        raise EOFError
    length = FRAME_LENGTH.unpack(await process.stdout.readexactly(FRAME_LENGTH.size))[0]
    if length > _LONGEST_ANSWER:
        raise EOFError
    return await process.stdout.readexactly(length)


def _environment() -> dict[str, str]:
    """The worker's environment, with our module path made absolute."""
    path = os.pathsep.join(part or str(Path.cwd()) for part in sys.path)
    return {"PYTHONPATH": path} | {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
