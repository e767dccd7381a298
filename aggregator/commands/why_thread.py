"""How `aggregator why` tells of threads: why a story is in its thread, and why two stories are linked or not."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aggregator.dedup.signature import TEXT, WordHashes
from aggregator.dedup.weigh import rarity, view_of
from aggregator.store.index import REMEMBERED
from aggregator.stories.decisions.kept_out import bound_keys
from aggregator.stories.decisions.overrides import override_key
from aggregator.stories.link import Linker
from aggregator.text.function_words import is_function_word
from aggregator.text.times import rfc3339
from aggregator.text.words import tokens
from aggregator.threads.linking import NO_NAME, STRONG, are_one_form
from aggregator.threads.vectors import cosine

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Story, Thread
    from aggregator.ports import GroupedItems, StoreView

WORDS = 5
"""Words that are named: those in which two stories are most alike."""
HARDLY = 0.1
"""Likeness below which the words in common say nothing."""
SHOWN = 8
"""Linked stories that are listed."""
REASONS = {
    "": "too little alike",
    "no event": "one is of a series (results, rates), or its headline names a column: such stories follow no event",
    "other language": "they are in two languages",
    "no rare word": "their headlines share no word that tells events apart",
    "no name": "the words that their headlines share are no names, which tell subjects, not events: that needs more",
    "asleep": "they are further apart in time than `threads.within`: that needs more",
    "other countries": "their headlines name other countries: that needs more",
    "one rare word": "their headlines share a single word that tells events apart: that needs more",
    "one outlet": "one outlet tells both: that needs more",
}
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")


def explain_thread(application: Application, story: Story) -> dict[str, Any] | None:
    """Why a story is in its thread: the stories that it is linked to, the most alike first. None if it is in none."""
    if story.thread is None:
        return None
    store, thread = application.store, story.thread
    likeness = {link.story if link.other == story.id else link.other: link for link in store.links(story.id)}
    others = {one.id: one for one in store.stories([thread.head, *likeness])}
    linker, index = _linker(application), store.grouped()
    return {
        "id": thread.id,
        "title": others[thread.head].title,
        "stories": thread.stories,
        "outlets": thread.outlets,
        "links": [
            {
                "id": id,
                "title": others[id].title,
                "published": rfc3339(others[id].published),
                "likeness": link.likeness,
                "found": rfc3339(link.at),
                "words": shared_words(linker, index, story, others[id]),
            }
            for id, link in likeness.items()
            if id in others and others[id].items
        ],
    }


def lines_of_thread(thread: dict[str, Any]) -> Iterator[str]:
    """Yields what `explain_thread` says as lines for people."""
    outlets = "1 outlet" if thread["outlets"] == 1 else f"{thread['outlets']} outlets"
    yield f"\nthread: {thread['title']}  ({thread['stories']} stories, {outlets})  {thread['id']}"
    for link in thread["links"][:SHOWN]:
        yield f"  {link['published']}  {link['title']}  {link['id']}\n    {describe_likeness(link['likeness'], link['words'])}"
    if (more := len(thread["links"]) - SHOWN) > 0:
        yield f"  and {more} more"
    if not thread["links"]:
        yield "  it is linked to none of its stories: a person put it there, or those it was linked to are gone"


def pair_of(store: StoreView, story: Story) -> Story | None:
    """The one story that a story is linked to, if they are in no thread that is shown: they are weighed as one."""
    thread = store.threads_of([story.id]).get(story.id) if story.thread is None else None
    if thread is None:
        return None
    linked = [link.story if link.other == story.id else link.other for link in store.links(story.id)]
    homes = store.threads_of(linked)
    partners = store.stories([one for one in dict.fromkeys(linked) if homes.get(one) == thread])
    return next((one for one in partners if one.items and not one.dropped), None)


def explain_pair(application: Application, story: Story) -> dict[str, Any] | None:
    """Tells of the story that this one is linked to, if no third one is. None if there is no such story."""
    partner = pair_of(application.store, story) if application.settings.threads.enabled else None
    if partner is None:
        return None
    links = application.store.links(story.id)
    likeness = next(link.likeness for link in links if partner.id in (link.story, link.other))
    words = shared_words(_linker(application), application.store.grouped(), story, partner)
    return {
        "id": partner.id,
        "title": partner.title,
        "published": rfc3339(partner.published),
        "outlets": list(partner.outlets),
        "likeness": likeness,
        "words": words,
    }


def lines_of_pair(pair: dict[str, Any]) -> Iterator[str]:
    """Yields what `explain_pair` says as lines for people."""
    yield "\nlinked to one other story; both are weighed as one, and are a thread once a third one is linked to them:"
    yield f"  {pair['published']}  {pair['title']}  ({', '.join(pair['outlets'])})  {pair['id']}"
    yield f"    {describe_likeness(pair['likeness'], pair['words'])}"


def explain_whole_thread(application: Application, thread: Thread) -> dict[str, Any]:
    """Tells of a thread: its stories in the order of publication, all links between them, and what a person decided on it."""
    from aggregator.commands.stories import decision_row

    store = application.store
    stories = {story.id: story for story in store.stories(store.thread_stories(thread.id)) if story.items}
    links = {(one.story, one.other): one for id in stories for one in store.links(id) if {one.story, one.other} <= stories.keys()}
    linker, index = _linker(application), store.grouped()
    ids = {thread.id, *thread.formerly}
    return {
        "id": thread.id,
        "formerly": list(thread.formerly),
        "title": stories[thread.head].title if thread.head in stories else "",
        "outlets": thread.outlets,
        "began": rfc3339(thread.began),
        "newest": rfc3339(thread.newest),
        "stories": [
            {"id": one.id, "title": one.title, "published": rfc3339(one.published), "outlets": list(one.outlets)}
            for one in sorted(stories.values(), key=lambda one: (one.published, one.id))
        ],
        "links": [
            {
                "stories": [link.story, link.other],
                "likeness": link.likeness,
                "found": rfc3339(link.at),
                "words": shared_words(linker, index, stories[link.story], stories[link.other]),
            }
            for link in sorted(links.values(), key=lambda one: -one.likeness)
        ],
        "decisions": [
            decision_row(one, store)
            for one in store.decisions()
            if one.undone is None and not ids.isdisjoint({one.traces.thread, one.traces.into})
        ],
    }


def lines_of_whole_thread(told: dict[str, Any]) -> Iterator[str]:
    """Yields what `explain_whole_thread` says as lines for people: below each story, the strongest link to one before it."""
    yield f"thread: {told['title']}\n{told['id']}  began {told['began']}  newest report {told['newest']}"
    if told["formerly"]:
        yield f"threads that became part of it: {', '.join(told['formerly'])}"
    for row in told["decisions"]:
        yield f"decision {row['id']} of {row['at'][:16].replace('T', ' ')}, {row['kind']}: {row['did']}"
    yield f"\nstories ({len(told['stories'])}), each with the strongest link to one before it:"
    before: dict[str, str] = {}
    for story in told["stories"]:
        yield f"  {story['published']}  {story['title']}  ({', '.join(story['outlets'])})  {story['id']}"
        holding = next((link for link in told["links"] if _other(link, story["id"]) in before), None)
        if holding is not None:
            other = before[_other(holding, story["id"])]
            yield f"    linked to “{other}”: {describe_likeness(holding['likeness'], holding['words'])}"
        before[story["id"]] = story["title"]


def _other(link: dict[str, Any], story: str) -> str:
    """The other end of a link of this story; empty if it is none of its own."""
    first, second = link["stories"]
    return second if story == first else first if story == second else ""


def describe_likeness(likeness: float, words: list[str]) -> str:
    """Says how alike two stories are, in words and as a number, and by which words."""
    if likeness < HARDLY:
        return f"hardly alike ({likeness:.2f})"
    degree = "much alike" if likeness >= NO_NAME else "alike" if likeness >= STRONG else "somewhat alike"
    return f"{degree} ({likeness:.2f})" + (f", by the words {', '.join(words)}" if words else "")


def explain_link(application: Application, story: Story, other: Story, *, parted: bool = False) -> dict[str, Any]:
    """Whether two stories are in one thread, and why they are linked or not. parted: by a person, from one story."""
    store = application.store
    threads = [one.thread.id if one.thread is not None else None for one in (story, other)]
    link = next((one for one in store.links(story.id) if other.id in (one.story, one.other)), None)
    told: dict[str, Any] = {
        "one_thread": threads[0] is not None and threads[0] == threads[1],
        "threads": threads,
        "linked": link is not None,
        "likeness": link.likeness if link is not None else None,
        "needed": None,
        "words": [],
        "reasons": list(_by_hand(store, story, other, parted=parted and link is None)),
    }
    linker, index = _linker(application), store.grouped()
    missing = [one for one in (story, other) if not index.members(one.id)]
    if missing:
        return told | {"reasons": told["reasons"] or [_why_not_compared(missing[0])] if link is None else told["reasons"]}
    one, another = linker.told(index, story.id), linker.told(index, other.id)
    told["words"] = shared_words(linker, index, story, other)
    if link is None:
        found = linker.compare(one, another)
        told["likeness"] = round(cosine(one.vector, another.vector), 3)
        told["needed"] = found.needed if found.needed <= 1 else None
        if told["reasons"]:
            return told
        if story.private != other.private:
            told["reasons"].append("one of them is private: a public and a private story never share a thread")
        elif not found.are_linked:
            told["reasons"].append(REASONS[found.reason])
        elif are_one_form(one, another):
            told["reasons"].append("their headlines fill in one form: such stories follow no event")
        else:
            told["reasons"].append(
                "they are alike enough now; when they came they were not, or neither was among the nearest of the other, "
                "or the thread as a whole tells something else"
            )
    return told


def lines_of_link(told: dict[str, Any]) -> Iterator[str]:
    """Yields what `explain_link` says as lines for people."""
    first, second = told["threads"]
    if told["one_thread"]:
        yield f"\nthey are in one thread, {first}:"
    elif first and second:
        yield f"\nthey are in two threads, {first} and {second}:"
    elif told["linked"] and not (first or second):
        yield "\nthey are linked as a pair (a thread is shown from three stories on):"
    else:
        yield f"\nthey are in no common thread ({'one is in ' + (first or second) if first or second else 'both are in none'}):"
    if told["likeness"] is not None and (told["linked"] or told["likeness"] > 0):
        needed = f"; a link needs {told['needed']:.2f}" if told["needed"] else ""
        yield f"  {'linked' if told['linked'] else 'not linked'}: {describe_likeness(told['likeness'], told['words'])}{needed}"
    yield from (f"  {reason}" for reason in told["reasons"])


def _why_not_compared(story: Story) -> str:
    """Says why a story is not among those that grouping looks at."""
    if all(item.first_seen < time.time() - REMEMBERED for item in story.items):
        return f"“{story.title}” is too old to be compared"
    return f"“{story.title}” takes no part in grouping, so that it is linked to none; `why {story.id[:6]}` says for what reason"


def _by_hand(store: StoreView, story: Story, other: Story, *, parted: bool) -> Iterator[str]:
    """Yields what a person decided on two stories that are not linked, and on their threads. parted: see `explain_link`."""
    alone, out = bound_keys(store.overrides())
    homes = store.threads_of([story.id, other.id])
    for one, another in ((story, other), (other, story)):
        keys = {override_key(item) for item in one.items}
        left = {living.id for key in keys for id in out.get(key, ()) if (living := store.thread(id)) is not None}
        if keys & alone:
            yield f"a person ended the thread of “{one.title}” (`stories thread drop`): it is in none again"
        if homes.get(another.id) in left:
            yield f"a person took “{one.title}” out of the other's thread (`stories thread split`)"
    if parted:
        yield "a person made two stories of one (`stories split`), which starts no link between them; later reports may"


def _linker(application: Application) -> Linker:
    return Linker(view_of, rarity, application.settings.threads.within)


def shared_words(linker: Linker, index: GroupedItems, story: Story, other: Story) -> list[str]:
    """The words in which two stories are most alike, as written, without those that say nothing by themselves.

    None if one is too old to be compared.
    """
    if not (index.members(story.id) and index.members(other.id)):
        return []
    a, b = (linker.told(index, one.id).vector for one in (story, other))
    written = _written(story)
    shared = sorted((word for word in a.keys() & b.keys() if word in written), key=lambda word: -a[word] * b[word])
    return [written[word] for word in shared[:WORDS]]


def _written(story: Story) -> Mapping[int, str]:
    """Hash of a word → the word as an entry of the story has it first, in a title rather than in a text. No function words."""
    hashes = WordHashes(private=story.private)
    found: dict[int, str] = {}
    texts = [(item.entry.title, item.language) for item in story.items]
    texts += [(item.entry.text[:TEXT], item.language) for item in story.items]
    for text, language in texts:
        for word in _WORD.findall(text):
            if not is_function_word(word, language):
                for token in tokens(word):
                    found.setdefault(hashes[token], word)
    return found
