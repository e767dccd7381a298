"""The process that documents are read in when it must be possible to kill the reading: `python -m aggregator.parse.worker`.

Frames on standard input and output: eight bytes of length, then a pickle. In: (Fetched, known fingerprints, now); out: Feed or
Fault. It holds no file, no database, no secret and opens no connection. A document that needs more than the memory limit is a
fault, after which the process ends, since what it holds can't be given back for sure. An alarm ends it should its parent be gone
when a document takes too long.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import struct
import sys
from typing import IO

from aggregator.model import Fault, FaultKind, Feed

LENGTH = struct.Struct("!Q")
_LEAST_MEMORY = 64 << 20


def main() -> int:
    """Serves until its input ends. Arguments: the memory limit in bytes, the longest time for one document in whole seconds."""
    limit, longest = max(int(sys.argv[1]), _LEAST_MEMORY), int(sys.argv[2])
    source, sink = os.fdopen(0, "rb", buffering=1 << 16), os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # what a library prints must not get between the frames
    from aggregator.parse.read import read_document  # noqa: F401  (loaded before the limit counts)

    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (frame := read_frame(source)) is not None:
        signal.alarm(longest)
        answer, healthy = _answer(frame)
        signal.alarm(0)
        del frame
        sink.write(LENGTH.pack(len(answer)) + answer)
        sink.flush()
        if not healthy:
            return 1
    return 0


def read_frame(source: IO[bytes]) -> bytes | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return source.read(LENGTH.unpack(head)[0])


def _answer(frame: bytes) -> tuple[bytes, bool]:
    """The pickled answer, and whether the process is fit for another document."""
    from aggregator.parse.read import read_document

    result: Feed | Fault
    try:
        document, known, now = pickle.loads(frame)
        result = read_document(document, known, now)
        return pickle.dumps(result, pickle.HIGHEST_PROTOCOL), True
    except MemoryError:
        result = Fault(FaultKind.PARSE_LIMIT, "the document needs more memory than one may have")
    except RecursionError:
        result = Fault(FaultKind.PARSE_LIMIT, "the document is nested too deeply")
    except Exception as error:  # noqa: BLE001 — one place that catches what is unforeseen; the caller counts it
        return pickle.dumps(Fault(FaultKind.INTERNAL, f"the reader failed: {type(error).__name__}")), True
    return pickle.dumps(result), False


if __name__ == "__main__":
    sys.exit(main())
