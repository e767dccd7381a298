"""Undoes a person's decisions: what stories and ids were before is in each decision's traces."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.dedup.engine import mark_astray
from aggregator.dedup.lead import PINNED, choose_lead
from aggregator.errors import UsageError
from aggregator.model import Evidence, Instant, Item, ItemId, Slug, SourceId, Story, StoryId, ThreadId
from aggregator.ports import Decision, Override, Store, Transaction
from aggregator.stories.decisions import thread_undo
from aggregator.text.times import rfc3339

Reasons: TypeAlias = Mapping[ItemId, tuple[Instant, Evidence]]
"""Item → when and why it joined its story."""


class Undone(Struct, frozen=True):
    """The stories to be refreshed. leads: those before; heirs: stories that come back, with the feeds that they were in.

    threads: those that stories left or entered.
    """

    stories: tuple[StoryId, ...]
    leads: Mapping[StoryId, ItemId] = field(default_factory=dict)
    heirs: Mapping[StoryId, Collection[Slug]] = field(default_factory=dict)
    threads: frozenset[ThreadId] = frozenset()


Undo: TypeAlias = Callable[[Transaction, Instant], Undone]
"""Changes the stories, inside the transaction in which the decision ends."""


def prepare_undo(store: Store, id: int) -> tuple[Decision, Undo]:
    """Finds a decision, and what undoes it. Raises UsageError if it can't be undone, with what to do instead.

    To be called inside the transaction, so that nobody else undoes it meanwhile.
    """
    decision = next((one for one in store.decisions() if one.id == id), None)
    if decision is None:
        raise UsageError(f"no decision {id}: `aggregator stories decisions` lists them")
    if decision.undone is not None:
        command = decision.kind.replace("thread-", "thread ")
        again = f"to decide so again, use `aggregator stories {command}`"
        raise UsageError(f"decision {id} was undone on {rfc3339(decision.undone)} already; {again}")
    _refuse_if_bound_since(decision, store.overrides())
    match decision.kind:
        case "merge" | "split" if not decision.traces.stories:
            other = "split" if decision.kind == "merge" else "merge"
            raise UsageError(
                f"decision {id} was made by an earlier release or before a restore, so that what was there before is not known: "
                f"`aggregator stories {other}` corrects it"
            )
        case "merge":
            kept = store.story_of(decision.traces.stories[1])
            return decision, partial(_undo_merge, decision, store.evidence(kept) if kept else {})
        case "split":
            own = store.story_of(decision.traces.stories[1])
            return decision, partial(_undo_split, decision, store.evidence(own) if own else {})
        case "drop":
            return decision, partial(_undo_drop, decision, _dropped_stories(store, decision))
        case "pin" | "title":
            return decision, partial(_undo_correction, decision, _stories_now(store, decision))
        case "thread-split" | "thread-drop" | "thread-merge":
            return decision, partial(_undo_of_threads, decision)
    raise UsageError(f"decision {id} is of a newer release, which can undo it: {decision.kind}")


def _refuse_if_bound_since(decision: Decision, overrides: Iterable[Override]) -> None:
    """Raises UsageError if a later merge binds entries of this merge or split: it said where they belong."""
    if decision.kind not in ("merge", "split"):
        return
    bound: set[str] = set()
    for one in overrides:
        keys = {one.a, one.b or one.a}
        if one.decision == decision.id:
            bound |= keys
        elif one.kind == "merge" and (one.decision or 0) > decision.id and bound & keys:
            raise UsageError(f"decision {one.decision} merged the same entries later: undo that first")


def _undo_merge(decision: Decision, reasons: Reasons, transaction: Transaction, now: Instant) -> Undone:
    """Parts the stories again: each has the id that it had, and the entries that joined it or its own entries since."""
    traces = decision.traces
    kept, alias = traces.stories
    living = transaction.alive([alias]).get(alias, kept)
    story = transaction.story(living)
    if story is None or living == alias:
        return Undone((kept,))
    items = _with_followers(story, traces.items, reasons, decision.at)
    if items and len(items) == len(story.items):
        raise UsageError(f"nothing would be left of {living}: its own entries were split off since; undo that first")
    transaction.part_stories(living, alias, replace(traces, items=items), now)
    threads = thread_undo.give_back(decision, transaction, living)
    return Undone((alias, living), traces.leads, {alias: traces.feeds}, threads)


def _with_followers(story: Story, before: Iterable[ItemId], reasons: Reasons, since: Instant) -> tuple[ItemId, ...]:
    """Of a story's entries those that a decision moved, and those that joined since because they agreed with one of these."""
    wanted = set(before)
    found: list[ItemId] = []
    for item in story.items:
        joined, evidence = reasons.get(item.id, (0.0, Evidence("")))
        if item.id in wanted or (joined > since and evidence.partner in wanted):
            wanted.add(item.id)
            found.append(item.id)
    return tuple(found)


