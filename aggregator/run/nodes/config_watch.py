"""The config file of a node that adopts nothing: read again when it has changed."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from aggregator.errors import AggregatorError
from aggregator.run.config_in_use import fingerprint
from aggregator.settings import Settings

log = structlog.get_logger("nodes")


class ConfigWatch:
    """Keeps the last config that could be used, and its fingerprint.

    is_refused: whether the file now holds one that can't be used.
    """

    def __init__(self, settings: Settings, load: Callable[[], Settings]) -> None:
        self.settings, self.load = settings, load
        self.fingerprint = self._seen = fingerprint(settings)
        self.is_refused = False

    def look(self, *, forced: bool = False) -> None:
        """Reads the config if its files have changed, or if forced."""
        if (seen := fingerprint(self.settings)) == self._seen and not forced:
            return
        self._seen = seen
        try:
            self.settings = self.load()
        except AggregatorError as error:
            self.is_refused = True
            log.error("reload_refused", error=str(error))
        else:
            self.is_refused = False
            self.fingerprint = self._seen = fingerprint(self.settings)
