"""How reports stand to those of other outlets: what the engine tells of a story's items."""

from __future__ import annotations

import pytest

from aggregator.dedup.standing import Standing
from tests.unit.chain.test_leads import REPORTS, TEXT, TITLE
from tests.unit.dedup.newsroom import Desk


@pytest.fixture
def desk() -> Desk:
    """Four outlets have told one story."""
    desk = Desk()
    for place, (name, report) in enumerate(REPORTS.items()):
        desk.put(name, *report, hours=place / 4)
    return desk


def standing_of(desk: Desk, name: str) -> Standing:
    assert desk.together("alpha", name)
    found = desk.engine.standings(desk.index, desk.stories["alpha"], None)
    return found[list(desk.stories).index(name) + 1]  # ids are counted from 1


def test_reports_of_one_event_agree_and_are_told(desk: Desk) -> None:
    for name in REPORTS:
        found = standing_of(desk, name)
        assert found.mean > 0 and (found.agrees, found.asked) == (3, 3)
        assert found.told and not found.bare and not found.holds


def test_a_foreign_text_under_a_borrowed_headline_is_not_told_and_agrees_less(desk: Desk) -> None:
    desk.put(
        "advert", TITLE, "Order brochures, suitcases, vouchers: collect points, win prizes, enter our great summer draw.", hours=1
    )
    found = standing_of(desk, "advert")
    assert not found.told and found.mean < standing_of(desk, "alpha").mean


def test_a_headline_alone_is_bare(desk: Desk) -> None:
    desk.put("short", TITLE, "Read it here.", hours=1)
    assert standing_of(desk, "short").bare


def test_a_copy_is_no_witness_for_its_original(desk: Desk) -> None:
    before = standing_of(desk, "alpha")
    desk.put("copy", TITLE, TEXT, hours=1)
    after = standing_of(desk, "alpha")
    assert len(after.copies) == 1 and after.mean == pytest.approx(before.mean, abs=0.2)


def test_what_is_made_of_others_texts_holds_these(desk: Desk) -> None:
    desk.put("all", REPORTS["gamma"][0], " ".join(text for _, text in REPORTS.values()), hours=1)
    found = standing_of(desk, "all")
    assert len(found.holds) >= 2 and not found.copies
