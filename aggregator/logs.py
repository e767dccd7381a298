"""Logs are events with fields, one line each, on standard error. What comes from feeds is escaped; secrets never get here."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from aggregator.text.masks import mask_text

_QUIET = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "asyncio": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "mcp": logging.ERROR,
    "procrastinate": logging.CRITICAL,
    "psycopg.pool": logging.CRITICAL,
    "apscheduler": logging.ERROR,
    "apscheduler.executors": logging.CRITICAL,
}
"""Libraries that log each request, or their inner life. That a turn was left out because the last one still runs is no news;
what a job raised is told by the daemon (`job_failed`), that one was cancelled at the end is no failure, and that the server
is away is told once (`jobs_interrupted`)."""


def configure(*, level: str = "info", form: str = "auto") -> None:
    """Sets up logging for this process. form: "json", "console", or "auto" (console on a terminal)."""
    number = getattr(logging, level.upper())
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=True)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _mask,
            _escape,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Unfailing(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masking("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)


def logger(name: str) -> Any:
    """For a process that may not have set anything up: then warnings and errors are told."""
    if not structlog.is_configured():
        configure(level="warning")
    return structlog.get_logger(name)


class _Unfailing:
    """A stream that loses what can't be written: a log on a full disk must not end the work that it tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Masking(logging.Formatter):
    """For what libraries log: their errors may hold addresses, too."""

    def format(self, record: logging.LogRecord) -> str:
        return mask_text(super().format(record))


def _mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """No address in a log carries a secret, wherever it comes from: a redirect, an error, a traceback."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = mask_text(value)
    return event


def _escape(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Control characters in values become escapes, so that no feed can forge a line or drive a terminal."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception" and not value.isprintable():
            event[key] = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in value)
    return event
