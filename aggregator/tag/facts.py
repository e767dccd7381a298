"""What queries can see of a story, read once for all of them.

Every fact is a bit mask over the story's items: bit n is set if item n has it. A story matches when one of its items does, so
words and values are ANDed item by item. Tags, topics and numbers belong to the whole story, so they are facts of all items.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct, field

from aggregator.model import Instant, Item, ItemId, Story, Tag, TagKind, Thread
from aggregator.tag.automaton import WordAutomaton
from aggregator.tag.fields import FIRST_OF, NUMBER_FIELDS, TEXT_FIELDS, VALUE_FIELDS, language
from aggregator.tag.near import Places
from aggregator.tag.nodes import AUTHOR, BODY, TITLE, Compare, Near, Node, Value, Words, terms
from aggregator.text.publishers import label_of
from aggregator.text.words import fold, tokens

_HOST = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)", re.IGNORECASE)

FIELD_OF_KIND = {
    TagKind.TAG: "tag",
    TagKind.ENTITY: "entity",
    TagKind.SUBJECT: "subject",
    TagKind.CATEGORY: "category",
    TagKind.HOOK: "tag",
}

EVERY_FIELD = frozenset((*TEXT_FIELDS, *VALUE_FIELDS, *NUMBER_FIELDS))


def fields_of(nodes: Iterable[Node]) -> frozenset[str]:
    """The fields that the queries use. Patterns read an item's texts themselves."""
    found: set[str] = set()
    for term in (term for node in nodes for term in terms(node)):
        match term:
            case Words() | Near():
                found.update(term.fields)
            case Value() | Compare():
                found.add(term.field)
    return frozenset(found)


class ItemWords(Struct, frozen=True):
    """Which patterns are in an item's title, text and authors, and how many words its text has."""

    title: frozenset[int]
    body: frozenset[int]
    author: frozenset[int]
    count: int


Reader: TypeAlias = Callable[[Item], ItemWords]


def reader(automaton: WordAutomaton, asked: frozenset[str]) -> Reader:
    """Returns a function that reads an item's words in the `asked` fields only."""
    in_title, in_body, by_author = TITLE in asked, BODY in asked, AUTHOR in asked
    in_text = in_body or "words" in asked
    nothing: frozenset[int] = frozenset()

    def read(item: Item) -> ItemWords:
        entry = item.entry
        body = tokens(item.text) if in_text else []
        return ItemWords(
            automaton.find(tokens(item.title)) if in_title else nothing,
            automaton.find(body) if in_body else nothing,
            nothing.union(*(automaton.find(tokens(author)) for author in entry.authors)) if by_author else nothing,
            len(body),
        )

    return read


class Facts(Struct):
    """Masks over `items`. words: field → pattern → mask; values: (field, folded value) → mask; outlets: how many there are.

    lead: the mask of the story's lead; published: of the story; as_of: the instant its age is measured at; asked: the fields
    that queries use: only these have facts. thread: the story's, if it is in one; newest: `Story.newest`. places: of the words of
    the texts that NEAR has asked for, by item and field.
    """

    items: tuple[Item, ...]
    outlets: int
    published: Instant
    as_of: Instant
    asked: frozenset[str] = EVERY_FIELD
    everything: int = 0
    lead: int = 0
    thread: Thread | None = None
    newest: Instant = 0.0
    words: dict[str, dict[int, int]] = field(default_factory=lambda: {"title": {}, "body": {}, "author": {}})
    counts: list[int] = field(default_factory=list)
    values: dict[tuple[str, str], int] = field(default_factory=dict)
    places: dict[tuple[int, str], list[Places]] = field(default_factory=dict)

    def add(self, name: str, value: str, mask: int | None = None) -> None:
        """Adds a fact of some items, or of all, if queries use its field."""
        if name in self.asked:
            key = (name, fold(value))
            self.values[key] = self.values.get(key, 0) | (self.everything if mask is None else mask)

    def add_tags(self, tags: Iterable[Tag]) -> None:
        for tag in tags:
            self.add(FIELD_OF_KIND[tag.kind], tag.value)

    def add_thread(self, story: Story) -> None:
        """Adds the story's thread, by all ids that lead to it."""
        self.thread, self.newest = story.thread, story.newest
        if story.thread is None or story.thread.first == story.id:
            self.add("first", FIRST_OF)
        if story.thread is not None:
            for id in (story.thread.id, *story.thread.formerly):
                self.add("thread", id)

    @property
    def thread_outlets(self) -> int:
        """How many outlets tell the story's thread; the story itself, if it is in none."""
        return self.outlets if self.thread is None else max(self.outlets, self.thread.outlets)


