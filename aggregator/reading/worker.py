"""The process that reads what others wrote: `python -m aggregator.reading.worker`.

Standard input and output carry frames: eight bytes of length, then msgpack or a body. The worker first writes an empty frame
to show that it is ready. It then reads a `Job` and its body, and writes an `Answer`, until its input ends. It has no database
and no secrets, and opens no connections. A document that exceeds the memory limit gives a fault, after which the process ends,
since its memory may not be freed. It also ends with its parent: its input closes, or an alarm stops a document that takes too
long.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import IO

from aggregator.model import Fault, FaultKind
from aggregator.reading.answer import Describer, answer
from aggregator.reading.job import ENCODER, FRAME_LENGTH, JOBS, Answer
from aggregator.tag.language import Guesser

_LEAST_MEMORY = 64 << 20
"""Bytes below which the interpreter and its libraries would not work."""


def main() -> int:
    """Serves jobs until its input ends. Arguments: the memory limit in bytes, and whole seconds for one document."""
    limit, longest = max(int(sys.argv[1]), _LEAST_MEMORY), int(sys.argv[2])
    source, sink = os.fdopen(0, "rb", buffering=1 << 16), os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # a library's prints must not corrupt the frames
    guesser = Guesser()
    guesser.load()  # making its tables may take more memory than the limit
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    describer = Describer(guesser)
    _write(sink, b"")
    while (job := read_frame(source)) is not None and (body := read_frame(source)) is not None:
        signal.alarm(longest)
        written, is_healthy = _answer(job, body, describer)
        signal.alarm(0)
        del job, body
        _write(sink, written)
        if not is_healthy:
            return 1
    return 0


def _write(sink: IO[bytes], frame: bytes) -> None:
    sink.write(FRAME_LENGTH.pack(len(frame)))
    sink.write(frame)
    sink.flush()


def read_frame(source: IO[bytes]) -> bytes | None:
    """The next frame, or None at the end of the input."""
    head = source.read(FRAME_LENGTH.size)
    if len(head) < FRAME_LENGTH.size:
        return None
    length = FRAME_LENGTH.unpack(head)[0]
    frame = source.read(length)
    return frame if len(frame) == length else None


def _answer(job: bytes, body: bytes, describer: Describer) -> tuple[bytes, bool]:
    """The encoded answer, and whether the process can take another job."""
    try:
        return ENCODER.encode(answer(JOBS.decode(job), body, describer)), True
    except MemoryError:
        fault = Fault(FaultKind.PARSE_LIMIT, "the document needs more memory than one may have")
    except RecursionError:
        fault = Fault(FaultKind.PARSE_LIMIT, "the document is nested too deeply")
    except Exception as error:  # noqa: BLE001 — the one place that catches the unforeseen; the caller counts it
        return ENCODER.encode(Answer(fault=Fault(FaultKind.INTERNAL, f"the reader failed: {type(error).__name__}"))), True
    return ENCODER.encode(Answer(fault=fault)), False


if __name__ == "__main__":
    sys.exit(main())
