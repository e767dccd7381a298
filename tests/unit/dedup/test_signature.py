"""Signatures: what two items are compared by, and that nothing of it is lost on its way to the disk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.dedup.compare import LIMIT, STORY, compare, terms
from aggregator.dedup.judge import judge
from aggregator.dedup.signature import Signature, WordHashes, signature
from aggregator.dedup.weigh import Commonness, Weighed, former_of, pack, unpack, weigh
from tests.unit.dedup.newsroom import made

HASHES = WordHashes()


def read(title: str, text: str = "") -> Signature:
    return signature(made(1, title, text), HASHES, "story")


def weighed(title: str, text: str = "") -> Weighed:
    found = read(title, text)
    return weigh(found, [1] * len(found.words), 100, Commonness(1), 6)


def test_case_accents_punctuation_and_endings_do_not_count() -> None:
    assert read("Zażółć gęślą jaźń: WYBORY!").order == read("zazolc gesla jazn wybory").order
    assert read("elections postponed").order == read("election; postpones").order[:1] + read("elections postponed").order[1:]


def test_the_outlets_name_and_the_agencys_do_not_count() -> None:
    assert read("Harbour bridge opens today | The Daily").words == read("Harbour bridge opens today").words
    copy = read("Bridge opens", "OSLO, June 15 (Reuters) - The first cars crossed the new harbour bridge at noon.")
    assert copy.runs == read("Bridge opens", "The first cars crossed the new harbour bridge at noon.").runs


def test_numbers_of_the_outlets_name_do_not_count() -> None:
    assert not read("Harbour bridge opens to cars - Channel 9").title_numbers
    assert read("Bridge opens after 1,200 days").title_numbers == read("Bridge opens after 1200 days").title_numbers


@pytest.mark.parametrize("title", ["Weather on Tuesday", "Wetter am Dienstag", "Pogoda na wtorek", "Погода на вторник"])
def test_days_are_known_in_several_languages(title: str) -> None:
    assert read(title).days == {1}


def test_dates_say_when_and_not_what() -> None:
    assert read("Puzzle hints for Wednesday, June 14").words == read("Puzzle hints for").words


def test_a_titles_first_word_is_a_name_if_the_text_has_it_with_a_capital_alone() -> None:
    title = "Kestrel opens the harbour bridge"
    assert read(title, "On Monday Kestrel opened the bridge over the harbour.").names == {HASHES["kestrel"]}
    assert not read(title, "A kestrel nests below, says Kestrel, which opened the bridge.").names
    assert not read(title, "Kestrels nest below the bridge over the harbour.").names


def test_three_words_are_no_text() -> None:
    assert read("Bridge opens to cars", "Read more here").words == read("Bridge opens to cars").words


_texts = st.text(st.sampled_from("abcdefgh 0123456789.,łß–月橋の"), max_size=400)


@given(_texts, _texts)
def test_nothing_is_lost_on_the_way_to_the_disk(title: str, text: str) -> None:
    item = weighed(title, text)
    again = unpack(pack(item))
    assert (again.rare, again.vector, again.run_set) == (item.rare, item.vector, item.run_set)
    assert list(again.order) == list(item.order[:255])
    assert (again.numbers, again.title_numbers, again.days) == (item.numbers, item.title_numbers, item.days)
    assert (again.title_weight, again.norm, again.generic, again.language) == (
        item.title_weight,
        item.norm,
        item.generic,
        item.language,
    )


@given(_texts, _texts, _texts, _texts)
def test_comparing_is_the_same_both_ways(title: str, text: str, other: str, more: str) -> None:
    a, b = weighed(title, text), weighed(other, more)
    one, two = compare(a, b, 60.0, False, STORY), compare(b, a, 60.0, False, STORY)
    assert one.score == pytest.approx(two.score)
    assert -LIMIT <= one.score <= LIMIT
    for part in one[1:-1]:
        assert -1e-9 <= part <= 1 + 1e-9
    assert judge(a, b, 60.0, True, True, STORY).score == pytest.approx(judge(b, a, 60.0, True, True, STORY).score)


@given(_texts, _texts)
def test_told_terms_sum_to_the_score(title: str, text: str) -> None:
    a, b = weighed(title, text), weighed(title, text[:100])
    pair = compare(a, b, 3600.0, True, STORY)
    told = sum(value for _, value in terms(pair, 3600.0, True, STORY))
    if abs(pair.score) < LIMIT:
        assert told == pytest.approx(pair.score, abs=0.05)


def test_very_long_and_very_odd_texts_are_read() -> None:
    item = weighed("word " * 200, "number 1 " * 5_000)
    assert len(item.numbers) <= 60
    assert unpack(pack(weighed("\ud800\udfff \x00", "\U0010ffff" * 3_000))).vector is not None


@given(_texts, _texts)
def test_what_an_edited_item_said_before_is_kept_on_the_disk(title: str, text: str) -> None:
    before, after = weighed(title, text), weighed("Harbour bridge opens", "The first cars crossed it at noon.")
    after.former = former_of(before, after)
    again = unpack(pack(after))
    assert (again.vector, again.places, again.former) == (after.vector, after.places, pack(before))
    assert unpack(again.former).vector == before.vector
