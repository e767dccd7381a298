"""What may be said of hooks: in `enrich`, and where topics, outputs and sources name one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from aggregator import settings as to
from aggregator.config.kinds import SWITCH, Either, Filled, ListOf, Value, choice, count, text, wrong
from aggregator.config.secrets import NAME, TOKEN, URL, Secretive, address, text_or_wrong
from aggregator.config.section import Section, key
from aggregator.config.surroundings import Surroundings
from aggregator.config.values import BREAKS, TAG, span
from aggregator.settings import DAY

PLAIN = to.Hook("")
"""A hook of which nothing is said."""
ADDRESS = re.compile(r"https?://|\$\{|file:", re.IGNORECASE)
"""What begins an address; the rest names a hook, or a program."""


def words_of(command: str) -> tuple[str, ...]:
    """Program and arguments of a command line, split as a shell does; no shell runs it. Refuses one that can't be split."""
    if BREAKS.search(command):
        wrong("a command is one line")
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        wrong("a quote in this command is not closed")
    if not words or not words[0] or "\0" in command:
        wrong("the command is empty; write a program and its arguments")
    return words


def _command(value: object) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(isinstance(one, str) and "\0" not in one for one in value) and value[0]:
        return tuple(value)
    if not isinstance(value, str):
        wrong("a command is one text (`./summarise.sh --short`), or a list of texts: the program and its arguments")
    return words_of(value)


def _variable(value: str) -> str:
    if not NAME.fullmatch(value):
        wrong(f"`{value[:40]}` names no environment variable")
    return value


def _named(value: object, around: Surroundings) -> Secretive:
    """The name of a hook, an address, or a program with a `/` in it."""
    if isinstance(value, dict):
        wrong("a hook is defined in `enrich:` at the top level, under a name; here stands the name")
    said = text_or_wrong(value, "hook")
    if ADDRESS.match(said):
        return address(said, around)
    if not said.strip():
        wrong("is empty; write the name of a hook of `enrich`, an address, or a program such as ./summarise.sh")
    if "/" in said:
        words_of(said)
    return Secretive(said, said)


COMMAND = Value(_command, {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]})
NAMED = Filled(_named, {"type": "string"})
HOOKS = Either(lambda value: isinstance(value, list), ("=hooks", ListOf(NAMED)), ("=hook", NAMED))
"""One or more hooks, where they are used."""
ENRICH = "Hooks that are asked about its stories: names of `enrich`, an address, or a program (`./summarise.sh`)."

Named = Secretive | Sequence[Secretive]


def named(given: Named | None) -> list[Secretive]:
    """The hooks that are named at a place."""
    if given is None:
        return []
    return [given] if isinstance(given, Secretive) else list(given)


class Hook(Section):
    """A command or an address that is asked about stories, and tells a summary, another headline, tags."""

    command: tuple[str, ...] | None = key(
        COMMAND, "Program and arguments. It gets the story as JSON and writes its answer as JSON; no shell runs it.", default=None
    )
    url: Secretive | None = key(URL, "Address that the story is posted to, in place of a command.", default=None)
    fields: Sequence[str] = key(
        ListOf(choice(to.SUMMARY, to.TITLE, to.TAGS)), "What is taken from its answer. Default: all.", default=()
    )
    tags: Sequence[str] = key(ListOf(TAG), "The tags that it may give, which queries may then ask for. Default: any.", default=())
    timeout: float = key(span(1, 600), "Time for one answer.", default=PLAIN.timeout)
    rate: int = key(count(1, 1000), "Stories a minute at most.", default=PLAIN.rate)
    settle: float = key(span(0, DAY), "How long a story is left to settle before it is asked about.", default=PLAIN.settle)
    token: Secretive | None = key(TOKEN, "With `url`: sent as `Authorization: Bearer …`.", default=None)
    env: Sequence[str] = key(
        ListOf(text(_variable)), "With `command`: environment variables that it sees beside PATH, HOME and LANG.", default=()
    )
    private: bool = key(SWITCH, "With `url`: whether private stories are sent, too.", default=PLAIN.private)
