"""Reading where it can be stopped: worker processes with a deadline and a memory limit, killed and replaced when needed.

Most documents are small and well-formed. These are read in the calling process by the fast path alone, which is bounded by
their size (docs/parsing.md has the figures); everything else goes to a worker. A hostile document costs its own source one
fault and nobody else anything.
"""

from __future__ import annotations

import asyncio
import io
import math
import os
import pickle
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from aggregator import model
from aggregator.model import Fault, FaultKind, Feed, Fetched, Instant
from aggregator.parse.worker import LENGTH

INLINE_BYTES = 128 * 1024
"""Documents up to this size are tried in the calling process: 0.002 s on average, 0.05 s at worst."""

_LONGEST_ANSWER = 128 << 20
_IDLE = 60.0
"""Seconds after which an unused worker is ended, and its 30 to 100 MB are free again."""
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
"""What a worker inherits: the config's secrets are in the environment, too, and none of its business."""


_UNREADABLE = (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError)
"""What reading a pickle can raise, whoever wrote it."""


class SandboxParser:
    """A `ports.Parser`. workers: processes at most, started when first needed; deadline in seconds; memory in bytes each."""

    def __init__(
        self, workers: int = 1, deadline: float = 4.0, memory: int = 256 << 20, inline_bytes: int = INLINE_BYTES
    ) -> None:
        self._inline_bytes = inline_bytes
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._all = [Worker(memory, deadline) for _ in range(workers)]
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
            return await worker.read(document, known, now)
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

    def __init__(self, memory: int, deadline: float) -> None:
        self._memory = memory
        self.deadline = deadline
        self._process: asyncio.subprocess.Process | None = None
        self._retirement: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def read(self, document: Fetched, known: Collection[bytes], now: Instant) -> Feed | Fault:
        """One document. The process is kept for the next one, for a while."""
        if self._retirement is not None:
            self._retirement.cancel()
        try:
            return await self._read(document, known, now)
        finally:
            self._retirement = asyncio.get_running_loop().call_later(_IDLE, self._kill)

    async def _read(self, document: Fetched, known: Collection[bytes], now: Instant) -> Feed | Fault:
        process = await self._running()
        try:
            async with asyncio.timeout(self.deadline):
                answer = await self._exchange(process, pickle.dumps((document, frozenset(known), now), pickle.HIGHEST_PROTOCOL))
            if isinstance(answer, Fault) and answer.kind == FaultKind.PARSE_LIMIT:
                await self.stop()  # a process that ran out of memory is not fit for another document
            return answer
        except TimeoutError:
            await self.stop()
            return Fault(FaultKind.PARSE_LIMIT, f"reading took longer than {self.deadline:g} s and was stopped")
        except (asyncio.IncompleteReadError, ConnectionError, *_UNREADABLE):
            code = await self.stop()
            return Fault(FaultKind.PARSE_LIMIT, f"the reading process ended by itself (code {code})")
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def stop(self) -> int | None:
        """Kills the process, if there is one, and returns its exit code."""
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
        return process

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "aggregator.parse.worker", str(self._memory), str(math.ceil(self.deadline) + 2)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env=_environment(),
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


def _environment() -> dict[str, str]:
    """With our own module path, whatever folder we run in."""
    path = os.pathsep.join(part or str(Path.cwd()) for part in sys.path)
    return {"PYTHONPATH": path} | {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


class _Answer(pickle.Unpickler):
    """Reads values of the model alone: a worker that a document has taken over must not run anything here."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "getattr"):
            return _member
        found = getattr(model, name, None)
        if not isinstance(found, type) or found.__module__ != module or not f"{module}.".startswith(f"{model.__name__}."):
            raise pickle.UnpicklingError(f"{module}.{name} in a worker's answer")
        return found


def _member(kind: object, name: str) -> FaultKind:
    """Python 3.11.0 to 3.11.3 pickle an enum's member as `getattr(class, name)`: that, of our enum, and nothing else."""
    if kind is not FaultKind:
        raise pickle.UnpicklingError(f"an attribute of {kind!r} in a worker's answer")
    return FaultKind[name]
