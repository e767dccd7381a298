"""What outlives a reload, and how a runtime is made of it and a config."""

from __future__ import annotations

import gc
import random
from functools import cached_property
from typing import TYPE_CHECKING

from aggregator.fetch.hosts import HostGate
from aggregator.pipeline import Current
from aggregator.ports import LanguageGuesser, Parser
from aggregator.run.clock import SystemClock
from aggregator.run.descriptors import raise_limit
from aggregator.run.runtime import Own, Runtime
from aggregator.settings import Settings
from aggregator.store.sqlite import SqliteStore
from aggregator.store.writer import Writer

if TYPE_CHECKING:
    from aggregator.publish.shelf import Shelf


class Parts:
    """The process's own: the store and the thread that writes it, the shelf, the holds of hosts, the parser's workers.

    Made inside the event loop that uses it.
    """

    def __init__(self, store: SqliteStore) -> None:
        gc.freeze()
        self.store = store
        self.clock = SystemClock()
        self.current = Current()
        self.descriptors = raise_limit()
        self._gate: HostGate | None = None

    @cached_property
    def writer(self) -> Writer:
        return Writer(self.store)

    @cached_property
    def shelf(self) -> Shelf:
        from aggregator.publish.shelf import Shelf

        return Shelf()

    def runtime(self, settings: Settings) -> Runtime:
        """What this config makes, when it is asked for."""
        if self._gate is None:
            self._gate = HostGate(settings)
        own = Own(
            self.store,
            self.writer,
            self.clock,
            self._gate,
            lambda: self.shelf,
            lambda: self._parser,
            lambda: self._guesser,
            self.current,
            random.random,
            self.descriptors,
            self._aclose,
        )
        return Runtime(settings, own)

    async def _aclose(self) -> None:
        """Ends the parser's workers."""
        if "_parser" in self.__dict__:
            await self._parser.aclose()

    @cached_property
    def _guesser(self) -> LanguageGuesser:
        from aggregator.tag.language import Guesser

        return Guesser()

    @cached_property
    def _parser(self) -> Parser:
        from aggregator.parse.sandbox import SandboxParser

        return SandboxParser()
