"""From the file to `Settings`, or every problem at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from aggregator.config import ids
from aggregator.config.build import build
from aggregator.config.checks import check_all
from aggregator.config.database import folder_of
from aggregator.config.document import Document, plain, text_of
from aggregator.config.explain import explain
from aggregator.config.kinds import Reading
from aggregator.config.schema import Config
from aggregator.config.source import decode, read_bytes
from aggregator.config.subscriptions import listed, read_lists
from aggregator.config.surroundings import Surroundings
from aggregator.config.tree import Mapping as MapNode
from aggregator.config.tree import Node, Scalar, Sequence, compose
from aggregator.errors import ConfigError, Problem
from aggregator.model import Source, SourceId
from aggregator.ports import QueryChecker
from aggregator.settings import Settings, Storage
from aggregator.text.chars import one_line

MOST_PROBLEMS = 500
"""More are counted, not listed."""


def load(
    path: Path,
    check_query: QueryChecker,
    environ: Mapping[str, str],
    *,
    needs_sources: bool = True,
    before: Mapping[SourceId, Source] | None = None,
) -> Settings:
    """The settings of a config file. `path` as the user named it: problems begin with it; paths in the file are relative to it.

    needs_sources: False for commands that write the first one. before: sources of an earlier text; those that are as they were
    are the same objects. Raises ConfigError with every problem, in the order of the file.
    """
    text = decode(str(path), read_bytes(path))
    return load_text(path, text, check_query, environ, needs_sources=needs_sources, before=before)


def load_text(
    path: Path,
    text: str,
    check_query: QueryChecker,
    environ: Mapping[str, str],
    *,
    needs_sources: bool = True,
    before: Mapping[SourceId, Source] | None = None,
) -> Settings:
    """The settings of a config file that has this text, or would have it."""
    document, problems = parse_text(str(path), text, needs_sources=needs_sources)
    around = Surroundings(environ, path.parent)
    lists = read_lists(document, around, path.parent)
    config, more = validate(document, around)
    names = ids.assign(listed(document, lists))
    checked = check_all(document, lists, names, check_query, path)
    problems += more + checked
    if problems or config is None:
        raise ConfigError(arrange(problems), tuple(sorted(around.files)))
    return build(path, document, config, lists, names, around, before or {})


def find_database(path: Path) -> Path:
    """The database that a config file names, as far as it can be read: the default one, if not. None is there of a server's."""
    node: Node | None = None
    with suppress(ConfigError):
        section = parse(path)[0].root.get("storage")
        node = section.get("database") if isinstance(section, MapNode) else None
    said = text_of(node) or Storage().database
    return folder_of(said, None, path.parent) / Path(said).name


def parse(path: Path) -> tuple[Document, list[Problem]]:
    """The file as a tree, and what is wrong with its form. Raises ConfigError where there is no tree to go on with."""
    return parse_text(str(path), decode(str(path), read_bytes(path)))


def parse_text(name: str, text: str, *, needs_sources: bool = True) -> tuple[Document, list[Problem]]:
    """The same of a text. Without `needs_sources`, no `sources:` are an empty list."""
    root, problems = compose(name, text)
    if not needs_sources and not problems:
        root = _with_sources(root)
    if isinstance(root, MapNode):
        return Document(name, text, root), problems
    if not problems:
        problems = [_no_map(name, root)]
    raise ConfigError(arrange(problems))


def _with_sources(root: Node | None) -> Node | None:
    """The tree with an empty list where `sources:` are missing or have no value, as in a file of comments alone."""
    if root is None:
        root = MapNode(1, 1)
    if isinstance(root, MapNode):
        node = root.get("sources")
        if node is None or (isinstance(node, Scalar) and node.value is None):
            root.pairs["sources"] = (Scalar("sources", 1, 1), Sequence(1, 1, flow=True))
    return root


def _no_map(name: str, root: Node | None) -> Problem:
    if root is None or (isinstance(root, Scalar) and root.value is None):
        return Problem(
            name,
            1,
            1,
            "the file is empty; at least `sources:` with a list of feeds is needed "
            "(`aggregator init` writes a starter, `aggregator add URL` a source)",
        )
    kind = "a single text" if isinstance(root, Scalar) else "a list"
    return Problem(name, root.line, root.column, f"the top level must be a mapping (`sources:` …), not {kind}")


def validate(document: Document, around: Surroundings) -> tuple[Config | None, list[Problem]]:
    """The sections, or what is wrong with them. Keys of the top level that begin with `x-` are the author's own."""
    data = {key: value for key, value in plain(document.root).items() if not key.startswith("x-")}
    reading = Reading(around)
    config = Config.read(data, (), reading)
    if not reading.refused:
        return config, []
    return None, explain(document, reading.refused)


def arrange(problems: Iterable[Problem]) -> list[Problem]:
    """In the order of the file, each once, no more than can be read, on one line each whatever the values in them hold."""
    clean = (problem._replace(message=one_line(problem.message)) for problem in problems)
    ordered = sorted(dict.fromkeys(clean), key=lambda problem: (problem.line, problem.column))
    if len(ordered) <= MOST_PROBLEMS:
        return ordered
    rest = len(ordered) - MOST_PROBLEMS
    last = ordered[MOST_PROBLEMS]
    return [*ordered[:MOST_PROBLEMS], Problem(last.file, last.line, last.column, f"and {rest} more from here on")]
