"""Reading where it can be stopped: worker processes with a deadline and a memory limit, killed and replaced when needed.

Most documents are small and well-formed. These are read in the calling process by the fast path alone, which is bounded by
their size (docs/parsing.md has the figures); everything else goes to a worker. A hostile document costs its own source one
fault and nobody else anything.
"""

from __future__ import annotations

import asyncio
import io
import pickle
import sys
from collections.abc import Collection
from typing import Any

from aggregator import model
from aggregator.model import Fault, FaultKind, Feed, Fetched, Instant
from aggregator.parse.worker import LENGTH

INLINE_BYTES = 128 * 1024
"""Documents up to this size are tried in the calling process: 0.002 s on average, 0.05 s at worst."""

_LONGEST_ANSWER = 128 << 20


class SandboxParser:
    """A `ports.Parser`. workers: processes at most, started when first needed; deadline in seconds; memory in bytes each."""

    def __init__(
        self, workers: int = 1, deadline: float = 4.0, memory: int = 256 << 20, inline_bytes: int = INLINE_BYTES
    ) -> None:
        self._deadline = deadline
        self._inline_bytes = inline_bytes
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._all = [Worker(memory) for _ in range(workers)]
        for worker in reversed(self._all):
            self._idle.put_nowait(worker)

    async def parse(self, document: Fetched, known: frozenset[bytes], now: Instant) -> Feed | Fault:
        """Reads a document; see `ports.Parser`. A deadline, a crash or too much memory is a fault of kind PARSE_LIMIT."""
        if len(document.body) <= self._inline_bytes:
            result = _inline(document, known, now)
            if result is not None:
                return result
        worker = await self._idle.get()
        try:
            return await worker.read(document, known, now, self._deadline)
        finally:
            self._idle.put_nowait(worker)

    async def aclose(self) -> None:
        """Ends all workers."""
        await asyncio.gather(*(worker.stop() for worker in self._all))


def _inline(document: Fetched, known: Collection[bytes], now: Instant) -> Feed | Fault | None:
    """By the bounded paths alone; None where these can't read it."""
    from aggregator.parse.read import read_document

    try:
        result = read_document(document, known, now, tolerant=False)
    except (MemoryError, RecursionError):
        return None
    return None if isinstance(result, Fault) and result.kind == FaultKind.PARSE_LIMIT else result


class Worker:
    """One process, or the place for one: it is started by the first document and again after each end."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._process: asyncio.subprocess.Process | None = None

    async def read(self, document: Fetched, known: Collection[bytes], now: Instant, deadline: float) -> Feed | Fault:
        process = await self._running()
        try:
            async with asyncio.timeout(deadline):
                answer = await self._exchange(process, pickle.dumps((document, frozenset(known), now), pickle.HIGHEST_PROTOCOL))
            if isinstance(answer, Fault) and answer.kind == FaultKind.PARSE_LIMIT:
                await self.stop()  # a process that ran out of memory is not fit for another document
            return answer
        except TimeoutError:
            await self.stop()
            return Fault(FaultKind.PARSE_LIMIT, f"reading took longer than {deadline:g} s and was stopped")
        except (asyncio.IncompleteReadError, ConnectionError, pickle.UnpicklingError, EOFError):
            code = await self.stop()
            return Fault(FaultKind.PARSE_LIMIT, f"the reading process ended by itself (code {code})")
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def stop(self) -> int | None:
        """Kills the process, if there is one, and returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            try:
                process.kill()
            except ProcessLookupError:
                pass
        return await process.wait()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "aggregator.parse.worker",
                str(self._memory),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._process

    async def _exchange(self, process: asyncio.subprocess.Process, request: bytes) -> Feed | Fault:
        if process.stdin is None or process.stdout is None:
            raise EOFError
        process.stdin.write(LENGTH.pack(len(request)) + request)
        await process.stdin.drain()
        (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        if length > _LONGEST_ANSWER:
            raise EOFError
        answer = _Answer(io.BytesIO(await process.stdout.readexactly(length))).load()
        if not isinstance(answer, Feed | Fault):
            raise EOFError
        return answer


class _Answer(pickle.Unpickler):
    """Reads values of the model alone: a worker that a document has taken over must not run anything here."""

    def find_class(self, module: str, name: str) -> Any:
        found = getattr(model, name, None) if module == model.__name__ else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} in a worker's answer")
        return found
