"""The wiring: which implementation stands behind which port. Everything is made when it is first asked for."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aggregator.errors import UsageError

if TYPE_CHECKING:
    from aggregator.dedup.engine import Engine
    from aggregator.fetch.http import HttpFetcher
    from aggregator.parse.sandbox import SandboxParser
    from aggregator.pipeline import Pipeline
    from aggregator.ports import Store
    from aggregator.settings import Settings
    from aggregator.tag.rules import RuleSet

CONFIG_VARIABLE = "AGGREGATOR_CONFIG"
CONFIG_PLACES = (Path("feeds.yaml"), Path("/etc/aggregator/feeds.yaml"))


def find_config(given: Path | None) -> Path:
    """The config file: as given, from the environment, or the first place that has one. Raises UsageError."""
    if given is not None:
        return given
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named)
    for place in CONFIG_PLACES:
        if place.exists():
            return place
    raise UsageError("no config file: write ./feeds.yaml (`aggregator init` makes a commented one), or name one with -c")


class Application:
    """What a command works with. A context manager: leaving it closes what was opened."""

    def __init__(self, config: Path | None = None) -> None:
        self._config = config

    @cached_property
    def config_path(self) -> Path:
        return find_config(self._config)

    @cached_property
    def settings(self) -> Settings:
        """The config, checked. Raises ConfigError with every problem."""
        from aggregator.config.load import load
        from aggregator.tag.query import check

        return load(self.config_path, check, os.environ)

    @cached_property
    def store(self) -> Store:
        """The database that the config names, made if it is not there. Raises StoreError."""
        from aggregator.store.sqlite import SqliteStore

        return SqliteStore(Path(self.settings.storage.database))

    @cached_property
    def rules(self) -> RuleSet:
        from aggregator.tag.rules import compile_rules

        return compile_rules(self.settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if "store" in self.__dict__:
            self.store.close()
