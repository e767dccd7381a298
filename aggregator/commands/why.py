"""`aggregator why`: explains why a story is in its feeds, why its entries are one story, and why an entry was rejected."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from aggregator.commands import why_thread
from aggregator.commands.why_hooks import hook_rows
from aggregator.commands.why_lines import lines
from aggregator.commands.why_two import explain_two, lines_of_two
from aggregator.commands.why_words import Teller, tell_article, teller
from aggregator.model import StoryId, ThreadId
from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Evidence, Item, Slug, Story
    from aggregator.ports import Reject, StoreView, Stories
    from aggregator.settings import Output


@click.command()
@click.argument("named", metavar="URL|STORY|THREAD")
@click.argument("other", metavar="[URL|STORY]", required=False)
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.option("--numbers", is_flag=True, help="Also scores, and the terms that they are made of.")
@click.pass_obj
def command(application: Application, named: str, other: str | None, as_json: bool, numbers: bool) -> None:
    """Why a story is in these feeds, and its entries in this story. Give a story's id, an article's address or a guid.

    Of a thread's id: its stories, and the links that hold it. With two: why these entries are one story, or not.
    """
    if other is not None:
        pair = explain_two(application, named, other)
        click.echo(json.dumps(pair, ensure_ascii=False, indent=2) if as_json else "\n".join(lines_of_two(pair, numbers)))
        return
    report = explain(application, named)
    click.echo(json.dumps(report, ensure_ascii=False, indent=2) if as_json else "\n".join(lines(report, numbers)))


def explain(application: Application, named: str) -> dict[str, Any]:
    """Explains a story or a thread, or why there is none. Raises UsageError if nothing is known about what is named."""
    from aggregator.stories.decisions.find_named import full_id

    store = application.store
    named = full_id(store, named)
    found = store.story_of(named)
    story = store.story(found) if found else None
    if story is None and (thread := store.thread(ThreadId(named.removeprefix("urn:uuid:")))) is not None:
        return why_thread.explain_whole_thread(application, thread)
    if story is None or not story.items:
        return explain_hidden(application, story) or explain_reject(application, named)
    return explain_story(application, story) | {"elsewhere": find_elsewhere(store, named, story)}


def find_elsewhere(store: Stories, named: str, story: Story) -> list[dict[str, str]]:
    """Returns the other stories with this address or guid: any feed can link to a page of another one."""
    if store.whereabouts(StoryId(named.removeprefix("urn:uuid:"))) is not None:
        return []
    return [{"id": one.id, "title": one.title} for one in store.stories(store.stories_named(named)) if one.id != story.id]


def explain_story(application: Application, story: Story) -> dict[str, Any]:
    """Collects all decisions about a story, with their reasons."""
    from aggregator.stories.identity.domains import collect_owners
    from aggregator.stories.identity.outlets import tell_outlet
    from aggregator.stories.upkeep.restate import voices_of

    store, rules, settings = application.store, application.rules, application.settings
    evidence = store.evidence(story.id)
    reasons = rules.reasons(replace(story, items=story.reports), time.time())
    member_of = store.members_of([story.id])[story.id]
    tell = teller(application)
    attempts = store.attempts([item.id for item in story.items])
    _, voices = voices_of(
        store, settings, collect_owners(settings.sources, settings.outlets), {item.source for item in story.items}
    )
    return {
        "id": story.id,
        "title": story.title,
        "lead_title": story.lead_item.entry.title,
        "corrected": story.headline is not None,
        "decisions": _decisions(story, store),
        "published": rfc3339(story.published),
        "updated": rfc3339(story.updated),
        "dropped": story.dropped,
        "lead": {"source": story.lead_item.source, "reason": story.lead_reason},
        "outlets": list(story.outlets),
        "thread": why_thread.explain_thread(application, story),
        "pair": why_thread.explain_pair(application, story),
        "items": [
            _item(item, story, store, tell, *evidence.get(item.id, (None, None)))
            | {"counts_for": tell_outlet(item, voices.get(item.source)), "second_hand": item.second_hand}
            | {"full_text": tell_article(attempts.get(item.id)) or _why_no_article(item, application)}
            for item in story.items
        ],
        "hidden": _hidden(application, story),
        "hooks": hook_rows(story, store),
        "tags": [{"tag": tag.value, "kind": tag.kind, "reason": tag.reason} for tag in story.tags],
        "feeds": [
            _feed(application, story, output, output.slug in member_of, reasons) for output in application.settings.outputs
        ],
    }


def _decisions(story: Story, store: Stories) -> list[dict[str, Any]]:
    """Returns a person's decisions that bind the story, or brought entries to it or took them from it."""
    from aggregator.commands.stories import decision_row

    found = [one for one in store.decisions() if one.undone is None]
    named = {id: store.story_of(id) for one in found for id in one.traces.stories}
    return [decision_row(one, store) for one in found if any(named[id] == story.id for id in one.traces.stories)]


def _item(
    item: Item, story: Story, store: Stories, tell: Teller, joined: float | None, evidence: Evidence | None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "source": item.source,
        "outlet": item.outlet,
        "title": item.entry.title,
        "url": item.entry.url,
        "published": rfc3339(item.published),
        "joined": rfc3339(joined),
        "language": item.language,
        "astray": item.astray,
    }
    if evidence is not None:
        row |= {
            "rule": evidence.rule,
            "score": round(evidence.score, 2),
            "terms": {name: round(value, 2) for name, value in evidence.terms},
        }
        partner = next((other for other in story.items if other.id == evidence.partner), None)
        if partner is not None:
            row["partner"] = {"outlet": partner.outlet, "title": partner.entry.title, "url": partner.entry.url}
            row["because"] = tell(item, partner, "", evidence.terms)
        if evidence.nearest:
            row["nearest"] = _nearest(evidence, story, store)
    return row


