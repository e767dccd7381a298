"""The rules of a config: `compile_rules` compiles them, `failed_expectations` runs their tests."""

from __future__ import annotations

from aggregator.ports import QueryNames
from aggregator.settings import Expectation, Settings
from aggregator.tag import privacy
from aggregator.tag.entities import Entities
from aggregator.tag.expectations import failed
from aggregator.tag.nodes import Value, terms
from aggregator.tag.own import OwnTags, TextTagger
from aggregator.tag.ruleset import RuleSet
from aggregator.tag.syntax import parse

__all__ = ["RuleSet", "compile_rules", "failed_expectations", "names_in", "warnings"]


def compile_rules(settings: Settings) -> RuleSet:
    """Compiles the rules of a checked config. Raises QueryError or ordering.Circular if it was not checked."""
    return RuleSet(settings, OwnTags(settings, _taggers(settings)))


def failed_expectations(settings: Settings) -> list[tuple[Expectation, str]]:
    """Failed expectations of tags, topics and the user's list of names, each with the reason.

    Those of the list of names have no position in the config: line and column are 0. Raises ConfigError for a bad list.
    """
    file = settings.tagging.entities_file
    problems = Entities(file).failed_tests() if file is not None else []
    names = [(Expectation(match=True, title=""), f"{file}: {problem}") for problem in problems]
    return failed(settings, compile_rules(settings)) + names


def names_in(settings: Settings) -> QueryNames:
    """The names that queries may use in `search` and other commands, as the config spells them."""
    tags = {tag for source in settings.sources for tag in source.tags} | {rule.name for rule in settings.tags}
    tags |= {tag for hook in settings.enrich.values() for tag in hook.tags}
    return QueryNames(
        sources=frozenset(source.id for source in settings.sources),
        groups=frozenset(source.group for source in settings.sources if source.group is not None),
        tags=frozenset(tags | {tag for tag in settings.tagging.categories.values() if tag is not None}),
        topics=frozenset(topic.slug for topic in settings.topics),
        entities=Entities(settings.tagging.entities_file).own.entities,
        timezone=settings.site.timezone,
    )


def warnings(settings: Settings) -> list[str]:
    """One line for each rule that can never match with this config, and for each hint on privacy."""
    return [*_never_matching(settings), *privacy.hints(settings)]


def _never_matching(settings: Settings) -> list[str]:
    if settings.tagging.subjects:
        return []
    rules = [(f"tag {rule.name}", rule.query) for rule in settings.tags]
    rules += [(f"topic {topic.slug}", topic.query) for topic in settings.topics]
    rules += [(f"output {output.slug}", output.query) for output in settings.outputs if output.query is not None]
    return [f"{name} asks for {term.text}, which needs `subjects: true`" for name, text in rules for term in _subject_terms(text)]


def _subject_terms(text: str) -> list[Value]:
    return [term for term in terms(parse(text)) if isinstance(term, Value) and term.field == "subject"]


def _taggers(settings: Settings) -> list[TextTagger]:
    """The taggers that read texts. Subjects are loaded only if the config asks for them."""
    taggers: list[TextTagger] = [Entities(settings.tagging.entities_file).tags]
    if settings.tagging.subjects:
        from aggregator.tag.subjects import Subjects

        taggers.append(Subjects().tags)
    return taggers
