"""Grouping: the rules, each on a story of its own."""

from __future__ import annotations

from tests.unit.dedup.newsroom import Desk


def test_one_address_is_one_story_if_titles_or_texts_agree() -> None:
    page, shared = "https://daily.example/bridge", "https://www.daily.example/bridge/?utm_source=rss"
    text = "The first cars crossed the bay at noon on Thursday, nine years after the old bridge was closed."
    desk = Desk()
    desk.put("a", "Harbour bridge opens to traffic", text, url=page)
    desk.put("b", "Cars cross at last", text, url=shared)
    desk.put("c", "Traffic on the bridge", url=shared)
    desk.put("d", "Claim your compensation today", "Send your account number to our lawyers.", url=shared)
    assert desk.together("a", "b", "c")
    assert desk.apart("a", "d")


def test_one_headline_with_and_without_the_outlets_name() -> None:
    desk = Desk()
    desk.put("a", "Harbour bridge opens to traffic after nine years", "The first cars crossed at noon.")
    desk.put("b", "Harbour bridge opens to traffic after nine years - Evening Post", hours=2)
    assert desk.together("a", "b")
    assert desk.placements["b"].evidence.partner == 1


def test_the_same_headline_after_the_window_is_another_story() -> None:
    desk = Desk()
    desk.put("a", "Harbour bridge opens to traffic after nine years")
    desk.put("b", "Harbour bridge opens to traffic after nine years", hours=80)
    assert desk.apart("a", "b")


def test_generic_headlines_say_nothing() -> None:
    desk = Desk()
    desk.put("a", "Morning briefing")
    desk.put("b", "Morning briefing")
    assert desk.apart("a", "b")


def test_private_items_change_nothing_of_how_others_are_grouped() -> None:
    """Neither are they joined, nor do their words count as common, nor do they push others out of the index."""
    found = []
    for crowd in (0, 60):
        desk = Desk()
        for number in range(30):
            desk.put(f"noise{number}", f"Council number {number} votes on road tolls", text=f"Ward {number} heard the plan.")
        for number in range(crowd):
            title = f"Harbour ferry sold to island buyer, copy {number}"
            desk.put(f"private{number}", title, text="The ferry goes to a buyer from the island.", private=True)
        desk.put("a", "Harbour ferry sold to island buyer", text="The old ferry goes to a buyer from the island, he said.")
        desk.put("b", "Ferry of the harbour goes to buyer from island", text="A buyer from the island takes over the ferry.")
        evidence = desk.placements["b"].evidence
        found.append((desk.together("a", "b"), evidence.rule, evidence.score, evidence.terms, evidence.nearest_score))
        if crowd:
            assert desk.apart("a", "private0") and desk.together("private0", "private1")
    assert found[0] == found[1]