def _why_no_article(item: Item, application: Application) -> str | None:
    """Says why the article of an entry was never wanted, although its source asks for the full text."""
    from aggregator.stories.articles import SHORT

    source = next((one for one in application.settings.sources if one.id == item.source), None)
    if source is None or not source.full_text:
        return None
    if (length := len(item.entry.text)) >= SHORT:
        return f"not asked for: the feed's own text is long enough ({length} characters)"
    return "not asked for: it has no link" if not item.entry.url else "not asked for: it came before `full_text` was set"


def _nearest(evidence: Evidence, story: Story, store: Stories) -> dict[str, Any]:
    """Returns the nearest story that the entry did not join, as it is now: it may have merged with another or with this."""
    assert evidence.nearest is not None
    now = store.story_of(evidence.nearest)
    found = store.story(now) if now else None
    title = found.title if found is not None and found.items else None
    return {
        "story": now or evidence.nearest,
        "title": title,
        "score": evidence.nearest_score,
        "rule": evidence.nearest_rule,
        "agrees": evidence.nearest_agrees,
        "asked": evidence.nearest_asked,
        "joined_since": now == story.id,
    }


def _feed(application: Application, story: Story, output: Output, member: bool, reasons: Any) -> dict[str, Any]:
    """Says whether the story is in a feed, with the branch of the query that matched or failed."""
    from aggregator.tag.ordering import RuleName

    slug = output.slug
    reason = reasons.get(slug)
    if story.private and output.token is None:
        reason = "one of its sources is private, and the feed is not"
    elif reason is None:
        names = {name.name: name for name in application.rules.names() if name.kind != "tag"}
        name: RuleName | None = names.get(slug)
        told = replace(story, items=story.reports)
        reason = str(application.rules.explain(name, told, time.time())) if name else "not selected"
    elif not member:
        reason = f"matches ({reason}), but {_why_kept_out(application, story, slug)}"
    elif output.ranked:
        reason = f"{reason}; {_rank(application.store, story, output)}"
    return {"feed": slug, "in": member, "reason": reason}


def _rank(store: StoreView, story: Story, output: Output) -> str:
    """Where the story stands in the document of a ranked feed."""
    from aggregator.publish.selection.ranking import place_of
    from aggregator.publish.selection.weight import WINDOW, Weights
    from aggregator.settings import WEIGHT

    place = place_of(store, output.slug, story.id)
    stands = f"place {place} of {output.items}" if place is not None else f"not among the first {output.items}"
    if output.sort != WEIGHT:
        return stands
    now = time.time()
    reports = [one for one in store.reports(now - WINDOW) if output.token is not None or not one.private]
    weights = Weights(reports, now)
    weight, own = weights.of(story.id, story.thread.id if story.thread else None), weights.own(story.id)
    partner = why_thread.pair_of(store, story) if weight > own else None
    lent = f", of which {weight - own:.1f} are lent by “{partner.title}”, to which it is linked" if partner is not None else ""
    return f"{stands}, weight {weight:.1f}{lent}"


def _why_kept_out(application: Application, story: Story, slug: Slug) -> str:
    """Says why a matching story is not in a feed."""
    from aggregator.stories.membership import decide_membership

    states, settle = application.store.outputs(), application.settings.publish.settle
    reason = decide_membership(story, [slug], [], states, now=time.time(), settle=settle).reasons.get(slug, "taken down by hand")
    return reason if reason != "matches" else "is not in: older than what the feed shows, or than the newest when it began"


def _hidden(application: Application, story: Story) -> list[dict[str, Any]]:
    """Returns the entries that an edited `keep` or `drop` took out of the story."""
    return [
        {"title": item.entry.title, "url": item.entry.url, "source": item.source, "rule": item.hidden}
        for whole in application.store.stories([story.id], hidden=True)
        for item in whole.items
        if item.hidden is not None
    ]


def explain_hidden(application: Application, story: Story | None) -> dict[str, Any] | None:
    """Explains why nothing of a story is to be seen; None if its entries are not stored."""
    hidden = _hidden(application, story) if story is not None else []
    return {"id": story.id, "hidden": hidden} if story is not None and hidden else None


def explain_reject(application: Application, named: str) -> dict[str, Any]:
    """Explains why `keep`, `drop` or a person rejected an entry. Raises UsageError if nothing is known about it."""
    from aggregator.errors import UsageError

    reject: Reject | None = next((one for one in application.store.rejects(100_000) if named in (one.url, one.guid)), None)
    if reject is None:
        over = [state.id for state in application.store.states().values() if state.counters.get("budget:refused")]
        hint = f". It may be one of those beyond the budget of {', '.join(over)}, which are not stored" if over else ""
        raise UsageError(f"nothing is known of {named!r}: no story, no entry, and nothing that was thrown away{hint}")
    return {
        "rejected": reject.title,
        "url": reject.url,
        "source": reject.source,
        "rule": reject.rule,
        "at": rfc3339(reject.at),
    }