def facts_of_story(story: Story, read: Reader, as_of: Instant) -> Facts:
    """The facts of a stored story, with its stored tags and topics."""
    facts = facts_of_items(story.items, len(story.outlets), story.published, read, as_of, lead=story.lead)
    facts.add_tags(story.tags)
    facts.add_thread(story)
    for topic in story.topics:
        facts.add("topic", topic)
    return facts


def facts_of_items(
    items: Sequence[Item],
    outlets: int,
    published: Instant,
    read: Reader,
    as_of: Instant,
    asked: frozenset[str] = EVERY_FIELD,
    lead: ItemId | None = None,
) -> Facts:
    """The facts of the items themselves: words, addresses, sources. lead: None for the first item."""
    first = next((number for number, item in enumerate(items) if item.id == lead), 0)
    facts = Facts(tuple(items), outlets, published, as_of, asked, everything=(1 << len(items)) - 1, lead=1 << first)
    names = asked & _VALUES.keys()
    for number, item in enumerate(items):
        _add_words(facts, read(item), 1 << number)
        for name in names:
            for value in _VALUES[name](item):
                facts.add(name, value, 1 << number)
    return facts


def _add_words(facts: Facts, words: ItemWords, bit: int) -> None:
    facts.counts.append(words.count)
    for name, found in (("title", words.title), ("body", words.body), ("author", words.author)):
        masks = facts.words[name]
        for pattern in found:
            masks[pattern] = masks.get(pattern, 0) | bit


def _categories(item: Item) -> list[str]:
    """The feed's own categories, by their terms and their labels."""
    categories = item.entry.categories
    return [category.term for category in categories] + [category.label for category in categories if category.label]


def _sites(item: Item) -> tuple[str, ...]:
    host = _HOST.match(item.entry.url or item.canonical or "")
    return _domains(host[1]) if host is not None else ()


@lru_cache(maxsize=4096)
def _domains(host: str) -> tuple[str, ...]:
    """A host and its parent domains, so that `site:bbc.co.uk` finds `news.bbc.co.uk`."""
    labels = host.lower().strip(".").split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels)))


def _outlets(item: Item) -> tuple[str, ...]:
    return () if item.unattributed else outlet_names(item.outlet, item.outlet_key)


def outlet_names(name: str, key: str) -> tuple[str, ...]:
    """An outlet by its name, its domain, and the word that it is known by: `The Guardian`, `theguardian.com`, `guardian`.

    Folded. key: by which it is counted, a domain or its name.
    """
    folded = tuple(map(fold, (name, key, label_of(key) if "." in key else key)))
    return tuple(dict.fromkeys((*folded, *(name.removeprefix("the").strip() for name in folded if name.startswith("the")))))


_VALUES: Mapping[str, Callable[[Item], Iterable[str]]] = {
    "source": lambda item: (item.source,),
    "lang": lambda item: (language(item.language),),
    "group": lambda item: () if item.group is None else (item.group,),
    "origin": lambda item: () if item.origin is None else (item.origin,),
    "category": _categories,
    "site": _sites,
    "outlet": _outlets,
}
"""How to read each field that belongs to an item."""
