"""What all tests share. Fixtures of one part live in that part's folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests import postgres
from tests.browser import chromium
from tests.object_store import ObjectStore, object_store

CHECKOUT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked slow in full length, too")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly what was not tested because a program is not installed: the pages in a browser, the store on PostgreSQL."""
    skipped = terminalreporter.stats.get("skipped", [])
    for missing in (chromium.MISSING, postgres.MISSING):
        if any(missing in str(report.longrepr) for report in skipped):
            terminalreporter.write_line(f"WARNING: {missing}", red=True, bold=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measuring data and programs beside the checkout; without it the test is skipped."""
    folder = CHECKOUT.parent / "shared"
    if not (folder / "lab").is_dir():
        pytest.skip(f"needs the measuring data and programs in {folder.name}/ beside the checkout, which is not there")
    return folder


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """An object store on loopback, which the environment names."""
    with object_store() as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def only_long(request: pytest.FixtureRequest) -> None:
    """A test that takes half a minute or more runs only if it is asked for (`--long`)."""
    if not request.config.getoption("--long"):
        pytest.skip("takes long; run with --long")


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form of a test was asked for (`--long`)."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session", autouse=True)
def logs_end_with_the_run() -> Iterator[None]:
    """What a test logs can be captured, whatever ran before it in this process: otherwise, who logs first sets the level for all.

    Several runs in one process (`make mutants`) each log to a standard error of their own.
    """
    configure = structlog.configure

    def configure_without_cache(*given: Any, **named: Any) -> None:
        configure(*given, **named | {"cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", configure_without_cache)  # a kept logger can't be set up anew
        structlog.configure()
        yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def logs_are_set_up_for_one_test() -> Iterator[None]:
    """A command that a test runs in this process (`poll`) sets the level and form of logs, which later tests don't expect."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
