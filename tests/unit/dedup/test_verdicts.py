"""A remembered verdict is the one that judging anew would give."""

from __future__ import annotations

from itertools import permutations

import pytest

from aggregator.dedup.compare import STORY
from aggregator.dedup.verdicts import Verdicts
from aggregator.ports import IndexedItem
from tests.unit.chain.test_leads import REPORTS
from tests.unit.dedup.newsroom import Desk


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    for place, (name, report) in enumerate(REPORTS.items()):
        desk.put(name, *report, hours=place / 4)
    return desk


def rows_of(desk: Desk) -> list[IndexedItem]:
    return list(desk.index.items(range(1, len(desk.stories) + 1)).values())


def are_as_new(verdicts: Verdicts, rows: list[IndexedItem]) -> bool:
    return all(verdicts.of(a, b) == Verdicts(STORY).of(a, b) for a, b in permutations(rows, 2))


def test_a_pair_has_one_verdict_whichever_comes_first(desk: Desk) -> None:
    verdicts, rows = Verdicts(STORY), rows_of(desk)
    assert are_as_new(verdicts, rows)
    assert all(verdicts.of(a, b) is verdicts.of(b, a) for a, b in permutations(rows, 2))


def test_an_edited_text_is_judged_anew(desk: Desk) -> None:
    verdicts, (alpha, *others) = Verdicts(STORY), rows_of(desk)
    before = verdicts.of(alpha, others[0])
    desk.revise("alpha", "Ferry Osprey: owner fined over rotten lifeboats", REPORTS["alpha"][1])
    assert verdicts.of(alpha, others[0]) != before and are_as_new(verdicts, [alpha, *others])


def test_items_that_turn_out_to_be_of_a_form_are_judged_anew(desk: Desk) -> None:
    desk.put("later", REPORTS["alpha"][0].replace("30", "41"), REPORTS["alpha"][1].replace("30", "41"), hours=2)
    verdicts, rows = Verdicts(STORY), rows_of(desk)
    before = verdicts.of(rows[0], rows[-1])
    rows[0].form = True
    assert verdicts.of(rows[0], rows[-1]) != before and are_as_new(verdicts, rows)


def test_what_nobody_asks_for_any_more_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verdicts, "AGREEING", 2)
    monkeypatch.setattr(Verdicts, "DIFFERING", 2)
    verdicts, rows = Verdicts(STORY), rows_of(desk)
    first = verdicts.of(rows[0], rows[1])
    assert are_as_new(verdicts, rows)
    assert verdicts.of(rows[0], rows[1]) is not first


def test_pairs_that_differ_drive_out_none_that_agree(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verdicts, "DIFFERING", 1)
    verdicts, (alpha, beta, *_) = Verdicts(STORY), rows_of(desk)
    first = verdicts.of(alpha, beta)
    for number in range(3):
        desk.put(f"other {number}", f"Council closes {number} libraries in the north", "Readers protest.", hours=number)
    others = rows_of(desk)[-3:]
    assert first.score >= 0 > max(verdicts.of(alpha, other).score for other in others)
    assert verdicts.of(alpha, beta) is first
