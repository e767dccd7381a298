"""What hooks told of stories, and which they are to be asked about. A step of `curate.Curator`; run/jobs/enriching.py asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TypeAlias

from msgspec.structs import replace

from aggregator.enrich.attempts import note_change
from aggregator.model import Enrichment, Instant, Slug, Story, StoryId
from aggregator.ports import Asking, EnrichmentWrites
from aggregator.settings import DAY, SUMMARY, TAGS, TITLE, Hook
from aggregator.text.words import tokens

FRESH = DAY
"""Seconds since its newest report after which a story is no longer asked about: a new source's backlog is news to nobody."""
HASHED = 20_000
"""Characters of a text that are compared. Hooks get more, but what differs so far below is no other story."""

Known: TypeAlias = Mapping[tuple[StoryId, str], Asking]


def known(transaction: EnrichmentWrites, hooks: Sequence[Hook], stories: Iterable[Story]) -> Known:
    """What is known of these stories. Nothing is read without hooks."""
    if not hooks:
        return {}
    return {(one.story, one.hook): one for one in transaction.askings([story.id for story in stories])}


def input_of(story: Story) -> str:
    """A hash of what a hook's answer is about: the words of the headline and of the lead's text. New reports don't move it."""
    words = [*tokens(story.title), "", *tokens(story.lead_item.text[:HASHED])]
    return blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=8).hexdigest()


def with_answers(story: Story, hooks: Sequence[Hook], asked: Known) -> Story:
    """The story with what the hooks of the config told of it, and without what others did."""
    found = (answer_for(story, hook, asked.get((story.id, hook.name))) for hook in hooks)
    enriched = tuple(one for one in found if one is not None)
    return story if enriched == story.enriched else replace(story, enriched=enriched)


def answer_for(story: Story, hook: Hook, asked: Asking | None) -> Enrichment | None:
    """What the hook told, as far as the config wants it. None if that was about a text that is gone, and it was given up for the
    new one; or if it knew private reports, and the story is public now.
    """
    if asked is None or asked.result is None:
        return None
    if (asked.due is None and asked.answered != asked.input) or (asked.private and not story.private):
        return None
    told = asked.result
    return replace(
        told,
        title=told.title if TITLE in hook.fields else "",
        summary=told.summary if SUMMARY in hook.fields else "",
        tags=_tags(told, hook) if TAGS in hook.fields else (),
    )


def _tags(told: Enrichment, hook: Hook) -> tuple[str, ...]:
    return tuple(tag for tag in told.tags if not hook.tags or tag in hook.tags)


def to_ask(
    story: Story, hooks: Sequence[Hook], asked: Known, topics: Collection[Slug], feeds: Collection[Slug], now: Instant
) -> Iterator[Asking]:
    """What to store of hooks that are to be asked about the story. topics, feeds: those that it is in."""
    wanting = [hook for hook in hooks if wants(hook, story, topics, feeds)]
    if not wanting or story.dropped or story.excess or now - story.newest > FRESH:
        return
    input = input_of(story)
    for hook in wanting:
        before = asked.get((story.id, hook.name))
        if before is not None and before.result is not None and before.private and not story.private:
            before = replace(before, input="", result=None, answered=None)
        noted = note_change(before, Asking(story.id, hook.name, input), hook.settle, now)
        if noted is not None:
            yield noted


def wants(hook: Hook, story: Story, topics: Collection[Slug], feeds: Collection[Slug]) -> bool:
    """Whether the hook is asked about such a story. An address is sent private ones only if the config says so."""
    if story.private and hook.url is not None and not hook.private:
        return False
    if any(topic in hook.topics for topic in topics) or any(slug in hook.outputs for slug in feeds):
        return True
    return any(item.source in hook.sources for item in story.items)
