"""After another leader, or an outage of the database: polls that were under way and never stored are done again at once."""

from __future__ import annotations

import json
from collections.abc import Collection

from msgspec.structs import replace

from aggregator.model import BEING_POLLED, Instant, SourceId, SourceState
from aggregator.ports import Database

KEY = "leader.interrupted"
"""Key of the stored mapping of sources to how many leaders in a row ended while they were polled."""
DEADLY = 5
"""Leaders that may end while a source is polled before it waits for the end of its lease: its document may be the reason."""


def poll_again(store: Database, now: Instant, besides: Collection[SourceId] = ()) -> int:
    """Makes the sources due that were claimed for a poll that nobody does any more. besides: in flight. Returns how many."""
    states = store.states().values()
    claimed = {state.id: state for state in states if state.reason == BEING_POLLED and state.id not in besides}
    before = json.loads(store.value(KEY) or "{}")
    deaths = {id: int(before.get(id, 0)) + 1 for id in claimed}
    if not deaths and not before:
        return 0
    again: list[SourceState] = [state for id, state in claimed.items() if deaths[id] < DEADLY]
    with store.begin() as transaction:
        for state in again:
            transaction.save_state(replace(state, due=min(state.due, now)))
        transaction.set_value(KEY, json.dumps(deaths))
    return len(again)
