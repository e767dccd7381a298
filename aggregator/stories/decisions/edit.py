"""Edits stories by hand: merge, split, drop, pin, title. Each edit is a decision that is stored for good, until it is undone."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from msgspec.structs import replace

from aggregator.dedup.lead import PINNED, choose_lead
from aggregator.dedup.signature import TEXT
from aggregator.errors import UsageError
from aggregator.model import Evidence, Item, ItemId, Slug, Story, StoryId
from aggregator.ports import Decision, Override, Rules, Store, Traces, Transaction
from aggregator.settings import Settings
from aggregator.stories.curate import Curator
from aggregator.stories.decisions.edit_curator import edit_curator
from aggregator.stories.decisions.find_named import find_entries, find_story, full_id
from aggregator.stories.decisions.headline import checked_headline
from aggregator.stories.decisions.overrides import SPLIT, drop_key, override_key
from aggregator.stories.decisions.thread_edit import links_of, retell_threads
from aggregator.stories.decisions.undo import prepare_undo, set_astray
from aggregator.stories.join import order_by_claim


class StoryEditor:
    """Implements the commands under `stories`. The daemon publishes the changes with its next tick."""

    def __init__(self, store: Store, settings: Settings, rules: Rules) -> None:
        self._store = store
        self._settings = settings
        self._rules = rules

    def merge(self, first: StoryId, second: StoryId) -> StoryId:
        """Merges two stories; a published one keeps its id, else the older one. Returns the id that stays.

        Raises UsageError if both are the same story, one is private and the other isn't, or one was dropped or is empty.
        """
        if first == second:
            raise UsageError("these are one story already")
        now = time.time()
        with self._store.begin() as transaction:
            stories = [one for one in transaction.stories([first, second]) if one.items and not one.dropped]
            if len(stories) < 2:
                raise UsageError("one of them was taken down by hand, or has no entries any more")
            if stories[0].private != stories[1].private:
                raise UsageError("one of them is private (its source is): the other one would leave the public feeds")
            published = transaction.published_stories([first, second])
            kept, alias = order_by_claim(stories, published)
            threads = transaction.threads_of([kept.id, alias.id])
            feeds = transaction.members_of([alias.id])[alias.id]
            traces = Traces(
                title=alias.title,
                stories=(kept.id, alias.id),
                items=tuple(item.id for item in alias.items),
                leads={kept.id: kept.lead, alias.id: alias.lead},
                feeds=tuple(sorted(feeds)),
                aliases=transaction.aliases_of(alias.id),
                updated=alias.updated,
                thread=threads.get(alias.id),
                into=threads.get(kept.id),
                links=links_of(transaction, [alias.id]),
            )
            decision = transaction.add_decision("merge", now, traces)
            whole = override_key(kept.items[0])
            for item in (*kept.items[1:], *alias.items):
                transaction.add_override(Override("merge", whole, override_key(item), now, decision))
            transaction.merge_stories(kept.id, alias.id, now)
            self._curator(transaction, now, {kept.id: feeds}, as_if_joined=True).refresh(transaction, [kept.id])
        return kept.id

    def split(self, named: str, within: str | None = None) -> StoryId:
        """Moves an entry, or all entries at an address, to a new story. Raises UsageError if none would be left.

        Later reports may join the new story; it is never merged with another but by hand.
        """
        now = time.time()
        story, items = find_entries(self._store, named, within)
        if len(items) == len(story.items):
            raise UsageError("this is the only entry of its story")
        evidence = self._store.evidence(story.id)
        with self._store.begin() as transaction:
            new: StoryId | None = None
            for item in items:
                new = transaction.move_item(item.id, new, Evidence(SPLIT), now)
            traces = Traces(
                title=items[0].entry.title,
                url=items[0].entry.url,
                stories=(story.id, new or story.id),
                items=tuple(item.id for item in items),
                leads={story.id: story.lead},
                evidence={item.id: evidence[item.id] for item in items if item.id in evidence},
                astray=tuple(item.id for item in items if item.astray),
            )
            decision = transaction.add_decision("split", now, traces)
            for item in items:
                transaction.add_override(Override("split", override_key(item), override_key(items[0]), now, decision))
            set_astray(transaction, [item for item in items if item.astray], False)
            touched = traces.stories
            heirs = {touched[1]: transaction.members_of([story.id])[story.id]}
            followed = retell_threads(transaction, transaction.threads_of(touched).values())
            self._curator(transaction, now, heirs).refresh(transaction, dict.fromkeys([*touched, *followed]))
        return touched[1]

    def drop(self, url: str) -> str:
        """Removes an article's story from all feeds for good. Returns its title. Raises UsageError if there is none.

        Later reports of the same stay away, too, if several outlets tell the story; if one does, those of that outlet.
        """
        now = time.time()
        story = find_story(self._store, url)
        with self._store.begin() as transaction:
            feeds = transaction.members_of([story.id])[story.id]
            traces = Traces(title=story.title, url=story.lead_item.entry.url, stories=(story.id,), feeds=tuple(sorted(feeds)))
            decision = transaction.add_decision("drop", now, traces)
            for item in story.items:
                transaction.add_override(Override("drop", drop_key(item), None, now, decision))
            transaction.save_story(replace(story, dropped=True))
            followed = retell_threads(transaction, transaction.threads_of([story.id]).values())
            self._curator(transaction, now, {}).refresh(transaction, dict.fromkeys([story.id, *followed]))
        return story.title

    def pin(self, named: str, within: str | None = None) -> str:
        """Makes an entry the lead of its story for good. Returns its title. Raises UsageError if it is not stored."""
        story, items = find_entries(self._store, named, within)
        lead, _ = choose_lead(items, None, published=False)
        if (story.lead, story.lead_reason) == (lead, PINNED):
            raise UsageError("this entry is pinned already")
        item = next(item for item in items if item.id == lead)
        self._correct("pin", story, item, None)
        return item.entry.title

    def title(self, named: str, text: str) -> str:
        """Corrects the headline of an article's story for good. Returns the headline as it was."""
        headline = checked_headline(text)
        named = full_id(self._store, named)
        story = find_story(self._store, named)
        if headline == story.title:
            raise UsageError("this is the story's headline already")
        names_story = self._store.whereabouts(StoryId(named.removeprefix("urn:uuid:"))) is not None
        item = story.lead_item if names_story else self._named_item(named)
        self._correct("title", story, item, headline)
        return story.title

    def _named_item(self, named: str) -> Item:
        return find_entries(self._store, named)[1][0]

    def _correct(self, kind: str, story: Story, item: Item, text: str | None) -> None:
        """Stores a pin or a headline; the refresh of the story finds it."""
        now = time.time()
        traces = Traces(
            title=story.title,
            url=item.entry.url,
            text=text or "",
            told=(item.title, item.entry.text[:TEXT]) if kind == "title" else None,
            stories=(story.id,),
            items=(item.id,),
            leads={story.id: self._unpinned_lead(story)} if kind == "pin" else {},
        )
        with self._store.begin() as transaction:
            decision = transaction.add_decision(kind, now, traces)
            transaction.add_override(Override(kind, override_key(item), text, now, decision))
            self._curator(transaction, now, {}, as_if_joined=True).refresh(transaction, [story.id])

    def _unpinned_lead(self, story: Story) -> ItemId:
        """The story's lead, or the one before a person pinned it."""
        pins = [one for one in self._store.decisions() if one.kind == "pin" and one.undone is None]
        leads = [lead for one in pins if (lead := one.traces.leads.get(story.id)) is not None]
        return leads[-1] if leads and story.lead_reason == PINNED else story.lead

    def undo(self, id: int) -> Decision:
        """Undoes a decision: what it bound is free again, and stories, ids and leads are as they were. Returns the decision.

        Raises UsageError if there is none, it was undone already, or another one must be undone first.
        """
        now = time.time()
        with self._store.begin() as transaction:
            decision, undo = prepare_undo(self._store, id)
            transaction.end_decision(id, now)
            undone = undo(transaction, now)
            for story in transaction.stories(undone.stories):
                lead = undone.leads.get(story.id, story.lead)
                if lead != story.lead and any(item.id == lead for item in story.items):
                    transaction.save_story(replace(story, lead=lead))
            threads = {*undone.threads, *transaction.threads_of(undone.stories).values()}
            retold = retell_threads(transaction, threads, undone.stories if undone.threads else ())
            self._curator(transaction, now, undone.heirs).refresh(transaction, dict.fromkeys([*undone.stories, *retold]))
            for id_of_heir in undone.heirs:
                transaction.return_to_pages(id_of_heir)
        return decision

    def _curator(
        self, transaction: Transaction, now: float, heirs: Mapping[StoryId, Collection[Slug]], *, as_if_joined: bool = False
    ) -> Curator:
        return edit_curator(self._store, self._settings, self._rules, transaction, now, heirs, as_if_joined=as_if_joined)
