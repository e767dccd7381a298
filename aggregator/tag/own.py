"""The tags a story has without any rule: from its sources and groups, from its feeds' own categories, and from its text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from aggregator.model import Item, Story, Tag, TagKind
from aggregator.settings import Settings
from aggregator.text.words import fold

MAX_CATEGORIES = 12
"""Most categories of a story: some blogs send forty with each entry."""

MAX_CATEGORY_LENGTH = 60
"""Characters. A longer one is a sentence, not a category."""

TextTagger = Callable[[Sequence[Item]], list[Tag]]
"""Finds tags in the texts of a story's items: entities, subjects."""


class OwnTags:
    """Finds the tags that need no rule. Made once per config."""

    def __init__(self, settings: Settings, taggers: Iterable[TextTagger] = ()) -> None:
        self._categories = {fold(term).strip(): tag for term, tag in settings.tagging.categories.items()}
        self._taggers = tuple(taggers)

    def tags(self, items: Sequence[Item]) -> list[Tag]:
        """Tags of the items' story, each with its reason; a tag may come twice."""
        found = [Tag(TagKind.TAG, tag, f"source {item.source}") for item in items for tag in item.tags]
        categories: dict[str, int] = {}
        reasons: dict[str, Tag] = {}
        for item in items:
            for tag in self._category_tags(item):
                if tag.kind is TagKind.TAG:
                    found.append(tag)
                else:
                    name = fold(tag.value)
                    categories[name] = categories.get(name, 0) + 1
                    reasons.setdefault(name, tag)
        for tagger in self._taggers:
            found.extend(tagger(items))
        found.extend(reasons[name] for name in commonest(categories, MAX_CATEGORIES))
        return found

    def _category_tags(self, item: Item) -> Iterable[Tag]:
        """The item's categories as the config maps them (to a tag, or to nothing); others unchanged."""
        for category in item.entry.categories:
            name = " ".join((category.label or category.term).split())
            if not name or len(name) > MAX_CATEGORY_LENGTH or "://" in name:
                continue
            names = (fold(category.term).strip(), fold(name)) if self._categories else ()
            key = next((key for key in names if key in self._categories), None)
            if key is None:
                yield Tag(TagKind.CATEGORY, name, f"category of {item.source}")
                continue
            mapped = self._categories[key]
            if mapped is not None:
                yield Tag(TagKind.TAG, mapped, f"category {name} of {item.source}")


def tags_of_hooks(story: Story) -> list[Tag]:
    """The tags that hooks gave the story."""
    return [Tag(TagKind.HOOK, tag, f"from {one.hook}") for one in story.enriched for tag in one.tags]


def commonest(counts: Mapping[str, int], most: int) -> list[str]:
    """At most `most` names with the highest counts. Equal counts keep their order."""
    return sorted(counts, key=counts.__getitem__, reverse=True)[:most]
