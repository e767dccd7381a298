"""Ranked feeds: their documents show the best of all stories that match, not the last that came.

A ranking is stored, and made anew every few minutes: documents depend on the database alone, and publishing costs the same
however many stories match.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from aggregator.model import Instant, Slug, Story, StoryId, ThreadId
from aggregator.ports import Candidate, OutputState, Report, Shown, Store, Transaction, Values
from aggregator.publish.selection.weight import WINDOW, Weights
from aggregator.settings import DAY, OUTLETS, Output, Settings

KEY = "ranking."
"""Prefix of the keys of stored `Ranking`s."""
WIDEST = 7 * DAY
"""Seconds: stories without a report for so long don't compete by their outlets."""
LATEST = 10
"""For each place of a document, so many of the stories that entered last are considered: they fill it in quiet times."""


class Ranking(Struct, frozen=True):
    """The stories of a feed's document, best first. shape: of the output that it was made for."""

    shape: str
    stories: tuple[StoryId, ...]

    @classmethod
    def read(cls, stored: str | None) -> Ranking | None:
        if stored is None:
            return None
        shape, stories = json.loads(stored)
        return cls(shape, tuple(stories))

    def __str__(self) -> str:
        return json.dumps([self.shape, self.stories])


class Rankings:
    """The rankings of one config's feeds."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._outputs = [output for output in settings.outputs if output.ranked]
        self._store = store

    def shown(self, output: Output, state: OutputState, now: Instant) -> list[Shown]:
        """What the feed's document shows, in order.

        A ranking is made if there is none, if a story of it has left the feed, and while the feed is being filled.
        """
        ranking = Ranking.read(self._store.value(KEY + output.slug))
        if ranking is not None and ranking.shape == _shape(output) and not state.filling:
            shown = self._store.shown_of(output.slug, ranking.stories)
            if len(shown) == len(ranking.stories):
                return shown
        ranking = _Round(self._store, now).rank(output)
        with self._store.begin() as transaction:
            transaction.set_value(KEY + output.slug, str(ranking))
        return self._store.shown_of(output.slug, ranking.stories)

    def make(self, now: Instant) -> dict[Slug, str]:
        """Ranks all feeds anew, as `save` stores it. Only reads."""
        made = _Round(self._store, now)
        return {output.slug: str(made.rank(output)) for output in self._outputs}

    def save(self, rankings: Mapping[Slug, str], now: Instant) -> frozenset[Slug]:
        """Stores rankings. Returns the feeds whose order has changed."""
        changed = frozenset(slug for slug, ranking in rankings.items() if ranking != self._store.value(KEY + slug))
        if changed:
            with self._store.begin() as transaction:
                for slug in changed:
                    transaction.set_value(KEY + slug, rankings[slug])
                transaction.bump(changed, now)
        return changed


def place_of(store: Values, slug: Slug, story: StoryId) -> int | None:
    """The place of a story in a ranked feed's document, from 1; None if it has none there."""
    ranking = Ranking.read(store.value(KEY + slug))
    return ranking.stories.index(story) + 1 if ranking is not None and story in ranking.stories else None


def is_reshaped(store: Values, output: Output) -> bool:
    """Whether a feed was ranked by other keys (`sort`, `items`, `per_thread`, `per_outlet`) than the config has now."""
    ranking = Ranking.read(store.value(KEY + output.slug))
    return ranking is not None and ranking.shape != _shape(output)


def compare_documents(
    store: Store, output: Output, now: Instant, entering: Sequence[Story], leaving: Collection[StoryId]
) -> tuple[tuple[StoryId, ...], tuple[StoryId, ...]]:
    """The stories of a ranked feed's document as it is, and as it would be with these members more and those fewer.

    Both are ranked at `now`, so that time alone changes nothing, unless the feed was ranked by other keys before.
    """
    made = _Round(store, now)
    after = made.rank(output, entering, leaving).stories
    ranking = Ranking.read(store.value(KEY + output.slug))
    if ranking is None:
        return tuple(one.story for one in store.shown(output.slug)), after
    return (ranking if ranking.shape != _shape(output) else made.rank(output)).stories, after


def forget(transaction: Transaction, slug: Slug) -> None:
    """Has a feed ranked anew when it is published next."""
    transaction.set_value(KEY + slug, None)


class _Round:
    """Ranks feeds at one instant. Reports are read once for all of them."""

    def __init__(self, store: Store, now: Instant) -> None:
        self._store, self._now = store, now
        self._reports: list[Report] | None = None
        self._weights: dict[bool, Weights] = {}

    def rank(self, output: Output, entering: Sequence[Story] = (), leaving: Collection[StoryId] = ()) -> Ranking:
        """entering, leaving: stories that are taken for members, and for none."""
        since, latest = self._now - (WIDEST if output.sort == OUTLETS else WINDOW), LATEST * output.items
        members = self._store.candidates(output.slug, since, latest, count=output.sort == OUTLETS)
        newest_first = sorted(entering, key=lambda one: (-one.published, one.id))
        recent = [one for place, one in enumerate(newest_first) if place < latest or _has_report_since(one, since)]
        threads = self._store.threads_of([one.id for one in recent]) if recent else {}
        candidates = [one for one in members if one.story not in leaving]
        candidates += [_as_candidate(one, threads.get(one.id)) for one in recent]
        best_first = sorted(candidates, key=lambda one: (*self._score(one, output), one.published, one.story), reverse=True)
        return Ranking(_shape(output), tuple(choose(best_first, output)))

    def _score(self, one: Candidate, output: Output) -> tuple[float, ...]:
        """What a story is ranked by; of a thread's stories, the weightiest comes first."""
        match output.sort:
            case "weight":
                weights = self.weights(public=output.token is None)
                return weights.of(one.story, one.thread), weights.own(one.story)
            case "outlets":
                return (one.outlets,)
            case "updated":
                return (one.updated,)
            case _:
                return ()

    def weights(self, *, public: bool) -> Weights:
        """The weights by all reports, or by those that the public may know of."""
        if self._reports is None:
            self._reports = self._store.reports(self._now - WINDOW)
        if public not in self._weights:
            self._weights[public] = Weights((one for one in self._reports if not (public and one.private)), self._now)
        return self._weights[public]


def choose(best_first: Iterable[Candidate], output: Output) -> list[StoryId]:
    """The first stories that a document has places for, with at most `per_thread` of a thread and `per_outlet` of an outlet."""
    chosen: list[StoryId] = []
    taken: Counter[tuple[str, str]] = Counter()
    for one in best_first:
        if len(chosen) == output.items:
            break
        keys = [
            ((kind, name), most)
            for kind, name, most in (("thread", one.thread, output.per_thread), ("outlet", one.outlet, output.per_outlet))
            if name is not None and most is not None
        ]
        if all(taken[key] < most for key, most in keys):
            chosen.append(one.story)
            taken.update(key for key, _ in keys)
    return chosen


def _has_report_since(story: Story, since: Instant) -> bool:
    return any(item.first_seen >= since for item in story.items) or (story.thread is not None and story.thread.newest >= since)


def _as_candidate(story: Story, thread: ThreadId | None) -> Candidate:
    """A story that is no member yet, as `Store.candidates` would have it."""
    lead = story.lead_item
    outlet = None if lead.unattributed else lead.outlet_key
    outlets = len({item.outlet_key for item in story.reports if not item.unattributed})
    return Candidate(story.id, thread, outlet, outlets, story.published, story.updated)


def _shape(output: Output) -> str:
    return f"{output.sort} {output.items} {output.per_thread} {output.per_outlet}"
