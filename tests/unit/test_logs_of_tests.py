"""Tests in one process don't set up each other's logs. The second test needs the first to have run before it."""

from __future__ import annotations

import structlog
from structlog.testing import capture_logs

from aggregator.logs import configure

log = structlog.get_logger("tests")


def test_a_command_sets_up_logs() -> None:
    configure(level="error")
    log.info("unseen")


def test_the_next_test_captures_all_the_same() -> None:
    with capture_logs() as logs:
        log.info("seen")
    assert [line["event"] for line in logs] == ["seen"]
