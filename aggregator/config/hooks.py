"""Hooks (`enrich:`): what is wrong with their definitions and where they are named, and the hooks of a good config."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from msgspec.structs import replace

from aggregator.config import schema as said
from aggregator.config.document import Document, nodes, pairs, text_of
from aggregator.config.kinds import Refused
from aggregator.config.schema_hooks import ADDRESS, PLAIN, Hook, named, words_of
from aggregator.config.secrets import Secretive
from aggregator.config.tree import Mapping as MapNode
from aggregator.config.tree import Node, Scalar
from aggregator.errors import Problem
from aggregator.model import Slug, Source
from aggregator.settings import Hook as ToHook

PLACES = ("topics", "outputs", "sources")


def check_hooks(document: Document, base: Path) -> Iterator[Problem]:
    """Each hook has one way to be asked, and what names a hook names one that there is. base: of relative paths."""
    defined = {name: node for name, _, node in pairs(document.root.get("enrich"))}
    for name, at, node in pairs(document.root.get("enrich")):
        yield from _check_definition(document, name, at, node, base)
    inline: dict[str, str] = {}
    for place, node in _uses(document):
        text = text_of(node)
        if text is None or not text.strip() or text in defined:
            continue
        if place is not None and _is_rejected(place):
            yield document.problem(node, "enrich: a feed of what `keep` and `drop` threw away has no stories to ask about")
        if not (ADDRESS.match(text) or "/" in text):
            near = difflib.get_close_matches(text, defined, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "define it there, or write an address, or a program with its path"
            if (base / text).is_file():
                hint = f"did you mean the program `./{text[:60]}`?"
            yield document.problem(node, f"enrich: there is no hook `{text[:60]}` in `enrich`; {hint}")
            continue
        if not ADDRESS.match(text):
            yield from _check_program(document, node, _words(text), base)
        name = _name_of(text)
        if name in defined or inline.setdefault(name, text) != text:
            message = f"enrich: there would be two hooks called `{name[:60]}`; give one a name of its own in `enrich`"
            yield document.problem(node, message)


def _check_definition(document: Document, name: str, at: Node, node: Node, base: Path) -> Iterator[Problem]:
    if not isinstance(node, MapNode):
        return
    command, url = node.get("command"), node.get("url")
    if command is None and url is None:
        yield document.problem(at, f"enrich: the hook `{name[:60]}` has neither `command` nor `url`; write one of them")
    if command is not None and url is not None:
        yield document.problem(url, f"enrich: the hook `{name[:60]}` has `command` and `url`; keep one of them")
    for key, needs in (("env", "command"), ("token", "url"), ("private", "url")):
        if (given := node.get(key)) is not None and node.get(needs) is None:
            yield document.problem(given, f"{key}: it has a meaning with `{needs}` alone")
    if command is not None:
        words = _words(text_of(command) or "") if isinstance(command, Scalar) else [text_of(one) or "" for one in nodes(command)]
        yield from _check_program(document, command, words, base)


def _check_program(document: Document, at: Node, words: Sequence[str], base: Path) -> Iterator[Problem]:
    """A program that is named by its path is there and may be run. Others are looked for in PATH when they are run."""
    if not words or "/" not in words[0]:
        return
    path = base / words[0]
    if not path.is_file():
        yield document.problem(at, f"enrich: there is no program {words[0][:200]}")
    elif not os.access(path, os.X_OK):
        yield document.problem(at, f"enrich: {words[0][:200]} may not be run; `chmod +x {words[0][:200]}` lets it")


def _uses(document: Document) -> Iterator[tuple[MapNode | None, Node]]:
    """Where hooks are named: the topic, output or source, and the text."""
    root = document.root
    inherited = [root.get("defaults"), *(node for _, _, node in pairs(root.get("groups")))]
    for place in (*inherited, *(node for section in PLACES for node in nodes(root.get(section)))):
        given = place.get("enrich") if isinstance(place, MapNode) else None
        if isinstance(place, MapNode) and given is not None:
            yield from ((place, one) for one in (nodes(given) or [given]))


def _is_rejected(place: MapNode) -> bool:
    rejected = place.get("rejected")
    return isinstance(rejected, Scalar) and rejected.value is True


def _words(text: str) -> Sequence[str]:
    try:
        return words_of(text)
    except Refused:
        return ()  # told by its kind


def _name_of(text: str) -> str:
    """The name of a hook that is written where it is used: its host, or its program without suffix."""
    if ADDRESS.match(text):
        try:
            return urlsplit(text).hostname or text
        except ValueError:
            return text
    words = _words(text)
    return PurePosixPath(words[0]).stem if words else text


# --- the hooks of a good config
def build_hooks(config: said.Config, sources: Sequence[Source], base: Path) -> dict[str, ToHook]:
    """All hooks by name, with what they are asked about; those defined first. Hooks that nothing names are left out."""
    made = {name: _defined(name, hook, base) for name, hook in config.enrich.items()}
    for topic in config.topics:
        for name in _find(made, named(topic.enrich), base):
            made[name] = replace(made[name], topics=(*made[name].topics, Slug(topic.slug)))
    for output in config.outputs:
        for name in _find(made, named(output.enrich), base):
            made[name] = replace(made[name], outputs=(*made[name].outputs, Slug(output.slug)))
    for source in (one for one in sources if one.enrich):
        for name in _find(made, [Secretive(*one) for one in source.enrich], base):
            made[name] = replace(made[name], sources=(*made[name].sources, source.id))
    return {name: hook for name, hook in made.items() if hook.topics or hook.outputs or hook.sources}


def _find(made: dict[str, ToHook], given: Sequence[Secretive], base: Path) -> list[str]:
    """The names of these hooks; those that are defined nowhere else are added."""
    names = []
    for one in given:
        name = one.shown
        if name not in made:
            name = _name_of(one.shown)
            is_address = ADDRESS.match(one.shown) is not None
            plain = ToHook(name, url=one.value) if is_address else ToHook(name, command=_absolute(words_of(one.value), base))
            made.setdefault(name, plain)
        names.append(name)
    return list(dict.fromkeys(names))


def _defined(name: str, hook: Hook, base: Path) -> ToHook:
    return ToHook(
        name,
        command=_absolute(hook.command, base) if hook.command else (),
        url=hook.url.value if hook.url else None,
        fields=tuple(dict.fromkeys(hook.fields)) or PLAIN.fields,
        tags=tuple(dict.fromkeys(hook.tags)),
        timeout=hook.timeout,
        rate=hook.rate,
        settle=hook.settle,
        token=hook.token.value if hook.token else None,
        env=tuple(dict.fromkeys(hook.env)),
        private=hook.private,
    )


def _absolute(words: Sequence[str], base: Path) -> tuple[str, ...]:
    """A command whose program is found from anywhere: paths in the file are relative to it."""
    program = str((base / words[0]).absolute()) if "/" in words[0] else words[0]
    return (program, *words[1:])


def addresses_of(config: said.Config) -> Iterator[Secretive]:
    """The addresses of all hooks, which may hold passwords."""
    yield from (hook.url for hook in config.enrich.values() if hook.url is not None)
    for place in (config.defaults, *config.groups.values(), *config.sources, *config.topics, *config.outputs):
        yield from (one for one in named(place.enrich) if ADDRESS.match(one.shown))
