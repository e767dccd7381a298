"""The lead: better rank, then no aggregator, then has text, then agrees, then earliest; once published it seldom moves."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aggregator.dedup.lead import MOVES_EVERY, choose_lead, may_move, move_lead
from aggregator.dedup.standing import Standing
from aggregator.dedup.visible import first_visible_hash, visible_hash
from aggregator.model import Item, ItemId, Story, StoryId
from tests.unit.dedup.newsroom import HOUR, NOON, made

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


UNDATED = replace(made(6, "Bridge opens", "Text", source="undated", hours=-4, rank=1), undated=True)
BACKDATED = replace(made(7, "Bridge opens", "Text", source="early", hours=-5), first_seen=NOON + 2 * HOUR)


def test_an_undated_item_never_leads_dated_ones() -> None:
    assert choose_lead([FIRST, UNDATED], None, published=False)[0] == FIRST.id
    assert choose_lead([FIRST, UNDATED], UNDATED.id, published=True) == (FIRST.id, "dated: others have no date")


def test_a_date_from_long_before_an_item_was_seen_does_not_make_it_the_earliest() -> None:
    assert choose_lead([FIRST, BACKDATED], None, published=False)[0] == FIRST.id


def test_the_earliest_that_agrees_at_least_as_well_as_most_leads() -> None:
    standings = {FIRST.id: Standing(0.5), LATER.id: Standing(2.0), WIRE.id: Standing(3.0)}
    rivals = [FIRST, LATER, replace(WIRE, rank=2, entry=FIRST.entry)]
    assert choose_lead(rivals, None, False, None, standings) == (LATER.id, "earliest of the best")
    assert choose_lead(rivals[:2], None, False, None, standings)[1] == "agrees with the story on the whole"
    assert choose_lead([FIRST, LATER, WIRE], None, False, None, standings)[0] == WIRE.id, "a rank goes before agreement"


def test_where_nothing_has_come_the_lead_stays_unless_what_a_person_sets_says_otherwise() -> None:
    assert choose_lead([FIRST, LATER], LATER.id, False, None, None)[0] == LATER.id
    assert choose_lead([FIRST, LATER, WIRE], LATER.id, False, None, None)[0] == WIRE.id


OUTLETS = [
    made(number, f"Bridge {number}", "Text", source=f"outlet{number}", hours=number, url=f"https://outlet{number}.example/bridge")
    for number in range(1, 5)
]


def told_by_four(**first: object) -> tuple[Story, dict[ItemId, Standing]]:
    """Four outlets, of which the first leads and the last agrees best."""
    means = (1.0, 2.0, 2.0, 2.5)
    standings = {item.id: Standing(mean, 2, 3) for item, mean in zip(OUTLETS, means, strict=True)}
    return story(*OUTLETS), standings | {OUTLETS[0].id: standings[OUTLETS[0].id]._replace(**first)}


@pytest.mark.parametrize(
    ("first", "moves", "why"),
    [
        ({}, True, "agrees less"),  # 1 below the median
        ({"mean": 1.2}, False, ""),
        ({"mean": -0.1}, True, "agrees less"),
        ({"mean": 2.0, "bare": True}, True, "no text besides its headline"),
        ({"mean": 2.0, "told": False}, True, "a text that the others don't tell"),
        ({"mean": 2.5, "copies": frozenset([ItemId(2)])}, True, "a text that another outlet has, too"),
        ({"mean": 2.5, "copies": frozenset([ItemId(4)])}, True, "a text that another outlet has, too"),
        ({"mean": 3.1, "copies": frozenset([ItemId(2)])}, False, ""),
    ],
)
def test_a_published_lead_moves_if_the_story_has_moved_on(first: dict[str, object], moves: bool, why: str) -> None:
    told, standings = told_by_four(**first)
    found = move_lead(told, standings, NOON)
    assert (found is not None) == moves
    if found is not None:
        firsts = {frozenset([ItemId(2)]): OUTLETS[2], frozenset([ItemId(4)]): OUTLETS[1]}
        assert found[0] == firsts.get(first.get("copies"), OUTLETS[3]).id, "never to a copy of it"
        assert why in found[1] and "“Bridge 1” (outlet1.example), which led before" in found[1]


@pytest.mark.parametrize(
    ("titles", "mean", "leads"),
    [
        (("Council to vote on the bridge", "Bridge is sold", "Bridge is sold", "Bridge is sold"), 2.9, 3),
        (("Council expected to sell the bridge", "Bridge is sold", "Bridge is sold", "Mayor set to sell the bridge"), 2.4, 1),
        (("Council ready to sell the bridge", *["Mayor set to sell the bridge"] * 3), 2.4, None),
        (("Council to vote on the bridge", "Bridge is sold", "Bridge is sold", "Bridge is sold"), 3.1, None),
        (("Storm closes bridge due to open", "Bridge is sold", "Bridge is sold", "Bridge is sold"), 2.4, None),
        (("Bridge is sold", "Bridge is sold", "Bridge is sold", "Council to vote on the bridge"), 0.9, 1),
    ],
)
def test_a_report_that_announces_makes_room_for_one_that_tells_it_as_done(
    titles: tuple[str, ...], mean: float, leads: int | None
) -> None:
    told, standings = told_by_four(mean=mean)
    items = tuple(replace(item, entry=replace(item.entry, title=title)) for item, title in zip(told.items, titles, strict=True))
    found = move_lead(replace(told, items=items), standings, NOON)
    assert (None if found is None else found[0]) == (None if leads is None else OUTLETS[leads].id)
    if mean == 2.9:
        assert found is not None and "announces what others tell as done" in found[1]


def test_a_published_lead_moves_to_nothing_that_holds_the_text_of_an_earlier_report() -> None:
    """Who puts together what others have written agrees best with all of them."""
    told, standings = told_by_four()
    last, third = OUTLETS[3].id, OUTLETS[2].id
    standings[last] = standings[last]._replace(holds=frozenset([OUTLETS[1].id]))
    found = move_lead(told, standings, NOON)
    assert found is not None and found[0] == OUTLETS[1].id
    standings[last] = standings[last]._replace(holds=frozenset())
    standings[third] = standings[third]._replace(holds=frozenset([last]))
    found = move_lead(told, standings, NOON)
    assert found is not None and found[0] == last, "whose text is in a later one may lead"


@pytest.mark.parametrize(
    ("title", "url", "is_live"),
    [
        ("Bridge opens – live", "", True),
        ("Ferry stops as bridge opens – politics live", "", True),
        ("Bridge opens: live updates", "", True),
        ("Bridge live: mayor cuts the ribbon", "", True),
        ("Bridge opens – as it happened", "", True),
        ("Bridge opens – latest updates", "", True),
        ("Mayor cuts the ribbon", "https://outlet4.example/news/live/bridge", True),
        ("The bridge under which they live", "", False),
        ("Bridge opens after live broadcast", "https://outlet4.example/news/living", False),
    ],
)
def test_a_published_lead_moves_to_no_live_page(title: str, url: str, is_live: bool) -> None:
    told, standings = told_by_four()
    last = OUTLETS[3]
    live = replace(last, entry=replace(last.entry, title=title, url=url or last.entry.url))
    found = move_lead(replace(told, items=(*OUTLETS[:3], live)), standings, NOON)
    assert found is not None and found[0] == (OUTLETS[1].id if is_live else last.id)


def test_a_published_lead_moves_neither_early_nor_often() -> None:
    told, standings = told_by_four()
    three = story(*OUTLETS[:3])
    assert move_lead(three, standings, NOON) is None and not may_move(three, NOON)
    assert may_move(told, NOON)
    assert not may_move(replace(told, lead_moved=NOON), NOON + MOVES_EVERY - 1)


@pytest.mark.parametrize(
    "more", [{"rank": 3}, {"second_hand": True}, {"aggregator": True}, {"astray": True}, {"undated": True}], ids=str
)
def test_a_published_lead_moves_to_nothing_that_is_worse_by_what_a_person_sets(more: dict[str, object]) -> None:
    told, standings = told_by_four(bare=True)
    worse = replace(told, items=(OUTLETS[0], *(replace(item, **more) for item in OUTLETS[1:])))
    assert move_lead(worse, standings, NOON) is None


def story(*items: Item) -> Story:
    return Story(StoryId("s"), items, items[0].id, published=0.0, first_seen=0.0, updated=0.0)


def test_visible_is_what_a_reader_sees() -> None:
    alone = visible_hash(story(FIRST), full=False)
    assert visible_hash(story(FIRST, LATER), full=False) != alone
    again = made(9, "Another headline", "Other text", source="daily", hours=5)
    assert visible_hash(story(FIRST, again), full=False) == alone


def test_headlines_of_other_outlets_and_discussions_are_seen() -> None:
    before = visible_hash(story(FIRST, LATER), full=False)
    retold = replace(LATER, entry=replace(LATER.entry, title="Bridge open at last"))
    assert visible_hash(story(FIRST, retold), full=False) != before
    punctuated = replace(LATER, entry=replace(LATER.entry, title=FIRST.title.upper() + "!"))
    same = replace(LATER, entry=replace(LATER.entry, title=FIRST.title))
    assert visible_hash(story(FIRST, punctuated), full=False) == visible_hash(story(FIRST, same), full=False)
    discussed = replace(LATER, entry=replace(LATER.entry, comments="https://lobste.rs/s/abc"))
    assert visible_hash(story(FIRST, discussed), full=False) != before


def test_hashes_that_earlier_releases_stored_are_known() -> None:
    assert first_visible_hash(story(FIRST, LATER), full=False).hex() == "9ce51a04e2c4d412"


@pytest.mark.parametrize(
    ("summary", "full", "seen"), [("Told", False, False), ("<img>", False, True), ("", False, True), ("Told", True, True)]
)
def test_content_that_no_reader_sees_is_not_visible(summary: str, full: bool, seen: bool) -> None:
    before = replace(FIRST, entry=replace(FIRST.entry, summary=summary, content="<p>Ships wait.</p>"))
    after = replace(before, entry=replace(before.entry, content="<p>Ships wait. A pilot is on board.</p>"))
    assert (visible_hash(story(before), full=full) != visible_hash(story(after), full=full)) == seen
