"""Finds the stored stories that a rule would match, without testing all of them: for `plan`, whose rules are not adopted yet.

Tags and topics in a rule are replaced by the queries that define them. What the full-text index answers exactly is not tested
again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from aggregator.model import Instant, Item, ItemId, SourceId, Story, TagKind
from aggregator.ports import QueryNames, Stories
from aggregator.settings import Settings
from aggregator.tag.facts import Facts, ItemWords, facts_of_items
from aggregator.tag.matcher import compile_node
from aggregator.tag.nodes import All, Any, Node, Not, Value
from aggregator.tag.ordering import RuleName
from aggregator.tag.own import OwnTags
from aggregator.tag.prefilter import answered_by_index, answered_for_one_item, story_filter
from aggregator.tag.ruleset import RuleSet
from aggregator.text.words import fold


class Lookup:
    """Searches a store by the rules of a config not adopted yet. Entities and subjects are those stored with the stories."""

    def __init__(self, settings: Settings, rules: RuleSet, private: Collection[SourceId] = ()) -> None:
        """private: the sources whose stories public feeds don't show."""
        self._rules = rules
        self._private = private
        self._own = OwnTags(settings)
        self._names = QueryNames(
            sources=frozenset(source.id for source in settings.sources),
            groups=frozenset(source.group for source in settings.sources if source.group is not None),
        )
        self._read: dict[ItemId, ItemWords] = {}
        self._by_name = {(name.kind, fold(name.name)): name for name in rules.names()}

    def matching(self, store: Stories, name: RuleName, since: Instant | None, as_of: Instant) -> Iterator[Story]:
        """Stories that the rule would match, with an item first seen at or after `since`, newest published first."""
        node = self.expanded(self._rules.node(name))
        where = story_filter(node, self._names, as_of)
        # Where words narrow the search, a bound on time costs the store more than it saves, so it is applied here.
        found = store.find(replace(where, since=None if where.words else _latest(since, where.since)))
        certain, certain_alone = answered_by_index(node), answered_for_one_item(node)
        match = compile_node(node, self._rules.vocabulary).match
        for story in found:
            if since is not None and all(item.first_seen < since for item in story.items):
                continue
            is_answered = _is_as_indexed(story) and (certain or (certain_alone and len(story.items) == 1))
            if is_answered or match(self._facts(story, as_of)):
                yield story

    def _facts(self, story: Story, as_of: Instant) -> Facts:
        """The facts of a story as rules read it: with a person's headline, and without the items astray."""
        items = replace(story, items=story.reports).as_corrected().items
        read = self._words if story.headline is None else self._rules.read
        facts = facts_of_items(items, len(story.outlets), story.published, read, as_of, lead=story.lead)
        facts.add_tags(tag for tag in story.tags if tag.kind is not TagKind.TAG)
        facts.add_tags(self._own.tags(items))
        facts.add_thread(story)
        return facts

    def is_public(self, story: Story) -> bool:
        """Whether a feed without a token may show the story."""
        return all(item.source not in self._private for item in story.items)

    def expanded(self, node: Node) -> Node:
        """The query with names of rules replaced by their queries. A double Not, because a tag belongs to the whole story."""
        match node:
            case All(parts):
                return All(tuple(self.expanded(part) for part in parts))
            case Any(parts):
                return Any(tuple(self.expanded(part) for part in parts))
            case Not(part):
                return Not(self.expanded(part))
            case Value(field="tag" | "topic", value=value) if node.prefix:
                meant = [rule for (kind, name), rule in self._by_name.items() if kind == node.field and name.startswith(value)]
                return self._instead(node, meant)
            case Value(field="tag" | "topic"):
                rule = self._by_name.get((node.field, node.value))
                return self._instead(node, [rule] if rule else [])
            case _:
                return node

    def _words(self, item: Item) -> ItemWords:
        """The words of an item, read once however many rules ask: all of them are among the patterns of the rules."""
        if item.id not in self._read:
            self._read[item.id] = self._rules.read(item)
        return self._read[item.id]

    def _instead(self, node: Value, rules: list[RuleName]) -> Node:
        queries: list[Node] = [Not(Not(self.expanded(self._rules.node(rule)))) for rule in rules]
        if node.field == "tag" or not queries:
            queries.append(node)
        return queries[0] if len(queries) == 1 else Any(tuple(queries))


def _is_as_indexed(story: Story) -> bool:
    """True if the full-text index reads the story as rules do: it knows no headlines by hand, and items astray like others."""
    return story.headline is None and not any(item.astray for item in story.items)


def _latest(*bounds: Instant | None) -> Instant | None:
    return max((bound for bound in bounds if bound is not None), default=None)
