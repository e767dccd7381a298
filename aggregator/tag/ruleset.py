"""The compiled tags, topics and outputs of a config, asked of a story all at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from aggregator.model import Instant, Item, Slug, Source, SourceId, Story, Tag, TagKind
from aggregator.ports import Tagged
from aggregator.settings import Output, Settings
from aggregator.tag.automaton import Vocabulary
from aggregator.tag.explain import Explanation, explain
from aggregator.tag.facts import Facts, facts_of_items, reader
from aggregator.tag.matcher import Compiled, Key, Matcher, anchors, compile_node
from aggregator.tag.nodes import All, Compare, Node
from aggregator.tag.ordering import RuleName, levels
from aggregator.tag.own import OwnTags
from aggregator.tag.syntax import parse


@dataclass(frozen=True, slots=True)
class Rule:
    """place: where it stands in the file among those of its kind."""

    name: RuleName
    query: Compiled
    place: int


class _Batch:
    """Rules that can be asked at once. Found by what a story has, so that most rules are never asked."""

    def __init__(self, rules: Iterable[Rule], vocabulary: Vocabulary) -> None:
        self._always: list[Rule] = []
        self._by_key: dict[Key, list[Rule]] = {}
        for rule in rules:
            needed = anchors(rule.query.node, vocabulary)
            if needed is None:
                self._always.append(rule)
            else:
                for key in needed[1]:
                    self._by_key.setdefault(key, []).append(rule)

    def matching(self, facts: Facts) -> list[Rule]:
        by_key = self._by_key
        asked = {rule.name: rule for rule in self._always}
        keys: Iterable[Key] = chain(facts.values, *facts.words.values())
        for key in keys:
            for rule in by_key.get(key, ()):
                asked[rule.name] = rule
        return sorted((rule for rule in asked.values() if rule.query.match(facts)), key=lambda rule: rule.place)


class RuleSet:
    """A ports.Rules. Made by `compile_rules`; immutable after it."""

    def __init__(self, settings: Settings, own: OwnTags) -> None:
        """Raises QueryError or ordering.Circular for a config that was not checked."""
        self.settings = settings
        self._own = own
        self.vocabulary = Vocabulary()
        nodes = _nodes(settings)
        self._rules = {
            name: Rule(name, compile_node(node, self.vocabulary), place) for place, (name, node) in enumerate(nodes.items())
        }
        self._batches = [_Batch((self._rules[name] for name in names), self.vocabulary) for names in levels(nodes)]
        self._entry_rules = _entry_rules(settings.sources, self.vocabulary)
        self._apart = [(query, compile_node(parse(query), self.vocabulary).match) for query in settings.dedup.never]
        self.read = reader(self.vocabulary.automaton())
        self._by_topic: dict[Slug, list[Slug]] = {}
        self._everything: list[Slug] = []
        for output in settings.outputs:
            self._place_output(output)
        self._output_order = {output.slug: place for place, output in enumerate(settings.outputs)}

    def _place_output(self, output: Output) -> None:
        if output.rejected or output.query is not None:
            return
        if output.topic is not None:
            self._by_topic.setdefault(output.topic, []).append(output.slug)
        else:
            self._everything.append(output.slug)

    # --- stories
    def apply(self, story: Story, as_of: Instant) -> Tagged:
        """Tags, topics and outputs of a story, each with its reason. as_of: what `age` is measured at."""
        facts, tags = self.facts(story, as_of)
        topics: list[Slug] = []
        outputs = list(self._everything)
        reasons: dict[str, str] = dict.fromkeys(self._everything, "every story")
        for rule in self._matching(facts):
            branch = explain(rule.query, facts, self.vocabulary).branch
            slug = Slug(rule.name.name)
            match rule.name.kind:
                case "tag":
                    tags.append(Tag(TagKind.TAG, rule.name.name, f"rule: {branch}"))
                    continue
                case "topic":
                    topics.append(slug)
                    reasons.update(dict.fromkeys(self._by_topic.get(slug, ()), branch))
                    outputs.extend(self._by_topic.get(slug, ()))
                case _:
                    outputs.append(slug)
            reasons[slug] = branch
        outputs.sort(key=self._output_order.__getitem__)
        return Tagged(_once(tags), tuple(topics), tuple(outputs), reasons)

    def facts(self, story: Story, as_of: Instant) -> tuple[Facts, list[Tag]]:
        """What queries see of a story before any rule is asked, and the tags it has from its sources and its own text."""
        facts = facts_of_items(story.items, len(story.outlets), story.published, self.read, as_of)
        tags = self._own.tags(story.items)
        facts.add_tags(tags)
        return facts, tags

    def learnt(self, story: Story, as_of: Instant, more: Iterable[Tag] = ()) -> Facts:
        """What queries see of a story after all rules were asked: with the tags and topics that these give it, and `more`."""
        facts, _ = self.facts(story, as_of)
        facts.add_tags(more)
        self._matching(facts)
        return facts

    def explain(self, name: RuleName, story: Story, as_of: Instant) -> Explanation:
        """Why a rule matches a story, or the part of it that fails. Raises KeyError for a rule that is not there."""
        return explain(self._rules[name].query, self.learnt(story, as_of), self.vocabulary)

    def names(self) -> list[RuleName]:
        """All rules, in the order of the file."""
        return list(self._rules)

    def node(self, name: RuleName) -> Node:
        return self._rules[name].query.node

    def _matching(self, facts: Facts) -> list[Rule]:
        """Rules that match, tags before topics before outputs; the facts learn of tags and topics on the way."""
        found: list[Rule] = []
        for batch in self._batches:
            matching = batch.matching(facts)
            for rule in matching:
                if rule.name.kind != "output":
                    facts.add(rule.name.kind, rule.name.name)
            found.extend(matching)
        return sorted(found, key=lambda rule: rule.place)

    # --- entries
    def rejected(self, source: Source, item: Item) -> str | None:
        """The rule by which `keep` or `drop` throws an item away ("drop title:sponsored"), or None."""
        rules = self._entry_rules.get(source.id)
        if rules is None:
            return None
        facts = self._entry_facts(item)
        for kind, text, match in rules:
            if (match(facts) == 0) == (kind == "keep"):
                return f"{kind} {text}"
        return None

    def apart(self, item: Item) -> str | None:
        """The query of `dedup.never` that an item matches, or None: what matches is a story of its own that nothing joins."""
        if not self._apart:
            return None
        facts = self._entry_facts(item)
        return next((" ".join(query.split()) for query, match in self._apart if match(facts)), None)

    def _entry_facts(self, item: Item) -> Facts:
        facts = facts_of_items((item,), 1, item.published, self.read, item.first_seen)
        facts.add_tags(self._own.tags((item,)))
        return facts


def _nodes(settings: Settings) -> dict[RuleName, Node]:
    """All rules of the file: tags, topics, then outputs with a query of their own."""
    nodes = {RuleName("tag", rule.name): parse(rule.query) for rule in settings.tags}
    nodes |= {RuleName("topic", topic.slug): parse(topic.query) for topic in settings.topics}
    for output in settings.outputs:
        if output.query is not None and not output.rejected:
            nodes[RuleName("output", output.slug)] = parse(output.query)
    return nodes


def _entry_rules(sources: Iterable[Source], vocabulary: Vocabulary) -> Mapping[SourceId, list[tuple[str, str, Matcher]]]:
    """For each source that has them: `drop` and `keep`, their text on one line, compiled."""
    compiled: dict[str, Matcher] = {}
    rules: dict[SourceId, list[tuple[str, str, Matcher]]] = {}
    for source in sources:
        for kind, query in (("drop", source.drop), ("keep", source.keep)):
            if query is not None:
                if query not in compiled:
                    compiled[query] = compile_node(parse(query), vocabulary).match
                rules.setdefault(source.id, []).append((kind, " ".join(query.split()), compiled[query]))
    return rules


def _once(tags: Iterable[Tag]) -> tuple[Tag, ...]:
    """Each tag once, with the first of its reasons, kind by kind."""
    found: dict[tuple[TagKind, str], Tag] = {}
    for tag in tags:
        found.setdefault((tag.kind, tag.value.casefold()), tag)
    order = {kind: place for place, kind in enumerate(TagKind)}
    return tuple(sorted(found.values(), key=lambda tag: order[tag.kind]))


def without_numbers(node: Node) -> Node:
    """A query without the numbers it is ANDed with: what a title alone can be tested against."""
    if not isinstance(node, All):
        return node
    kept = tuple(part for part in node.parts if not isinstance(part, Compare))
    return kept[0] if len(kept) == 1 else All(kept)
