"""Edited items: by which text they vote on others, and who votes on them. Stories as in test_rules."""

from __future__ import annotations

import pytest

from tests.unit.dedup.newsroom import Desk
from tests.unit.dedup.test_rules import BRIDGE, BRIDGE_TEXT, filled

OTHER = "Shops on Skerry run out of milk"
OTHER_TEXT = (
    "Shops on Skerry have run out of milk and bread, the grocer Anton Lund said. A wedding was put off, pupils learn at home. "
    "Two doctors flew in by helicopter with insulin and other medicine for the clinic at Arvo."
)


@pytest.fixture
def desk() -> Desk:
    return filled(Desk())


# --- who votes on an edit
@pytest.mark.parametrize(
    "outlets", [("",) * 4, ("one.example", "two.example", "three.example", "four.example")], ids=["its own", "named"]
)
def test_a_source_with_many_entries_has_one_vote_on_an_edit(desk: Desk, outlets: tuple[str, ...]) -> None:
    """The report is edited into what another outlet tells, too. One source's copies of the old text must not call it astray."""
    desk.put("alpha", BRIDGE, BRIDGE_TEXT)
    desk.put("beta", f"{BRIDGE}; {OTHER.lower()}", f"{BRIDGE_TEXT} {OTHER_TEXT}", hours=0.5)
    for number, outlet in enumerate(outlets):
        desk.put(f"copy {number}", BRIDGE, BRIDGE_TEXT, source="crowd", outlet=outlet, hours=1 + number / 10)
    assert desk.together("alpha", "beta", *(f"copy {number}" for number in range(4)))
    assert not desk.revise("alpha", OTHER, OTHER_TEXT)


def test_one_sources_edit_calls_no_other_astray(desk: Desk) -> None:
    """The copy keeps words of the report enough to belong, and none of its headline."""
    desk.put("copy", BRIDGE, BRIDGE_TEXT)
    desk.put("wire", BRIDGE, BRIDGE_TEXT, hours=1)
    cut = BRIDGE_TEXT[BRIDGE_TEXT.index("closed the only road") :]
    assert not desk.revise("copy", "Only road to Lindholm: Mayor Greta Sund cuts a ribbon of rope", cut)
    assert not desk.revise("wire", f"{BRIDGE}, at last", BRIDGE_TEXT)


# --- how an edited item votes on others
FREIGHTER, ISLAND = (
    "Freighter hits pier of harbour bridge at Lindholm",
    "Island cut off: Lindholm's only road closed since freighter hit bridge",
)
FREIGHTER_TEXT = "A freighter struck the eastern pier of the harbour bridge."
ISLAND_TEXT = "Lindholm has no road. Mayor Greta Sund asked for ferries and said that the school would close."
BOTH_TEXT = f"{FREIGHTER_TEXT} Lindholm is cut off: its only road is closed. Mayor Greta Sund asked for ferries."


@pytest.mark.parametrize("edited", [True, False])
def test_one_sources_edit_keeps_no_two_stories_from_becoming_one(desk: Desk, edited: bool) -> None:
    for name in ("evil", "a"):
        desk.put(name, FREIGHTER, FREIGHTER_TEXT, hours=-17)
    desk.put("b", ISLAND, ISLAND_TEXT, hours=1)
    assert desk.apart("a", "b")
    if edited:
        assert not desk.revise("evil", "Monday: eastern pier of the harbour", f"On Monday at 4.33 {FREIGHTER_TEXT}")
    desk.put("c", "Freighter hits harbour bridge pier, Lindholm cut off", BOTH_TEXT, hours=2)
    desk.put("d", "Lindholm cut off: freighter hits pier, only road closed", BOTH_TEXT, hours=2)
    assert desk.together("a", "b", "c", "d")
