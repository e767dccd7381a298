"""Undoes a person's decisions on threads, as far as the stories are still there."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from aggregator.dedup.weigh import view_of
from aggregator.errors import UsageError
from aggregator.model import StoryId, ThreadId
from aggregator.ports import Decision, Transaction
from aggregator.stories.decisions.kept_out import read_kept_out
from aggregator.stories.decisions.thread_edit import take_out
from aggregator.stories.link import what_about


class Changed(Struct, frozen=True):
    """Stories to be refreshed, and threads to be summed up."""

    stories: tuple[StoryId, ...]
    threads: frozenset[ThreadId] = frozenset()


def bring_back(decision: Decision, transaction: Transaction) -> Changed:
    """Undoes a split or a drop: stories are in their thread again, unless another decision keeps them out.

    Raises UsageError if some are private by now and others aren't.
    """
    traces = decision.traces
    thread = _living(transaction, traces.thread)
    if thread is None:
        return Changed(traces.stories)
    kept_out = read_kept_out(transaction)
    back = [story for story in _alive(transaction, traces.stories) if not kept_out.bars(story, thread)]
    if decision.kind == "thread-drop":  # what has found another thread meanwhile stays there
        back = [story for story in back if story not in transaction.threads_of(back)]
    before = transaction.threads_of(back)
    stories = [*transaction.stories_in(thread), *back]
    if len({story.private for story in transaction.stories(stories) if story.items}) > 1:
        raise UsageError("some of these stories are private by now (their source is): they can't share a thread")
    transaction.enter_thread(thread, back, what_about(transaction.index, stories, view_of))
    _renew(transaction, set(before.values()) - {thread})
    _save_links(transaction, decision)
    return Changed(tuple(stories), frozenset([thread, *before.values()]))


def part_again(decision: Decision, transaction: Transaction) -> Changed:
    """Undoes a merge: the stories that came are in the thread that they were in, or in none."""
    traces = decision.traces
    into = _living(transaction, traces.into)
    if into is None:
        return Changed(traces.stories)
    stories = transaction.stories_in(into)
    coming = [story for story in stories if story in set(_alive(transaction, traces.stories))]
    if traces.thread is None:
        take_out(transaction, into, coming)
        _save_links(transaction, decision)
        return Changed(tuple(stories), frozenset([into]))
    transaction.part_threads(traces.thread, traces.thread_aliases)
    back = _with_followers(transaction, coming, stories, decision.at)
    transaction.enter_thread(traces.thread, back, what_about(transaction.index, back, view_of))
    _renew(transaction, [into])
    return Changed(tuple(stories), frozenset([into, traces.thread]))


def give_back(decision: Decision, transaction: Transaction, kept: StoryId) -> frozenset[ThreadId]:
    """Puts a story that was merged into `kept` into its own thread again, which `kept` leaves if it was in none before.

    Returns the threads that have changed.
    """
    traces, alias = decision.traces, decision.traces.stories[1]
    thread = _living(transaction, traces.thread)
    if thread is None or read_kept_out(transaction).bars(alias, thread):
        return frozenset()
    if traces.into is None and transaction.threads_of([kept]).get(kept) == thread:
        transaction.leave_threads([kept])
    stories = [*transaction.stories_in(thread), alias]
    transaction.enter_thread(thread, [alias], what_about(transaction.index, stories, view_of))
    _save_links(transaction, decision)
    return frozenset([thread, *transaction.threads_of([kept]).values()])


def _save_links(transaction: Transaction, decision: Decision) -> None:
    """Stores the links that there were before, between stories that are still there under their own ids."""
    links = decision.traces.links
    alive = set(_alive(transaction, [one for link in links for one in (link.story, link.other)]))
    transaction.save_links(link for link in links if {link.story, link.other} <= alive)


def _with_followers(
    transaction: Transaction, coming: Iterable[StoryId], stories: Iterable[StoryId], since: float
) -> list[StoryId]:
    """The stories of a thread that was merged, and those that came since and are linked to these most strongly."""
    found = list(coming)
    for story in stories:
        links = [link for link in transaction.links(story) if link.at > since] if story not in found else []
        if links and links[0].story == story and links[0].other in found:
            found.append(story)
    return found


def _renew(transaction: Transaction, threads: Iterable[ThreadId]) -> None:
    """Has threads be about the stories that they have now."""
    for thread in threads:
        transaction.enter_thread(thread, (), what_about(transaction.index, transaction.stories_in(thread), view_of))


def _living(transaction: Transaction, thread: ThreadId | None) -> ThreadId | None:
    return transaction.living_threads([thread]).get(thread) if thread is not None else None


def _alive(transaction: Transaction, stories: Collection[StoryId]) -> list[StoryId]:
    """The stories that are still there under their own ids."""
    living = transaction.alive(stories)
    return [story for story in dict.fromkeys(stories) if living.get(story) == story]
