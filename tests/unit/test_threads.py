"""Linking by itself: what stories are about, what makes a link, what a thread takes in."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.dedup.weigh import Weighed
from aggregator.model import StoryId, ThreadId
from aggregator.ports import ThreadState
from aggregator.threads.forms import is_one_form
from aggregator.threads.linking import BROUGHT_ALONG, MOST_STORIES, OpenThread, Told, are_one_form, compare
from aggregator.threads.vectors import cosine, heaviest, pack, total, unit, unpack, vector_of

NONE: frozenset[int] = frozenset()
vectors = st.dictionaries(st.integers(0, 2**32 - 1), st.floats(0.0078125, 16, width=32), max_size=30)


def words(title: Sequence[int], text: Sequence[int] = (), *, places: Sequence[int] = (), language: int = 1) -> Weighed:
    """An item whose words are all rare."""
    every = [*title, *text]
    return Weighed(
        every, bytes([60] * len(every)), bytes([60] * len(title)), title, (), NONE, NONE, NONE, frozenset(places), NONE, NONE,
        revision=False, generic=False, version=False, nameless=False, language=language, title_weight=60 * len(title),
        norm=60 * math.sqrt(len(every)),
    )  # fmt: skip


def told(id: str, *items: Weighed, outlet: str = "", form: bool = False) -> Told:
    return Told(StoryId(id), items, [outlet or f"{id}.example"] * len(items), 0.0, 30.0, form=form)


SINKING = words((1, 2, 3, 4), (10, 11, 12, 13))
ARREST = words((1, 2, 7, 8), (10, 11, 20, 21))


def test_stories_with_rare_words_in_common_are_linked() -> None:
    found = compare(told("a", SINKING), told("b", ARREST), asleep=False)
    assert found.are_linked
    assert 0.4 < found.likeness < 0.6


@pytest.mark.parametrize(
    "other",
    [
        words((5, 6, 7, 8), (10, 11, 12, 13)),  # only the texts meet
        words((1, 6, 7, 8), (10, 20, 21, 22)),  # a single word, and little else
        words((1, 2, 7, 8), (10, 11, 20, 21), language=2),
        words((1, 6, 7, 8), (10, 11, 20, 21), places=(99,)),
    ],
)
def test_too_little_in_common_is_no_link(other: Weighed) -> None:
    sinking = words((1, 2, 3, 4), (10, 11, 12, 13), places=(98,))
    assert not compare(told("a", sinking), told("b", other), asleep=False).are_linked


def test_one_of_a_series_is_never_linked() -> None:
    assert not compare(told("a", SINKING), told("b", ARREST, form=True), asleep=False).are_linked


def test_what_is_asleep_needs_more() -> None:
    other = words((1, 2, 7, 8), (10, *range(20, 26)))
    assert compare(told("a", SINKING), told("b", other), asleep=False).are_linked
    assert not compare(told("a", SINKING), told("b", other), asleep=True).are_linked


def test_one_form_is_told_by_the_order_of_its_words() -> None:
    assert is_one_form((1, 2, 3, 4, 5, 6), (1, 2, 9, 4, 5, 7), same_outlet=False)
    assert not is_one_form((1, 2, 3, 4, 5, 6), (4, 1, 2, 8, 9, 7), same_outlet=False)
    assert is_one_form((1, 2, 3, 4, 5), (5, 4, 2, 9, 1), same_outlet=True)
    assert not is_one_form((), (1, 2), same_outlet=True)
    assert are_one_form(told("a", SINKING), told("b", words((1, 2, 3, 9), (50,))))


def test_a_headline_in_other_words_is_no_form_of_another_outlet() -> None:
    """Only names, numbers and days fill a form in; capitals tell names where not all words have them."""
    seizes, eyes = (replace(words((1, 2, own, 4, 5)), names=frozenset({1})) for own in (3, 9))
    assert not are_one_form(told("a", seizes), told("b", eyes))
    assert are_one_form(told("a", seizes, outlet="a"), told("b", eyes, outlet="a"))
    dollar, pound = (replace(words((1, 2, own, 4, 5)), names=frozenset({own})) for own in (3, 9))
    assert are_one_form(told("a", dollar), told("b", pound))


def test_a_shown_thread_takes_only_what_is_like_it_as_a_whole() -> None:
    thread = OpenThread(ThreadState(ThreadId("t"), 3, 0.0, pack(vector_of([SINKING]))))
    like, unlike = vector_of([ARREST]), vector_of([words((1, 70, 71, 72), range(80, 90))])
    assert thread.admits(like, [0.4])
    assert thread.admits(like, [0.28, 0.28])
    assert not thread.admits(like, [0.28])
    assert not thread.admits(unlike, [0.4])


def test_a_thread_stays_bounded() -> None:
    full = OpenThread(ThreadState(ThreadId("t"), MOST_STORIES, 0.0, pack(vector_of([SINKING]))))
    small = OpenThread(ThreadState(ThreadId("s"), 1, 0.0, pack(vector_of([SINKING]))))
    same = vector_of([SINKING])
    assert not full.admits(same, [0.9])
    assert not full.brings_along(same, 0.9)
    assert not full.is_one_with(small, 0.9)
    assert small.is_one_with(small, 0.9)
    assert not small.is_one_with(small, 0.3)


def test_a_thread_is_about_what_its_stories_are_about() -> None:
    thread = OpenThread()
    thread.add([vector_of([SINKING]), vector_of([ARREST])], 2)
    assert not thread.is_shown
    stored = thread.add([vector_of([SINKING])], 1)
    assert thread.is_shown
    assert thread.brings_along(vector_of([ARREST]), BROUGHT_ALONG)
    assert unpack(stored) == pytest.approx(dict(thread.total))


def test_a_long_vector_keeps_its_heaviest_words() -> None:
    assert heaviest({1: 1.0, 2: 3.0, 3: 2.0, 4: 2.0}, 3) == {2: 3.0, 3: 2.0, 4: 2.0}


@given(vectors, vectors)
def test_cosines_are_between_0_and_1(a: dict[int, float], b: dict[int, float]) -> None:
    found = cosine(unit(a), unit(b))
    assert -1e-9 <= found <= 1 + 1e-9
    assert found == pytest.approx(cosine(unit(b), unit(a)))
    if a:
        assert cosine(unit(a), unit(a)) == pytest.approx(1)


@given(vectors, vectors)
def test_vectors_are_stored_and_added(a: dict[int, float], b: dict[int, float]) -> None:
    assert unpack(pack(a)) == a
    assert total([a, b]) == {word: a.get(word, 0) + b.get(word, 0) for word in {*a, *b}}
