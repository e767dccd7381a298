"""Gives commands the config, the database and the rules; each is opened when it is first used."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aggregator.channels.addresses import check_channels
from aggregator.config.load import find_database, load, load_text
from aggregator.errors import ConfigError, Problem, UsageError
from aggregator.model import Source, SourceId, StoryId
from aggregator.ports import Database, Store
from aggregator.settings import Settings, is_on_server
from aggregator.store.lock import holder
from aggregator.store.opening import has_store, open_read_only, open_store
from aggregator.store.read_only import may_write
from aggregator.tag.check import check
from aggregator.tag.rules import RuleSet, compile_rules, failed_expectations

if TYPE_CHECKING:
    from aggregator.stories.decisions.edit import StoryEditor
    from aggregator.stories.decisions.thread_edit import ThreadEditor

CONFIG_VARIABLE = "AGGREGATOR_CONFIG"
CONFIG_PLACES = (Path("feeds.yaml"), Path("/etc/aggregator/feeds.yaml"))

GOES_ON = (
    "The daemon ({}) goes on with the config that it has; an edit of its own file is taken up once it is right. "
    "To look meanwhile, name a file that is: `aggregator -c FILE status`"
)


def find_config(given: Path | None) -> Path:
    """Returns the config file: as given, from the environment, or the first default place that has one. Raises UsageError."""
    if given is not None:
        return given
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named)
    for place in CONFIG_PLACES:
        if place.exists():
            return place
    raise UsageError("no config file: write ./feeds.yaml (`aggregator init` makes a commented one), or name one with -c")


class Application:
    """The config, database and rules of one command. A context manager that closes the database."""

    def __init__(self, config: Path | None = None) -> None:
        self._config = config
        self._closing = ExitStack()
        self._needs_sources = True
        self._may_write = True
        self._sources: Mapping[SourceId, Source] = {}

    @cached_property
    def config_path(self) -> Path:
        return find_config(self._config)

    @cached_property
    def settings(self) -> Settings:
        """The checked config. Raises ConfigError with every problem, and tells of a daemon that goes on without the edit."""
        try:
            return self._load()
        except ConfigError as error:
            running = holder(find_database(self.config_path))
            raise ConfigError(error.problems, error.includes, GOES_ON.format(running) if running else "") from None

    @cached_property
    def database(self) -> Database:
        """The database that the config names, for commands that poll; created if missing. Raises StoreError."""
        return open_store(self.settings.storage.database)

    @cached_property
    def store(self) -> Store:
        """The same database for commands that look into it: where there is none, an empty one elsewhere that nobody sees.

        A look must not leave a database behind, where no daemon will look for it or can write it, and needs no right to write.
        Raises StoreError.
        """
        named = self.settings.storage.database
        if "database" in self.__dict__:
            return self.database
        if has_store(named):
            if self._may_write and (is_on_server(named) or may_write(Path(named))):
                return self.database
            return self._closing.enter_context(closing(open_read_only(named)))
        from tempfile import TemporaryDirectory  # here: seldom needed

        folder = self._closing.enter_context(TemporaryDirectory(prefix="aggregator-"))
        empty = open_store(str(Path(folder) / "empty.db"))
        self._closing.callback(empty.close)
        return empty

    @cached_property
    def rules(self) -> RuleSet:
        return compile_rules(self.settings)

    @cached_property
    def story_editor(self) -> StoryEditor:
        """Merges, splits, drops, pins and titles stories, and undoes that."""
        from aggregator.stories.decisions.edit import StoryEditor  # here: most commands need no grouping

        return StoryEditor(self.store, self.settings, self.rules)

    @cached_property
    def thread_editor(self) -> ThreadEditor:
        """Merges, splits and drops threads."""
        from aggregator.stories.decisions.thread_edit import ThreadEditor

        if not self.settings.threads.enabled:
            raise UsageError("threads are turned off (`dedup: {threads: false}`)")
        return ThreadEditor(self.store, self.settings, self.rules)

    def pick(self, ids: Sequence[str]) -> list[Source]:
        """Returns the sources with these ids, or all. Raises UsageError for an id that is not configured."""
        known = {str(source.id): source for source in self.settings.sources}
        for id in ids:
            if id not in known:
                near = difflib.get_close_matches(id, known, n=1)
                raise UsageError(f"no source {id!r} in {self.config_path}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return [known[id] for id in ids] if ids else list(self.settings.sources)

    def story_id(self, named: str) -> StoryId:
        """Finds a story by its id, an article's address or a guid. Raises UsageError if there is none."""
        from aggregator.stories.decisions.find_named import find_id, nearest

        story = find_id(self.store, named)
        if story is None:
            hint = nearest(self.store, named)
            raise UsageError(f"no story {named!r}: give a story's id, or the address of one of its articles{hint}")
        return story

    def checked_settings(self) -> Settings:
        """Reads the config anew, runs the tests of its rules and checks its channels. Raises ConfigError."""
        return _tested(self._load())

    def tested_settings(self) -> Settings:
        """Returns the config as first read, with its rules tested and its channels checked. Raises ConfigError."""
        return _tested(self.settings)

    def allow_no_sources(self) -> None:
        """Lets `sources:` be empty or missing in the config to be read: for commands that write the first one."""
        self._needs_sources = False

    def only_look(self) -> None:
        """Has `store` refuse to be written, whatever this process may: for commands that others give orders to."""
        self._may_write = False

    def check_text(self, text: str) -> None:
        """Raises ConfigError if the config file would be refused with this text."""
        load_text(self.config_path, text, check, os.environ)

    def _load(self) -> Settings:
        settings = load(self.config_path, check, os.environ, needs_sources=self._needs_sources, before=self._sources)
        self._sources = settings.sources_by_id
        return settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.close()
        if "database" in self.__dict__:
            self.database.close()


def _tested(settings: Settings) -> Settings:
    """Returns the config if the tests of its rules pass and its channels can be sent to. Raises ConfigError."""
    check_channels(settings)
    failed = failed_expectations(settings)
    if failed:
        raise ConfigError([Problem(str(settings.file), test.line, test.column, message) for test, message in failed])
    return settings
