"""Logs are events with fields, one line each, on standard error. What comes from feeds is escaped; secrets never get here."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_QUIET = ("httpx", "httpcore", "apscheduler", "asyncio", "uvicorn.access")
"""Libraries that log a line for each request, or their inner life; only their warnings are of use."""


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
            _escape,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        stream=sys.stderr, level=max(number, logging.INFO), format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _escape(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Control characters in values become escapes, so that no feed can forge a line or drive a terminal."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception" and not value.isprintable():
            event[key] = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in value)
    return event