def _undo_split(decision: Decision, reasons: Reasons, transaction: Transaction, now: Instant) -> Undone:
    """Moves the entries, and what joined them since, back to the story that they left; the id of their own leads there."""
    traces = decision.traces
    alive = transaction.alive(traces.stories)
    home, own = (transaction.story(alive.get(id, id)) for id in traces.stories)
    if home is None or own is None or home.id == own.id:
        return Undone(())
    if home.dropped or own.dropped:
        raise UsageError("one of the two stories was taken down by hand: undo that first")
    if home.items and own.items and home.private != own.private:
        raise UsageError("one of the two stories is private by now (its source is): they can't be one")
    feeds = transaction.members_of([own.id, home.id])
    known = {**reasons, **dict.fromkeys(traces.items, (now, Evidence("joined again by hand"))), **traces.evidence}
    for item in _with_followers(own, traces.items, reasons, decision.at):
        joined, evidence = known[item]
        transaction.move_item(item, home.id, evidence, joined)
    set_astray(transaction, [item for item in own.items if item.id in traces.astray], True)
    return Undone((home.id, own.id), traces.leads, {home.id: feeds[own.id] | feeds[home.id]})


def set_astray(transaction: Transaction, items: Sequence[Item], astray: bool) -> None:
    """Sets whether these items are astray, where they are stored and where grouping looks."""
    transaction.save_attributes([replace(item, astray=astray) for item in items])
    mark_astray(transaction.index, [item.id for item in items], astray)


def _undo_drop(decision: Decision, dropped: Iterable[StoryId], transaction: Transaction, now: Instant) -> Undone:
    """Brings the stories back, with the reports that came meanwhile."""
    stories = [story for story in transaction.stories(dropped) if story.dropped]
    for story in stories:
        transaction.save_story(replace(story, dropped=False))
    return Undone(tuple(story.id for story in stories), heirs={story.id: decision.traces.feeds for story in stories})


def _dropped_stories(store: Store, decision: Decision) -> list[StoryId]:
    """The stories that a drop took down. An older release stored the addresses alone."""
    named = decision.traces.stories or decision.traces.entries
    return list(dict.fromkeys(story for one in named if (story := store.story_of(one)) is not None))


def _undo_correction(decision: Decision, stories: Iterable[StoryId], transaction: Transaction, now: Instant) -> Undone:
    """What led, or what the lead says itself, is shown again, or an earlier pin or title binds again."""
    found = [story for story in transaction.stories(stories) if story.items]
    leads = {story.id: _lead_without(decision, story) for story in found if decision.kind == "pin"}
    return Undone(tuple(story.id for story in found), leads)


def _undo_of_threads(decision: Decision, transaction: Transaction, now: Instant) -> Undone:
    undo = thread_undo.part_again if decision.kind == "thread-merge" else thread_undo.bring_back
    changed = undo(decision, transaction)
    return Undone(changed.stories, threads=changed.threads)


def _lead_without(pin: Decision, story: Story) -> ItemId:
    """The lead before the pin, if the story still has it, else the best."""
    before = pin.traces.leads.get(story.id)
    if before is not None and any(item.id == before for item in story.items):
        return before
    return choose_lead(story.items, None, published=False)[0] if story.lead_reason == PINNED else story.lead


def _stories_now(store: Store, decision: Decision) -> list[StoryId]:
    """The stories that the entries of a decision are in now, which may be others than they were."""
    keys = [one.a.partition(" ") for one in store.overrides() if one.decision == decision.id]
    return list(dict.fromkeys(item.story for source, _, guid in keys for item in store.known(SourceId(source), {guid}, ())))
