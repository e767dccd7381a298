"""Runs the tests in rules of the config (`expect:`): titles, or whole entries, that must match or must not."""

from __future__ import annotations

from collections.abc import Iterator

from aggregator.model import Entry, Item, ItemId, SourceId, Story, StoryId, Tag, TagKind
from aggregator.ports import LanguageGuesser
from aggregator.settings import Expectation, Settings
from aggregator.tag.explain import explain
from aggregator.tag.matcher import compile_node
from aggregator.tag.nodes import Node, Value, terms
from aggregator.tag.ordering import RuleName
from aggregator.tag.ruleset import RuleSet, without_numbers

_WHEN = 0.0


def failed(settings: Settings, rules: RuleSet) -> list[tuple[Expectation, str]]:
    """The expectations that fail, each with the reason. Numbers (`outlets>=3`) are taken as met."""
    cases = list(_expectations(settings))
    if not cases:
        return []  # without the model of languages, which a daemon need not hold
    from aggregator.tag.language import Guesser

    found: list[tuple[Expectation, str]] = []
    guesser = Guesser()  # one for all of them: each would load a model of its own
    for name, expectation in cases:
        problem = _problem(name, expectation, settings, rules, guesser)
        if problem is not None:
            found.append((expectation, problem))
    return found


def _expectations(settings: Settings) -> Iterator[tuple[RuleName, Expectation]]:
    for rule in settings.tags:
        for expectation in rule.expect:
            yield RuleName("tag", rule.name), expectation
    for topic in settings.topics:
        for expectation in topic.expect:
            yield RuleName("topic", topic.slug), expectation


def _problem(
    name: RuleName, expectation: Expectation, settings: Settings, rules: RuleSet, guesser: LanguageGuesser
) -> str | None:
    node = without_numbers(rules.node(name))
    tags = [Tag(TagKind.TAG, tag) for tag in expectation.tags]
    facts = rules.facts_after_rules(_story(expectation, settings, node, guesser), _WHEN, tags)
    found = explain(compile_node(node, rules.vocabulary), facts, rules.vocabulary)
    if found.matched == expectation.match:
        return None
    wish = "should match and does not" if expectation.match else "should not match and does"
    return f'{name}: "{expectation.title}" {wish}: {found.branch}'


def _story(expectation: Expectation, settings: Settings, node: Node, guesser: LanguageGuesser) -> Story:
    """A story of one item made from the expectation."""
    source = next((source for source in settings.sources if source.id == expectation.source), None)
    entry = Entry(guid="expectation", url=None, title=expectation.title, summary=expectation.body, text=expectation.body)
    item = Item(
        id=ItemId(0),
        source=SourceId(expectation.source or ""),
        guid="expectation",
        entry=entry,
        canonical=None,
        outlet="",
        outlet_key="",
        published=_WHEN,
        first_seen=_WHEN,
        hash=b"",
        language=_language(entry, node, guesser),
        group=source.group if source else None,
        tags=source.tags if source else (),
    )
    return Story(StoryId(""), (item,), ItemId(0), _WHEN, _WHEN, _WHEN)


def _language(entry: Entry, node: Node, guesser: LanguageGuesser) -> str:
    """The title's language, guessed only if the rule asks for one."""
    asked = any(isinstance(term, Value) and term.field == "lang" for term in terms(node))
    return guesser.guess(entry, None, {})[0] if asked else "und"
