"""What outlives a reload, and how a runtime is made of it and a config."""

from __future__ import annotations

import gc
import random
from functools import cached_property

from aggregator.clock import SystemClock
from aggregator.fetch.hosts import HostGate
from aggregator.pipeline import Current, Pipeline
from aggregator.ports import LanguageGuesser, Parser
from aggregator.publish.shelf import Shelf
from aggregator.runtime import Runtime
from aggregator.settings import Settings
from aggregator.store.sqlite import SqliteStore
from aggregator.writer import Writer


class Parts:
    """The process's own: the store and the thread that writes it, the shelf, the holds of hosts, the parser's workers.

    Made inside the event loop that uses it.
    """

    def __init__(self, store: SqliteStore) -> None:
        gc.freeze()
        self.store = store
        self.clock = SystemClock()
        self.shelf = Shelf()
        self.current = Current()
        self._gate: HostGate | None = None

    @cached_property
    def writer(self) -> Writer:
        return Writer(self.store)

    def runtime(self, settings: Settings) -> Runtime:
        """Everything that this config makes. Raises AggregatorError; nothing is changed then, and nothing else used meanwhile."""
        from aggregator.dedup.engine import Engine
        from aggregator.fetch.http import HttpFetcher
        from aggregator.fetch.message import HttpMessenger
        from aggregator.publish.owed import Composer
        from aggregator.publish.publisher import Publisher
        from aggregator.reading import Reader
        from aggregator.tag.rules import compile_rules

        rules = compile_rules(settings)
        gate = self._gate or HostGate(settings)
        reader = Reader(rules, Engine(settings.dedup), self._guesser, settings.publish.backfill)
        fetcher = HttpFetcher(settings, gate)
        publisher = Publisher(settings, self.store, self.shelf)
        chain = (fetcher, self._parser, reader)
        pipeline = Pipeline(settings, self.store, self.writer, gate, *chain, self.clock, random.random, self.current)
        self._gate = gate
        composer = Composer(settings, self.store, self.shelf)
        messenger = HttpMessenger(settings)
        return Runtime(settings, self.store, self.writer, self.clock, rules, pipeline, gate, publisher, composer, messenger)

    @cached_property
    def _guesser(self) -> LanguageGuesser:
        from aggregator.tag.language import Guesser

        return Guesser()

    @cached_property
    def _parser(self) -> Parser:
        from aggregator.parse.sandbox import SandboxParser

        return SandboxParser()
