"""The compiled tags, topics and outputs of a config, applied to a story together."""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Instant, Item, Slug, Source, SourceId, Story, Tag, TagKind
from aggregator.ports import Tagged, Threshold
from aggregator.settings import WEIGHT, Output, Settings
from aggregator.tag.anchors import Key, anchors
from aggregator.tag.automaton import Vocabulary
from aggregator.tag.explain import Explanation, explain
from aggregator.tag.facts import FIELD_OF_KIND, Facts, facts_of_items, fields_of, reader
from aggregator.tag.fields import THREAD_AGE, THREAD_FIELDS
from aggregator.tag.matcher import Compiled, Matcher, compile_node
from aggregator.tag.nodes import All, Compare, Counted, Dated, Node, Value, renamed
from aggregator.tag.ordering import RuleName, levels
from aggregator.tag.own import OwnTags, tags_of_hooks
from aggregator.tag.syntax import parse

_KINDS = tuple(TagKind)


class Rule(Struct, frozen=True):
    """A compiled rule. place: its position among all rules."""

    name: RuleName
    query: Compiled
    place: int


class _Batch:
    """Rules that don't refer to each other. Looked up by what a story has, so that most are never tested."""

    def __init__(self, rules: Iterable[Rule], vocabulary: Vocabulary) -> None:
        self._always: dict[int, Rule] = {}
        self._by_key: dict[Key, dict[int, Rule]] = {}
        for rule in rules:
            needed = anchors(rule.query.node, vocabulary)
            if needed is None:
                self._always[rule.place] = rule
            else:
                for key in needed[1]:
                    self._by_key.setdefault(key, {})[rule.place] = rule

    def matching(self, facts: Facts) -> list[Rule]:
        """The matching rules, in the order of the file."""
        by_key = self._by_key
        asked = dict(self._always)
        has: Iterable[KeysView[Key]] = (facts.values.keys(), *(masks.keys() for masks in facts.words.values()))
        for keys in has:
            for key in by_key.keys() & keys:
                asked.update(by_key[key])
        return [asked[place] for place in sorted(asked) if asked[place].query.match(facts)]


class RuleSet:
    """A ports.Rules. Made by `compile_rules`, then immutable."""

    def __init__(self, settings: Settings, own: OwnTags) -> None:
        """Compiles the rules. Raises QueryError or ordering.Circular for a config that was not checked."""
        self.settings = settings
        self._own = own
        self.vocabulary = Vocabulary()
        nodes = _nodes(settings)
        self._rules = {
            name: Rule(name, compile_node(node, self.vocabulary), place) for place, (name, node) in enumerate(nodes.items())
        }
        self._batches = [_Batch((self._rules[name] for name in names), self.vocabulary) for names in levels(nodes)]
        entry = {query: parse(query, settings.site.timezone) for query in dict.fromkeys(_entry_queries(settings))}
        compiled = {query: compile_node(node, self.vocabulary).match for query, node in entry.items()}
        self._entry_rules = _entry_rules(settings.sources, compiled)
        self._apart = [(query, compiled[query]) for query in settings.dedup.never]
        self._entry_fields = fields_of(entry.values())
        self._story_fields = fields_of(nodes.values())
        self.reads_threads = not THREAD_FIELDS.isdisjoint(self._story_fields)
        self.read = reader(self.vocabulary.automaton(), self._story_fields)
        self._read_entry = reader(self.vocabulary.automaton(), self._entry_fields)
        self.full = any(output.content == "full" for output in settings.outputs)
        self._thresholds = {
            name.name: Threshold(Slug(name.name.partition("#")[0]), not THREAD_FIELDS.isdisjoint(fields_of([node])), name.name)
            for name, node in nodes.items()
            if name.kind == "when"
        }
        self._by_topic: dict[Slug, list[Slug]] = {}
        self._everything: list[Slug] = []
        for output in settings.outputs:
            self._place_output(output)
        self._output_order = {output.slug: place for place, output in enumerate(settings.outputs)}
        self.hooks = tuple(settings.enrich.values())
        self.public = frozenset(output.slug for output in settings.outputs if output.token is None)

    def _place_output(self, output: Output) -> None:
        if output.rejected or output.query is not None:
            return
        if output.topic is not None:
            self._by_topic.setdefault(output.topic, []).append(output.slug)
        else:
            self._everything.append(output.slug)

    # --- stories
    def apply(self, story: Story, as_of: Instant) -> Tagged:
        """Tags, each with its reason, topics and outputs of a story. as_of: what `age` is measured at."""
        facts, tags = self.facts(story, as_of)
        topics: list[Slug] = []
        outputs = list(self._everything)
        reached: list[Threshold] = []
        for rule in self._matching(facts):
            name = rule.name.name
            match rule.name.kind:
                case "when":
                    reached.append(self._thresholds[name])
                case "tag":
                    tags.append(Tag(TagKind.TAG, name, f"rule: {self._branch(rule, facts)}"))
                case "topic":
                    topics.append(Slug(name))
                    outputs.extend(self._by_topic.get(Slug(name), ()))
                case _:
                    outputs.append(Slug(name))
        if story.private:
            outputs = [slug for slug in outputs if slug not in self.public]
        outputs.sort(key=self._output_order.__getitem__)
        return Tagged(_once(tags), tuple(topics), tuple(outputs), tuple(one for one in reached if one.output in outputs))

    def reasons(self, story: Story, as_of: Instant) -> dict[str, str]:
        """The branch that matched, for each topic and output of a story."""
        facts, _ = self.facts(story, as_of)
        reasons: dict[str, str] = dict.fromkeys(self._everything, "every story")
        for rule in self._matching(facts):
            slug = Slug(rule.name.name)
            shown = self._by_topic.get(slug, ()) if rule.name.kind == "topic" else ()
            if rule.name.kind in ("topic", "output"):
                reasons.update(dict.fromkeys((slug, *shown), self._branch(rule, facts)))
        return reasons

    def _branch(self, rule: Rule, facts: Facts) -> str:
        return explain(rule.query, facts, self.vocabulary).branch

    def facts(self, story: Story, as_of: Instant) -> tuple[Facts, list[Tag]]:
        """The facts before any rule, and the tags from the story's sources and its own text."""
        items = story.as_corrected().items
        facts = facts_of_items(items, len(story.outlets), story.published, self.read, as_of, self._story_fields, lead=story.lead)
        tags = [*self._own.tags(items), *tags_of_hooks(story)]
        facts.add_tags(tags)
        facts.add_thread(story)
        return facts, tags

    def facts_after_rules(self, story: Story, as_of: Instant, more: Iterable[Tag] = ()) -> Facts:
        """The facts after all rules: with the tags and topics that these give, and `more` tags."""
        facts, _ = self.facts(story, as_of)
        facts.add_tags(more)
        self._matching(facts)
        return facts

    def explain(self, name: RuleName, story: Story, as_of: Instant) -> Explanation:
        """Why a rule matches a story, or the part that fails. Raises KeyError for an unknown rule."""
        return explain(self._rules[name].query, self.facts_after_rules(story, as_of), self.vocabulary)

    def names(self) -> list[RuleName]:
        """All rules, in the order of the file."""
        return list(self._rules)

    def node(self, name: RuleName) -> Node:
        return self._rules[name].query.node

    def _matching(self, facts: Facts) -> list[Rule]:
        """Matching rules: tags, topics, then outputs. Adds the matching tags and topics to the facts."""
        found: list[Rule] = []
        for batch in self._batches:
            matching = batch.matching(facts)
            for rule in matching:
                if rule.name.kind in ("tag", "topic"):
                    facts.add(rule.name.kind, rule.name.name)
            found.extend(matching)
        return sorted(found, key=lambda rule: rule.place)

    # --- entries
    def rejected(self, source: Source, item: Item) -> str | None:
        """The `keep` or `drop` rule that rejects an item ("drop title:sponsored"), or None."""
        rules = self._entry_rules.get(source.id)
        if rules is None:
            return None
        facts = self._entry_facts(item)
        for kind, text, match in rules:
            if (match(facts) == 0) == (kind == "keep"):
                return f"{kind} {text}"
        return None

    def apart(self, item: Item) -> str | None:
        """The query of `dedup.never` that an item matches, or None. A match is a story of its own that nothing joins."""
        if not self._apart:
            return None
        facts = self._entry_facts(item)
        return next((" ".join(query.split()) for query, match in self._apart if match(facts)), None)

    def _entry_facts(self, item: Item) -> Facts:
        """The facts of an entry as its feed sent it: its article came later, if at all."""
        item = replace(item, article="") if item.article else item
        facts = facts_of_items((item,), 1, item.published, self._read_entry, item.first_seen, self._entry_fields)
        if not self._entry_fields.isdisjoint(FIELD_OF_KIND.values()):
            facts.add_tags(self._own.tags((item,)))
        return facts


