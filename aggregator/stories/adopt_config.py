"""Makes the store follow a config: retags stored stories, and starts, changes or ends feeds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from aggregator.model import Instant, Slug
from aggregator.ports import OutputState, Rules, Store, StoryFilter
from aggregator.settings import Output, Settings
from aggregator.stories import curate, privacy
from aggregator.stories.selection import Selection, select

T = TypeVar("T")

CHUNK = 300
"""Stories in one transaction: bounds how long polls wait to commit."""
RULES_KEY = "rules"
"""Key of the stored fingerprint of the rules that stories were last tagged with."""


def definition(output: Output, rules_hash: bytes) -> bytes:
    """Hashes what selects a feed's stories, to 8 bytes: its query, and the rules that the query may refer to."""
    if output.query is None and output.topic is None:
        return _digest("every story")
    return _digest(output.query or "", rules_hash.hex())


def rules_fingerprint(settings: Settings) -> bytes:
    """Hashes everything that tags and topics are made from, to 8 bytes."""
    sources = [(source.id, source.group, source.tags) for source in settings.sources]
    rules = [(rule.name, rule.query) for rule in settings.tags] + [(topic.slug, topic.query) for topic in settings.topics]
    return _digest(repr(sources), repr(rules), repr(settings.tagging))


def adopt(store: Store, settings: Settings, rules: Callable[[], Rules], now: Instant) -> frozenset[Slug]:
    """Makes the store follow a config. Returns the feeds whose documents differ now. Idempotent.

    A new feed starts full, with the newest `items` stories of any age. In an empty store it stays `filling` until every source
    has been polled once (`publish.filling`). rules: called only if stories must be looked at.
    """
    fingerprint = rules_fingerprint(settings)
    states = store.outputs()
    changed = _register(store, settings.outputs, states, fingerprint, now)
    turned = privacy.follow(store, settings, rules, now)
    stale = store.value(RULES_KEY) != fingerprint.hex()
    selections = [select(store, output, states.get(output.slug), now) for output in settings.outputs if output.slug in changed]
    if stale or selections:
        changed |= _reselect(store, selections, rules(), now, retag=stale)
        with store.begin() as transaction:
            transaction.set_value(RULES_KEY, fingerprint.hex())
    return turned | changed


def _register(
    store: Store, outputs: Sequence[Output], states: Mapping[Slug, OutputState], fingerprint: bytes, now: Instant
) -> set[Slug]:
    """Stores each feed's definition. Returns the feeds whose stories must be selected anew, and those that ended."""
    empty = store.counts()["stories"] == 0
    changed: set[Slug] = set()
    with store.begin() as transaction:
        for output in outputs:
            known = states.get(output.slug)
            meaning = definition(output, fingerprint)
            if known is None:
                transaction.save_output(OutputState(output.slug, meaning, filling=empty, changed=now, as_of=now))
            elif known.definition != meaning or known.withdrawn:
                transaction.save_output(
                    replace(known, definition=meaning, withdrawn=False, changed=now, revision=known.revision + 1)
                )
            else:
                continue
            changed.add(output.slug)
        for slug in states.keys() - {output.slug for output in outputs}:
            if not states[slug].withdrawn:
                transaction.save_output(replace(states[slug], withdrawn=True, changed=now))
                changed.add(slug)
    return changed


def _reselect(store: Store, selections: list[Selection], rules: Rules, now: Instant, *, retag: bool) -> set[Slug]:
    """Goes over all stories once, newest first: retags them and selects those that match the feeds. Returns changed feeds."""
    touched: set[Slug] = set()
    by_slug = {selection.output.slug: selection for selection in selections}
    for chunk in chunks(store.find(StoryFilter()), CHUNK):
        retagged = []
        for story in chunk:
            after, tagged = curate.derive_story(story, rules, now, published=True)
            for slug in tagged.outputs:
                if slug in by_slug:
                    by_slug[slug].offer(story)
            if retag and (after.tags, after.topics) != (story.tags, story.topics):
                retagged.append(replace(story, tags=after.tags, topics=after.topics))
        if retagged:
            with store.begin() as transaction:
                for story in retagged:
                    transaction.save_story(story)
                touched.update(*transaction.members_of([story.id for story in retagged]).values())
    _apply(store, selections, touched, now)
    return touched


def _apply(store: Store, selections: Iterable[Selection], touched: set[Slug], now: Instant) -> None:
    with store.begin() as transaction:
        for selection in selections:
            transaction.enter(selection.output.slug, selection.entering()[::-1], now)
            transaction.leave(selection.output.slug, selection.members - selection.matching)
            touched.add(selection.output.slug)
        transaction.bump(touched, now)


def chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """Yields lists of `size` items; the last one may be shorter."""
    while chunk := list(islice(items, size)):
        yield chunk


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
