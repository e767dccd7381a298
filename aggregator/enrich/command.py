"""Runs a hook's program on one story: in a process group of its own, with bounds on time, output and what it sees of ours."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from aggregator.enrich.answer import MAX_ANSWER
from aggregator.model import Fault, FaultKind
from aggregator.settings import Hook
from aggregator.text.chars import one_line
from aggregator.text.masks import is_secret, mask_text

SEEN = ("PATH", "HOME", "LANG")
"""Variables of ours that every program sees. Others may hold secrets, and must be named (`env`)."""
MAX_COMPLAINT = 4_096
"""Bytes of what it writes to stderr that are read; the last line of them is told."""
LONGEST_COMPLAINT = 200
"""Characters of that line."""
READ = 16 * 1024


async def run_command(hook: Hook, body: bytes, environ: Mapping[str, str], folder: Path) -> bytes | Fault:
    """What the program writes when it gets the story, or why there is nothing. folder: where it runs.

    Whatever it has started ends with it, unless that has left its process group.
    """
    seen = {name: environ[name] for name in (*SEEN, *hook.env) if name in environ}
    try:
        process = await asyncio.create_subprocess_exec(
            *hook.command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=seen, cwd=folder, start_new_session=True
        )
    except (OSError, ValueError) as error:
        return Fault(FaultKind.INTERNAL, f"{Path(hook.command[0]).name} can't be started: {_reason(error, hook.command[0])}")
    deadline = asyncio.timeout(hook.timeout)
    try:
        async with deadline:
            return await _converse(process, body, _seen_secrets(hook, seen))
    except TimeoutError:
        return Fault(FaultKind.TIMEOUT, f"too slow: not done within {hook.timeout:g} s")
    finally:
        _kill(process)


def _seen_secrets(hook: Hook, seen: Mapping[str, str]) -> frozenset[str]:
    """The secrets among the variables that the program was given (`env`): libraries complain with them ("invalid key …")."""
    return frozenset(seen[name] for name in hook.env if name in seen and is_secret(name, seen[name]))


async def _converse(process: Process, body: bytes, secrets: Collection[str]) -> bytes | Fault:
    """Gives it the story and reads its answer, both at once: it may answer before it has read all."""
    writing = asyncio.create_task(_write(process, body))
    complaining = asyncio.create_task(_read_complaint(process))
    try:
        answer = await _read_answer(process)
        if answer is None:
            return Fault(FaultKind.TOO_LARGE, f"its answer is longer than {MAX_ANSWER // 1024} KiB")
        status, complaint = await process.wait(), one_line(mask_text(await complaining, secrets), LONGEST_COMPLAINT)
    finally:
        writing.cancel()
        complaining.cancel()
    if status == 0:
        return answer
    ended = f"exit status {status}" if status > 0 else f"ended by signal {-status}"
    return Fault(FaultKind.INTERNAL, f"{ended}: {complaint}" if complaint else ended)


async def _write(process: Process, body: bytes) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it need not read the story
        process.stdin.write(body)
        await process.stdin.drain()
    process.stdin.close()


async def _read_answer(process: Process) -> bytes | None:
    """All that it writes; None if that is too much."""
    assert process.stdout is not None
    answer = b""
    while part := await process.stdout.read(READ):
        answer += part
        if len(answer) >= MAX_ANSWER:
            return None
    return answer


def _reason(error: Exception, program: str) -> str:
    """Why a program can't be started."""
    if not isinstance(error, OSError):
        return type(error).__name__
    if error.errno == errno.ENOEXEC:
        return "its first line names no interpreter, such as #!/bin/sh"
    if error.errno == errno.ENOENT and Path(program).is_file():
        return "the interpreter that its first line names is not there (or that line ends as on Windows, with CR LF)"
    return error.strerror or type(error).__name__


async def _read_complaint(process: Process) -> str:
    """The last line of stderr, as far as it is kept; the rest is read, so that it doesn't stall the program."""
    assert process.stderr is not None
    kept = b""
    while part := await process.stderr.read(READ):
        kept = (kept + part)[-MAX_COMPLAINT:]
    lines = kept.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def _kill(process: Process) -> None:
    """Ends the program and all that it has started. Its group exists as long as one of them does."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process._transport.close()  # type: ignore[attr-defined]  # its pipes, which one that left the group may hold open
