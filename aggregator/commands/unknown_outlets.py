"""Names of outlets in queries that no source has, as `check`, `plan`, `search` and `topics try` tell.

They are no mistakes: another feed may bring the outlet tomorrow. But a query with such a name finds nothing, silently.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from aggregator.stories.identity.claims import Claims
from aggregator.stories.identity.domains import collect_owners, is_shared
from aggregator.stories.identity.outlets import decide_voice
from aggregator.stories.upkeep.restate import voices_of
from aggregator.tag.facts import outlet_names
from aggregator.tag.nodes import Node, Value, terms
from aggregator.tag.syntax import parse
from aggregator.text.outlet_names import is_borne_out

if TYPE_CHECKING:
    from aggregator.ports import StoreView
    from aggregator.settings import Settings


class KnownOutlets(Struct, frozen=True):
    """names: by which queries find an outlet, folded → the outlet's name as shown.

    unread: domains of sources without a name that were not read yet: what their feeds call themselves is not known.
    any: sources whose outlets only their entries name were not read yet, so that any name may come.
    """

    names: Mapping[str, str]
    unread: frozenset[str] = frozenset()
    any: bool = False

    def has(self, term: Value) -> bool:
        """Whether an outlet has the name, or may have it."""
        if term.prefix:
            return self.any or any(name.startswith(term.value) for name in self.names)
        return self.any or term.value in self.names or any(is_borne_out(term.value, domain) for domain in self.unread)

    def suggest(self, name: str) -> str:
        """`; did you mean outlet:"BBC News"?`, or nothing if no name is near."""
        begun = [known for known in self.names if len(name) > 1 and known.startswith(f"{name} ")]
        near = begun or difflib.get_close_matches(name, self.names, n=1, cutoff=0.6)
        if not near:
            return ""
        shown = self.names[near[0]]
        return "; did you mean " + (f"outlet:{shown}?" if shown.isalnum() else f'outlet:"{shown}"?')


def known_outlets(settings: Settings, store: StoreView | None = None) -> KnownOutlets:
    """The outlets of the config's sources, and those of stored entries. store: None where there is no database to look into."""
    owned = collect_owners(settings.sources, settings.outlets)
    sources = settings.sources_by_id
    states = store.states() if store is not None else {}
    unread = [source for source in sources.values() if source.id not in states or states[source.id].first_success is None]
    voices = {one.id: decide_voice(one, {}, None, owned, Claims(lambda _: {})) for one in unread}
    read = voices_of(store, settings, owned, sources.keys() - voices.keys())[1] if store is not None else {}
    stored = [(one.outlet, one.outlet_key) for one in store.attributes()] if store is not None else []
    names = [*((voice.name, voice.key) for voice in (*read.values(), *voices.values())), *stored]
    return KnownOutlets(
        {folded: name for name, key in names for folded in outlet_names(name, key)},
        frozenset(domain for voice in voices.values() if voice.name in voice.domains for domain in voice.domains),
        any(not one.outlet and (one.aggregator or is_shared(one.url)) for one in unread),
    )


def asked_outlets(settings: Settings) -> list[tuple[str, Node]]:
    """The rules, feeds, `keep` and `drop` of the config that name an outlet, each with its query."""
    filters = [(key, text) for one in settings.sources for key, text in (("keep", one.keep), ("drop", one.drop)) if text]
    asked = [(f"{key} {text}", text) for key, text in dict.fromkeys(filters)]
    asked += [(f"tag {rule.name}", rule.query) for rule in settings.tags]
    asked += [(f"topic {topic.slug}", topic.query) for topic in settings.topics]
    asked += [(f"output {output.slug}", output.query) for output in settings.outputs if output.query is not None]
    return [(name, node) for name, text in asked if named_outlets(node := parse(text))]


def warn_of_outlets(settings: Settings, store: StoreView | None = None) -> list[str]:
    """One line for each outlet that the config's queries name and that no source has. store: see `known_outlets`."""
    asked = asked_outlets(settings)
    known = known_outlets(settings, store) if asked else KnownOutlets({})
    return [f"{name} asks for {hint}" for name, node in asked for hint in hints(node, known)]


def hints(node: Node, known: KnownOutlets) -> Iterator[str]:
    """Yields each outlet that a query names and that is not known, with what may have been meant."""
    for term in named_outlets(node):
        if not known.has(term):
            yield f"{term.text}: no source has this outlet so far{known.suggest(term.value)}"


def named_outlets(node: Node) -> Sequence[Value]:
    """The outlets that a query names."""
    return [term for term in terms(node) if isinstance(term, Value) and term.field == "outlet"]
