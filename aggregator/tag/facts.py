"""What a query can see of a story: read once per story, however many queries are asked.

Every fact is a bit mask over the story's items: bit n is set if item n has it. A story matches when one of its items does, so
words and values are ANDed item by item; what belongs to the whole story (tags, topics, numbers) is a fact of all items.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from aggregator.model import Instant, Item, Story, Tag, TagKind
from aggregator.tag.automaton import WordAutomaton
from aggregator.tag.fields import language
from aggregator.text.words import fold, tokens

_HOST = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)", re.IGNORECASE)

FIELD_OF_KIND = {TagKind.TAG: "tag", TagKind.ENTITY: "entity", TagKind.SUBJECT: "subject", TagKind.CATEGORY: "category"}


@dataclass(frozen=True, slots=True)
class ItemWords:
    """Which patterns are in an item's title, text and authors, and how many words its text has."""

    title: frozenset[int]
    body: frozenset[int]
    author: frozenset[int]
    count: int


Reader: TypeAlias = Callable[[Item], ItemWords]


def reader(automaton: WordAutomaton) -> Reader:
    """A function that reads the words of an item."""

    def read(item: Item) -> ItemWords:
        body = tokens(item.entry.text)
        return ItemWords(
            automaton.found(tokens(item.entry.title)),
            automaton.found(body),
            frozenset().union(*(automaton.found(tokens(author)) for author in item.entry.authors)),
            len(body),
        )

    return read


@dataclass(slots=True)
class Facts:
    """Masks over `items`. words: field → pattern → mask; values: (field, folded value) → mask; outlets: how many there are.

    published: when the story was; as_of: the instant its age is measured at.
    """

    items: tuple[Item, ...]
    outlets: int
    published: Instant
    as_of: Instant
    everything: int = 0
    words: dict[str, dict[int, int]] = field(default_factory=lambda: {"title": {}, "body": {}, "author": {}})
    counts: list[int] = field(default_factory=list)
    values: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, name: str, value: str, mask: int | None = None) -> None:
        """Adds a fact of some items, or of all."""
        key = (name, fold(value))
        self.values[key] = self.values.get(key, 0) | (self.everything if mask is None else mask)

    def add_tags(self, tags: Iterable[Tag]) -> None:
        for tag in tags:
            self.add(FIELD_OF_KIND[tag.kind], tag.value)


def facts_of_story(story: Story, read: Reader, as_of: Instant) -> Facts:
    """A stored story as it is, with the tags and topics it has."""
    facts = facts_of_items(story.items, len(story.outlets), story.published, read, as_of)
    facts.add_tags(story.tags)
    for topic in story.topics:
        facts.add("topic", topic)
    return facts


def facts_of_items(items: Sequence[Item], outlets: int, published: Instant, read: Reader, as_of: Instant) -> Facts:
    """What the items themselves say: words, addresses, where they are from."""
    facts = Facts(tuple(items), outlets, published, as_of, everything=(1 << len(items)) - 1)
    for number, item in enumerate(items):
        _add_words(facts, read(item), 1 << number)
        _add_values(facts, item, 1 << number)
    return facts


def _add_words(facts: Facts, words: ItemWords, bit: int) -> None:
    facts.counts.append(words.count)
    for name, found in (("title", words.title), ("body", words.body), ("author", words.author)):
        masks = facts.words[name]
        for pattern in found:
            masks[pattern] = masks.get(pattern, 0) | bit


def _add_values(facts: Facts, item: Item, bit: int) -> None:
    facts.add("source", item.source, bit)
    facts.add("lang", language(item.language), bit)
    if item.group is not None:
        facts.add("group", item.group, bit)
    if item.origin is not None:
        facts.add("origin", item.origin, bit)
    for category in item.entry.categories:
        facts.add("category", category.term, bit)
        if category.label:
            facts.add("category", category.label, bit)
    for site in _sites(item.entry.url or item.canonical or ""):
        facts.add("site", site, bit)


def _sites(url: str) -> list[str]:
    """The host of an address and the domains it lies in: `news.bbc.co.uk` is found by `site:bbc.co.uk`."""
    host = _HOST.match(url)
    if host is None:
        return []
    labels = host[1].lower().strip(".").split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]