def _nodes(settings: Settings) -> dict[RuleName, Node]:
    """All rules of the config: tags, topics, then outputs with their own query and their thresholds."""
    timezone = settings.site.timezone
    nodes = {RuleName("tag", rule.name): parse(rule.query, timezone) for rule in settings.tags}
    nodes |= {RuleName("topic", topic.slug): parse(topic.query, timezone) for topic in settings.topics}
    for output in settings.outputs:
        if output.query is not None and not output.rejected:
            node = parse(output.query, timezone)
            nodes[RuleName("output", output.slug)] = renamed(node, "age", THREAD_AGE) if output.sort == WEIGHT else node
        nodes |= {RuleName("when", key): parse(query, timezone) for key, query in output.thresholds.items()}
    return nodes


def _entry_queries(settings: Settings) -> list[str]:
    """All queries on single entries."""
    asked = [query for source in settings.sources for query in (source.drop, source.keep) if query is not None]
    return [*asked, *settings.dedup.never]


def _entry_rules(sources: Iterable[Source], compiled: Mapping[str, Matcher]) -> Mapping[SourceId, list[tuple[str, str, Matcher]]]:
    """Source → its `drop` and `keep` rules: kind, text on one line, compiled."""
    rules: dict[SourceId, list[tuple[str, str, Matcher]]] = {}
    for source in sources:
        for kind, query in (("drop", source.drop), ("keep", source.keep)):
            if query is not None:
                rules.setdefault(source.id, []).append((kind, " ".join(query.split()), compiled[query]))
    return rules


def _once(tags: Sequence[Tag]) -> tuple[Tag, ...]:
    """Each tag once, with its first reason, by kind."""
    found: list[Tag] = []
    for kind in _KINDS:
        named: dict[str, Tag] = {}
        for tag in tags:
            if tag.kind is kind:
                named.setdefault(tag.value.casefold(), tag)
        found.extend(named.values())
    return tuple(found)


def without_numbers(node: Node) -> Node:
    """A query without its ANDed numbers, dates and threads, so that it can be tested with a title alone."""
    if not isinstance(node, All):
        return node
    kept = tuple(part for part in node.parts if not isinstance(part, Compare | Counted | Dated) and not _is_thread(part))
    return kept[0] if len(kept) == 1 else All(kept)


def _is_thread(node: Node) -> bool:
    return isinstance(node, Value) and node.field == "thread"
