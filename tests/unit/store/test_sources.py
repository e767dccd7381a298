"""The contract of sources: states, what the config's changes do to them, who is due, and what was in the last document."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import BEING_POLLED, Hints, ItemId, SourceId, SourceState, Validators
from aggregator.ports import Override, Store, StoryFilter
from tests.unit.store.builders import NEW, entry, item, source

ALPHA, BETA, GAMMA = SourceId("alpha"), SourceId("beta"), SourceId("gamma")

FULL = SourceState(
    id=ALPHA,
    url="https://alpha.example/moved",
    due=500.5,
    not_before=400.0,
    reason="learnt: an entry each 20 minutes",
    validators=Validators('W/"caf\xe9"', "Thu, 15 Jun 2023 10:00:00 GMT"),
    validators_url="https://alpha.example/final",
    body_hash=b"\x00\x01",
    last_poll=100.0,
    last_status=304,
    last_error="timed out",
    last_fault="timeout",
    last_success=90.0,
    first_success=1.0,
    last_new=80.0,
    failures=2,
    parse_failures=1,
    gone=False,
    moved_to="https://alpha.example/new",
    moved_times=2,
    hints=Hints(60.0, 30.0, 3600.0, (0, 1), (6,)),
    arrivals=tuple(float(number) + 0.25 for number in range(40)),
    title="Alpha",
    home="https://alpha.example/",
    format="atom 1.0",
    language="en",
    languages={"en": 12, "uk": 1},
    counters={"keep": 3, "cap:entries": 1},
    notes=("no hub",),
    entries=30,
)


def save(store: Store, *states: SourceState) -> None:
    with store.begin() as transaction:
        for state in states:
            transaction.save_state(state)


def test_a_source_keeps_its_history_under_another_id(store: Store) -> None:
    store.sync_sources([source("alpha"), source("gamma")], 10.0)
    save(store, FULL)
    with store.begin() as transaction:
        transaction.add_item(item("one"), None, NEW)
        transaction.touch_items(ALPHA, [], [], 10.0)
        transaction.add_override(Override("merge", "alpha one", "alphabet two", 10.0))
    known = store.fingerprints(ALPHA)
    store.sync_sources([replace(source("alpha"), id=BETA), source("gamma")], 20.0)
    assert store.states([BETA]) == {BETA: replace(FULL, id=BETA)}
    assert [one.source for story in store.find(StoryFilter()) for one in story.items] == [BETA]
    assert store.fingerprints(BETA) == known
    assert [(one.a, one.b) for one in store.overrides()] == [("beta one", "alphabet two")]
    assert store.states([GAMMA])[GAMMA].due == 10.0


def test_a_state_comes_back_as_it_was_saved(store: Store) -> None:
    store.sync_sources([source("alpha")], 10.0)
    save(store, FULL)
    assert store.states() == {ALPHA: FULL}


def test_a_new_source_is_due_at_once(store: Store) -> None:
    store.sync_sources([source("alpha")], 10.0)
    assert store.due(10.0, 5) == [SourceState(ALPHA, "https://alpha.example/feed", due=10.0, reason="new")]
    assert store.due(9.0, 5) == []


def test_states_come_in_the_order_of_the_config(store: Store) -> None:
    store.sync_sources([source("beta"), source("alpha"), source("gamma")], 1.0)
    assert list(store.states()) == [BETA, ALPHA, GAMMA]
    store.sync_sources([source("gamma"), source("beta"), source("alpha")], 2.0)
    assert list(store.states()) == [GAMMA, BETA, ALPHA]
    assert list(store.states([ALPHA, GAMMA, SourceId("none")])) == [GAMMA, ALPHA]


def test_sources_that_were_never_read_are_told_apart(store: Store) -> None:
    store.sync_sources([source("alpha"), source("beta"), source("gamma")], 1.0)
    save(store, FULL, replace(store.states()[GAMMA], last_poll=5.0, last_fault="timeout"))
    assert [state.id for state in store.unread()] == [BETA, GAMMA]
    store.sync_sources([source("alpha"), source("gamma")], 2.0)
    assert store.unread() == [store.states()[GAMMA]]


def test_the_order_is_that_of_the_config_whatever_comes_and_goes(store: Store) -> None:
    rng, names = random.Random(4), [f"s{number}" for number in range(9)]
    for _ in range(40):
        listed = rng.sample(names, rng.randint(0, 9))
        store.sync_sources([source(name) for name in listed], 1.0)
        assert [str(id) for id in store.states()] == listed


def test_the_longest_due_come_first_and_no_more_than_asked_for(store: Store) -> None:
    store.sync_sources([source("alpha"), source("beta"), source("gamma")], 1.0)
    for state, due in zip(store.states().values(), (30.0, 10.0, 20.0), strict=True):
        save(store, replace(state, due=due))
    assert [state.id for state in store.due(30.0, 5)] == [BETA, GAMMA, ALPHA]
    assert [state.id for state in store.due(30.0, 2)] == [BETA, GAMMA]
    assert [state.id for state in store.due(20.0, 5)] == [BETA, GAMMA]


def test_what_is_taken_up_is_due_later_until_its_poll_is_stored(store: Store) -> None:
    store.sync_sources([source("alpha"), source("beta"), source("gamma")], 1.0)
    before = store.states()
    with store.begin() as transaction:
        assert transaction.claim(5.0, 9, 65.0, besides=[BETA]) == [before[ALPHA], before[GAMMA]]
        assert transaction.claim(5.0, 9, 65.0, besides=[BETA]) == []
    assert [state.id for state in store.due(5.0, 9)] == [BETA]
    assert [state.id for state in store.due(65.0, 9)] == [BETA, ALPHA, GAMMA]
    assert store.states()[ALPHA].reason == BEING_POLLED
    save(store, replace(before[ALPHA], due=20.0))
    assert store.states()[ALPHA] == replace(before[ALPHA], due=20.0)


def test_no_more_are_taken_up_than_asked_for(store: Store) -> None:
    store.sync_sources([source("alpha"), source("beta"), source("gamma")], 1.0)
    with store.begin() as transaction:
        assert [state.id for state in transaction.claim(5.0, 1, 65.0, besides=[ALPHA])] == [BETA]
    assert [state.id for state in store.due(5.0, 9)] == [ALPHA, GAMMA]


def test_what_was_taken_up_in_a_transaction_that_fails_is_due(store: Store) -> None:
    store.sync_sources([source("alpha")], 1.0)
    with pytest.raises(ZeroDivisionError), store.begin() as transaction:
        transaction.claim(5.0, 9, 65.0)
        raise ZeroDivisionError
    assert [state.id for state in store.due(5.0, 9)] == [ALPHA]


def test_gone_and_disabled_and_removed_sources_are_not_due(store: Store) -> None:
    store.sync_sources([source("alpha"), source("beta", enabled=False), source("gamma")], 1.0)
    save(store, replace(store.states()[ALPHA], gone=True))
    assert [state.id for state in store.due(9.0, 5)] == [GAMMA]
    assert set(store.states()) == {ALPHA, BETA, GAMMA}
    store.sync_sources([source("alpha"), source("beta", enabled=False)], 2.0)
    assert store.due(9.0, 5) == []


def test_a_source_that_comes_back_is_due_and_keeps_its_history(store: Store) -> None:
    store.sync_sources([source("alpha")], 1.0)
    save(store, replace(FULL, gone=True, failures=9, due=10_000.0))
    store.sync_sources([], 2.0)
    assert store.states() == {}
    store.sync_sources([source("alpha")], 3.0)
    [state] = store.due(3.0, 5)
    assert (state.gone, state.failures, state.validators, state.arrivals) == (False, 0, FULL.validators, FULL.arrivals)


def test_what_we_refused_ourselves_is_due_when_asked_for(store: Store) -> None:
    store.sync_sources([source("alpha"), source("beta"), source("gamma")], 1.0)
    refused = replace(FULL, last_fault="address", reason="failed", due=10_000.0)
    being_polled = replace(refused, id=GAMMA, reason=BEING_POLLED)
    save(store, refused, replace(FULL, id=BETA, last_fault="dns", due=10_000.0), being_polled)
    with store.begin() as transaction:
        transaction.ask_refused(7.0)
    assert [state.id for state in store.due(7.0, 5)] == [ALPHA]


def test_a_new_address_forgets_what_belonged_to_the_old_one(store: Store) -> None:
    store.sync_sources([source("alpha")], 1.0)
    save(store, replace(FULL, gone=True))
    store.sync_sources([source("alpha", url="https://alpha.example/other")], 7.0)
    [state] = store.due(7.0, 5)
    assert state.url == "https://alpha.example/other"
    assert (state.validators, state.validators_url, state.body_hash) == (Validators(), None, b"")
    assert (state.moved_to, state.moved_times, state.gone, state.failures, state.not_before) == (None, 0, False, 0, 0.0)
    assert (state.last_status, state.last_error, state.last_fault) == (None, None, None)
    assert state.arrivals == FULL.arrivals


def test_the_same_config_again_changes_nothing(store: Store) -> None:
    config = [source("alpha"), source("beta")]
    store.sync_sources(config, 1.0)
    save(store, FULL)
    before = store.states()
    store.sync_sources(config, 99.0)
    assert store.states() == before


def test_a_state_of_an_unknown_source_is_refused(store: Store) -> None:
    with pytest.raises(StoreError):
        save(store, FULL)


def listed(store: Store, guids: str) -> frozenset[bytes]:
    """Fingerprints that these items of the builders have."""
    return frozenset(entry(guid).fingerprint for guid in guids)


def test_the_last_document_is_what_was_touched_and_added(store: Store) -> None:
    with store.begin() as transaction:
        ids = {guid: transaction.add_item(item(guid), None, NEW)[0].id for guid in "abc"}
        transaction.touch_items(ALPHA, (), (), 1000.0)
    assert store.fingerprints(ALPHA) == listed(store, "abc")
    with store.begin() as transaction:
        transaction.add_item(item("d"), None, NEW)
        transaction.touch_items(ALPHA, listed(store, "a"), [ids["b"]], 2000.0)
    assert store.fingerprints(ALPHA) == listed(store, "abd")
    with store.begin() as transaction:
        transaction.touch_items(ALPHA, listed(store, "d"), [ids["c"]], 3000.0)
    assert store.fingerprints(ALPHA) == listed(store, "cd"), "an item that comes back is in it again"
    assert store.fingerprints(BETA) == frozenset()


def test_a_changed_item_is_known_by_its_new_fingerprint(store: Store) -> None:
    with store.begin() as transaction:
        one, _ = transaction.add_item(item("a"), None, NEW)
    with store.begin() as transaction:
        transaction.update_item(replace(one, entry=entry("a", fingerprint=b"changed!")))
        transaction.touch_items(ALPHA, (), (), 2000.0)
    assert store.fingerprints(ALPHA) == {b"changed!"}


def test_touching_items_that_are_not_there_does_no_harm(store: Store) -> None:
    with store.begin() as transaction:
        transaction.touch_items(ALPHA, [b"12345678"], [ItemId(99)], 1.0)
    assert store.fingerprints(ALPHA) == frozenset()
