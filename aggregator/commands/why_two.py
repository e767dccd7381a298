"""`aggregator why URL URL`: why two stored entries are one story, or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aggregator.commands.why_thread import explain_link, lines_of_link
from aggregator.commands.why_words import RULES, format_score, teller
from aggregator.dedup.engine import Comparison, Engine
from aggregator.dedup.search import JUDGES, MAX_ITEMS, spread
from aggregator.dedup.votes import MOST
from aggregator.errors import UsageError
from aggregator.stories.decisions.find_named import BY_ID, find_entries, find_story, full_id
from aggregator.stories.decisions.overrides import active_overrides, override_key
from aggregator.tag.places import find_places
from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Item, Story
    from aggregator.ports import Decision, GroupedItems, StoreView


def explain_two(application: Application, first: str, second: str) -> dict[str, Any]:
    """Compares two stored entries, wherever they are. Raises UsageError if one is not stored, or both are the same."""
    (home, a), (other, b) = (_named(application, named) for named in (first, second))
    if a.id == b.id:
        raise UsageError("these are the same entry")
    engine = Engine(application.settings.dedup, find_places)
    index = application.store.grouped()
    split = _split_between(application.store, home, other)
    by_hand = list(_by_hand(application, a, home, b, other, split))
    pair = engine.compare(index, a, b)
    votes = [] if home.id == other.id else [_vote(engine, index, a, other), _vote(engine, index, b, home)]
    return {
        "one_story": home.id == other.id,
        "entries": [_entry(application, item, story) for item, story in ((a, home), (b, other))],
        "agree": pair.score >= 0,
        "score": pair.score,
        "rule": pair.rule,
        "terms": {name: round(value, 2) for name, value in pair.terms},
        "because": teller(application)(a, b, pair.rule, pair.terms),
        "votes": votes,
        "reasons": by_hand or list(_reasons(application, a, home, b, other, pair)) or list(_by_votes(pair, votes)),
        "thread": explain_link(application, home, other, parted=split is not None) if home.id != other.id else None,
    }


def _named(application: Application, named: str) -> tuple[Story, Item]:
    """The entry that a person names, and its story; a story's id names its lead."""
    store = application.store
    named = full_id(store, named)
    if store.story_of(named) == named.removeprefix("urn:uuid:"):
        story = find_story(store, named)
        return story, story.lead_item
    story, items = find_entries(store, named, choice=BY_ID)
    return story, items[0]


def _entry(application: Application, item: Item, story: Story) -> dict[str, Any]:
    """An entry, and how it came into its story."""
    joined, evidence = application.store.evidence(story.id).get(item.id, (None, None))
    partner = next((one for one in story.items if evidence is not None and one.id == evidence.partner), None)
    return {
        "outlet": item.outlet,
        "source": item.source,
        "title": item.entry.title,
        "url": item.entry.url,
        "published": rfc3339(item.published),
        "story": story.id,
        "entries": len(story.items),
        "joined": rfc3339(joined),
        "how": evidence.rule if evidence is not None else "",
        "partner": partner.entry.url if partner is not None else None,
        "partner_title": partner.entry.title if partner is not None else None,
    }


def _vote(engine: Engine, index: GroupedItems, item: Item, story: Story) -> dict[str, Any]:
    """With how many entries of a story an entry agrees, of those that would be asked."""
    asked = spread(story.reports, JUDGES)
    agrees = sum(engine.compare(index, item, one).score >= 0 for one in asked)
    return {"title": item.entry.title, "agrees": agrees, "asked": len(asked)}


def _split_between(store: StoreView, home: Story, other: Story) -> Decision | None:
    """The decision by which a person parted two stories; None if there is none."""
    splits = [one for one in store.decisions() if one.kind == "split" and one.undone is None]
    return next((one for one in splits if {store.story_of(id) for id in one.traces.stories} == {home.id, other.id}), None)


def _by_hand(application: Application, a: Item, home: Story, b: Item, other: Story, split: Decision | None) -> Iterator[str]:
    """Yields what a person decided on two entries. split: the decision that parted their stories."""
    binding = active_overrides(application.store.overrides())
    merged = [binding.merged.get(override_key(item)) for item in (a, b)]
    if home.id == other.id:
        if merged[0] is not None and merged[0] == merged[1]:
            yield "a person joined them (`stories merge`)"
    elif split is not None:
        when = (rfc3339(split.at) or "")[:10]
        yield f"a person parted these two stories on {when} (`stories split`, decision {split.id}): no report joins them again"
    else:
        for story in (home, other):
            if any(override_key(item) in binding.split for item in story.items):
                yield f"a person split “{story.title}” off another story (`stories split`): it is merged with none but by hand"


def _reasons(application: Application, a: Item, home: Story, b: Item, other: Story, pair: Comparison) -> Iterator[str]:
    """Yields what besides the comparison keeps two entries apart, or together."""
    settings, store = application.settings.dedup, application.store
    if a.canonical is not None and a.canonical == b.canonical:
        yield "both have the same address, which joins them unless headline and text are quite different"
    if home.id == other.id:
        if pair.score < 0:
            yield "they don't agree with each other, but each agrees with most of the story"
        return
    if home.private != other.private:
        yield "one of them is from a private source: it joins private entries alone"
    if abs(a.published - b.published) > settings.within:
        yield "they are further apart in time than an entry and the nearest of its story may be (`dedup.within`)"
    if max(len(home.items), len(other.items)) >= MAX_ITEMS:
        yield f"one of the stories has {MAX_ITEMS} entries, as many as a story takes"
    evidence = store.evidence(home.id) | store.evidence(other.id)
    for item in (a, b):
        rule = evidence[item.id][1].rule if item.id in evidence else ""
        if rule in ("never joins", "its source has told the story often enough"):
            yield f"“{item.entry.title}” {RULES[rule]}"


def _by_votes(pair: Comparison, votes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields why two entries that agree are in two stories, as the votes of these say."""
    if pair.score < 0 or not votes:
        return
    if any(vote["agrees"] < MOST * vote["asked"] for vote in votes):
        yield "they agree as a pair, but a story decides as a whole: half of its entries must agree with one that comes"
    else:
        yield "they agree now; when the later one came they did not, or it agreed better with another story"


def lines_of_two(report: dict[str, Any], numbers: bool = False) -> Iterator[str]:
    """Yields the report as lines for people. numbers: with the score and its terms."""
    for number, entry in enumerate(report["entries"], start=1):
        yield f"{number}. {entry['published']}  {entry['outlet']} [{entry['source']}]  {entry['title']}\n   {entry['url']}"
        how = RULES.get(entry["how"], entry["how"]) or "no reason is stored"
        with_whom = f": “{entry['partner_title']}”" if entry["partner_title"] else ""
        yield f"   in story {entry['story']} of {entry['entries']}: {how}{with_whom}"
    yield "\nthey are one story" if report["one_story"] else "\nthey are two stories"
    yield from (f"  {reason}" for reason in report["reasons"])
    agree = "agree" if report["agree"] else "don't agree" if report["rule"] else "don't agree, what is alike is not enough"
    yield f"\ncompared with each other, they {agree}:"
    yield from (f"  {sentence}" for sentence in report["because"])
    if numbers:
        yield f"  {format_score(report['terms'], report['score'])}"
    if report["votes"]:
        yield "\ncompared with each other's stories, as they are now:"
    for place, vote in enumerate(report["votes"], start=1):
        yield f"  {place} agrees with {vote['agrees']} of {vote['asked']} entries of the other's story"
    if report["thread"]:
        yield from lines_of_link(report["thread"])
