"""Whatever a clean item, story or state holds, its row gives it back."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model import (
    Category,
    Enclosure,
    Entry,
    Evidence,
    Hints,
    Item,
    ItemId,
    Origin,
    Picture,
    PodcastTag,
    Slug,
    SourceId,
    SourceState,
    Story,
    StoryId,
    Tag,
    TagKind,
    Validators,
)
from aggregator.store import rows, states, story_rows
from aggregator.store.identity import NAMESPACE, story_ids
from tests.unit.store.builders import item as built

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
maybe = st.none() | words
instants = st.floats(0, 4e9, allow_nan=False)
numbers = st.none() | st.integers(0, 2**70)
marks = st.binary(max_size=8)

entries = st.builds(
    Entry,
    guid=maybe,
    url=maybe,
    title=words,
    summary=words,
    content=words,
    text=words,
    published=st.none() | instants,
    updated=st.none() | instants,
    authors=st.lists(words, max_size=2).map(tuple),
    categories=st.lists(st.builds(Category, words, maybe, maybe), max_size=2).map(tuple),
    enclosures=st.lists(st.builds(Enclosure, words, maybe, numbers, numbers, maybe), max_size=2).map(tuple),
    image=st.none() | st.builds(Picture, words, st.none() | st.integers(1, 9999), st.none() | st.integers(1, 9999)),
    language=maybe,
    comments=maybe,
    origin=st.none() | st.builds(Origin, maybe, maybe),
    fingerprint=marks,
    tags=st.lists(st.builds(PodcastTag, words, words, st.lists(st.tuples(words, words), max_size=2).map(tuple)), max_size=2).map(
        tuple
    ),
)
items = st.builds(
    Item,
    id=st.integers(1, 2**60).map(ItemId),
    source=words.map(SourceId),
    guid=words,
    entry=entries,
    canonical=maybe,
    outlet=words,
    outlet_key=words,
    published=instants,
    first_seen=instants,
    hash=marks,
    language=words,
    rank=st.integers(-9, 9),
    group=maybe,
    tags=st.lists(words, max_size=3).map(tuple),
    aggregator=st.booleans(),
    undated=st.booleans(),
    old=st.booleans(),
    origin=maybe,
)
tags = st.builds(Tag, st.sampled_from(TagKind), words, words)


@given(items)
def test_an_item_and_its_row(item: Item) -> None:
    row = rows.item_row(item, 7)
    assert len(row) == len(rows.ITEM_COLUMNS)
    assert rows.item_of(row) == item


@given(st.lists(tags, max_size=3), st.lists(words, max_size=3), instants, st.none() | words, st.booleans())
def test_a_story_and_its_row(given: list[Tag], topics: list[str], at: float, alias: str | None, flag: bool) -> None:
    story = Story(
        StoryId("id"), (), ItemId(1), at, at, at, "reason", tuple(given), tuple(map(Slug, topics)), b"visible!",
        StoryId(alias) if alias is not None else None, flag, not flag,
    )  # fmt: skip
    row = story_rows.story_row(story)
    assert len(row) == len(story_rows.STORY_COLUMNS)
    assert story_rows.story_of((*row, *(None,) * len(story_rows.THREAD_COLUMNS)), ()) == story


@given(
    st.lists(instants, max_size=40).map(tuple),
    st.dictionaries(words, st.integers(0, 9)),
    st.lists(words, max_size=2).map(tuple),
    st.builds(
        Hints, st.none() | instants, st.none() | instants, st.none() | instants,
        st.lists(st.integers(0, 23), max_size=3).map(tuple), st.lists(st.integers(0, 6), max_size=2).map(tuple),
    ),
    st.builds(Validators, maybe, maybe),
)  # fmt: skip
def test_a_state_and_its_row(
    arrivals: tuple[float, ...], counts: dict[str, int], notes: tuple[str, ...], hints: Hints, validators: Validators
) -> None:
    state = replace(
        SourceState(SourceId("alpha"), "https://alpha.example/feed"),
        arrivals=arrivals,
        languages=counts,
        counters=counts,
        notes=notes,
        hints=hints,
        validators=validators,
    )
    assert states.state_of(("alpha", *states.state_row(state))) == state


@given(st.lists(st.tuples(st.text(max_size=5), st.floats(-9, 9)), max_size=4).map(tuple), numbers, maybe)
def test_evidence_and_its_text(terms: tuple[tuple[str, float], ...], partner: int | None, nearest: str | None) -> None:
    evidence = Evidence("rule", 0.5, terms, ItemId(partner) if partner else None, StoryId(nearest) if nearest else None, 0.25)
    assert rows.evidence_of(rows.evidence_text(evidence)) == evidence


@given(st.dictionaries(st.integers(0, 2**60).map(ItemId), st.binary(max_size=16), max_size=40))
def test_a_document_and_its_bytes(listed: dict[ItemId, bytes]) -> None:
    assert rows.document_of(rows.document_bytes(listed)) == listed


@given(words, words)
def test_a_story_id_is_a_name_based_uuid(source: str, guid: str) -> None:
    ids = story_ids(built(guid, source=source))
    first, second = next(ids), next(ids)
    assert first == str(uuid.uuid5(NAMESPACE, f"{source}\0{guid}"))
    assert second == str(uuid.uuid5(NAMESPACE, f"{source}\0{guid}\0002"))
