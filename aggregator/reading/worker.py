"""The process that reads what others wrote: `python -m aggregator.reading.worker`.

Frames on standard input and output: eight bytes of length, then msgpack or a body; first of all an empty one: it is ready. In: a
Job and its body; out: an Answer. It holds no database, no secret and opens no connection. A document that needs more than the
memory limit is a fault, after which the process ends, since what it holds can't be given back for sure. It ends with its parent,
however that ends: its input is then at an end, and an alarm ends it where a document takes too long.
"""

from __future__ import annotations

import os
import resource
import signal
import struct
import sys
from typing import IO

from aggregator.model import Fault, FaultKind
from aggregator.reading.answer import Describer, answer
from aggregator.reading.job import ENCODER, JOBS, Answer
from aggregator.tag.language import Guesser

LENGTH = struct.Struct("!Q")
_LEAST_MEMORY = 64 << 20


def main() -> int:
    """Serves until its input ends. Arguments: the memory limit in bytes, the longest time for one document in whole seconds."""
    limit, longest = max(int(sys.argv[1]), _LEAST_MEMORY), int(sys.argv[2])
    source, sink = os.fdopen(0, "rb", buffering=1 << 16), os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # what a library prints must not get between the frames
    guesser = Guesser()
    guesser.load()  # its tables may have to be made, which takes more than the limit
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
    sink.write(LENGTH.pack(len(frame)))
    sink.write(frame)
    sink.flush()


def read_frame(source: IO[bytes]) -> bytes | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length = LENGTH.unpack(head)[0]
    frame = source.read(length)
    return frame if len(frame) == length else None


def _answer(job: bytes, body: bytes, describer: Describer) -> tuple[bytes, bool]:
    """The answer as it is sent, and whether the process is fit for another document."""
    try:
        return ENCODER.encode(answer(JOBS.decode(job), body, describer)), True
    except MemoryError:
        fault = Fault(FaultKind.PARSE_LIMIT, "the document needs more memory than one may have")
    except RecursionError:
        fault = Fault(FaultKind.PARSE_LIMIT, "the document is nested too deeply")
    except Exception as error:  # noqa: BLE001 — one place that catches what is unforeseen; the caller counts it
        return ENCODER.encode(Answer(fault=Fault(FaultKind.INTERNAL, f"the reader failed: {type(error).__name__}"))), True
    return ENCODER.encode(Answer(fault=fault)), False


if __name__ == "__main__":
    sys.exit(main())
