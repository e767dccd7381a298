"""The lead: better rank, then no aggregator, then has text, then earliest; once published only for a better rank."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aggregator.dedup.lead import choose_lead
from aggregator.dedup.visible import visible_hash
from aggregator.model import Item, Story, StoryId
from tests.unit.dedup.newsroom import made

FIRST = made(1, "Bridge opens", "Text", rank=2)
LATER = made(2, "Bridge is open", "Text", source="post", hours=1)
BARE = made(3, "Bridge opens", "", source="bare", hours=-1)
HUB = made(4, "Bridge opens", "Text", source="hub", hours=-2, aggregator=True)
WIRE = made(5, "Bridge opens", "", source="wire", hours=3, rank=1)


@pytest.mark.parametrize(
    ("items", "lead", "reason"),
    [
        ([FIRST], FIRST, "only item"),
        ([FIRST, LATER], FIRST, "earliest"),
        ([FIRST, BARE], FIRST, "has text"),
        ([FIRST, HUB], FIRST, "not an aggregator"),
        ([BARE, HUB], BARE, "not an aggregator"),
        ([FIRST, LATER, BARE, HUB, WIRE], WIRE, "best rank (1)"),
    ],
)
def test_the_best_item_leads(items: list[Item], lead: Item, reason: str) -> None:
    chosen, why = choose_lead(items, None, published=False)
    assert chosen == lead.id
    assert reason in why


def test_a_published_lead_yields_to_a_better_rank_alone() -> None:
    assert choose_lead([FIRST, LATER], LATER.id, published=True)[0] == LATER.id
    assert choose_lead([FIRST, LATER], LATER.id, published=False)[0] == FIRST.id
    assert choose_lead([FIRST, LATER, WIRE], LATER.id, published=True)[0] == WIRE.id


def story(*items: Item) -> Story:
    return Story(StoryId("s"), items, items[0].id, published=0.0, first_seen=0.0, updated=0.0)


def test_visible_is_what_a_reader_sees() -> None:
    alone = visible_hash(story(FIRST), full=False)
    assert visible_hash(story(FIRST, LATER), full=False) != alone
    again = made(9, "Another headline", "Other text", source="daily", hours=5)
    assert visible_hash(story(FIRST, again), full=False) == alone


@pytest.mark.parametrize(
    ("summary", "full", "seen"), [("Told", False, False), ("<img>", False, True), ("", False, True), ("Told", True, True)]
)
def test_content_that_no_reader_sees_is_not_visible(summary: str, full: bool, seen: bool) -> None:
    before = replace(FIRST, entry=replace(FIRST.entry, summary=summary, content="<p>Ships wait.</p>"))
    after = replace(before, entry=replace(before.entry, content="<p>Ships wait. A pilot is on board.</p>"))
    assert (visible_hash(story(before), full=full) != visible_hash(story(after), full=full)) == seen
