"""The query language of topics, tags, `keep`, `drop`, outputs and search (docs/queries.md)."""

from __future__ import annotations

from aggregator.errors import QueryError
from aggregator.model import Instant, Story
from aggregator.ports import QueryNames, StoryFilter, WordQuery
from aggregator.tag.automaton import Vocabulary
from aggregator.tag.check import check
from aggregator.tag.explain import Explanation, explain
from aggregator.tag.facts import Facts, facts_of_story, fields_of, reader
from aggregator.tag.matcher import compile_node
from aggregator.tag.nodes import Node
from aggregator.tag.prefilter import relevant_words, story_filter
from aggregator.tag.syntax import parse


class Query:
    """A compiled query. The tags and topics of a story are those it was stored with."""

    def __init__(self, text: str, names: QueryNames | None = None) -> None:
        """Raises QueryError. `names` are not checked here (see `check`); they let `filter` use indexes."""
        self.text = text
        self._names = names or QueryNames()
        self.node: Node = parse(text, self._names.timezone)
        self._vocabulary = Vocabulary()
        self._compiled = compile_node(self.node, self._vocabulary)
        self._read = reader(self._vocabulary.automaton(), fields_of([self.node]))

    def matches(self, story: Story, as_of: Instant) -> bool:
        """True if the story matches. as_of: the instant at which `age` is measured."""
        return self._compiled.match(self._facts(story, as_of)) != 0

    def explain(self, story: Story, as_of: Instant) -> Explanation:
        """The branch of the query that matched, or the one that failed."""
        return explain(self._compiled, self._facts(story, as_of), self._vocabulary)

    def filter(self, as_of: Instant) -> StoryFilter:
        """The filter for the store: it finds all matching stories, and perhaps more."""
        return story_filter(self.node, self._names, as_of)

    def words(self) -> WordQuery | None:
        """What a search by relevance weighs: the words that the query looks for. None if it has none."""
        return relevant_words(self.node)

    def _facts(self, story: Story, as_of: Instant) -> Facts:
        return facts_of_story(story.as_corrected(), self._read, as_of)


def checked(text: str, names: QueryNames) -> Query:
    """Compiles a query that a person typed. Raises QueryError that marks the first mistake below the text."""
    errors = check(text, names, rolling=True, entry=False)
    if errors:
        first = min(errors, key=lambda error: error.offset)
        raise QueryError(f"{first.message}\n  {' '.join(text.split(chr(10)))}\n  {' ' * first.offset}^", first.offset)
    return Query(text, names)
