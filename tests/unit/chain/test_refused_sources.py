"""Sources that were refused for their address, while the config is edited."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.model import SourceId
from tests.unit.chain.newsroom import Newsroom

SOURCES = "sources:\n  - {id: bridge, url: 'http://192.168.1.20/feed'}\n"


def test_they_are_due_once_other_ranges_are_allowed_and_not_before(newsroom: Newsroom) -> None:
    newsroom.configure(SOURCES)
    store, now, id = newsroom.store, newsroom.clock.time, SourceId("bridge")
    with store.begin() as transaction:
        transaction.save_state(replace(store.states()[id], last_fault="address", due=now + 9_000))
    newsroom.configure(SOURCES + "topics: [{slug: sea, query: ferry}]\n")
    assert store.states()[id].due == now + 9_000, "another edit says nothing of it"
    newsroom.configure(SOURCES + "network: {allow: [192.168.1.20/32]}\n")
    assert store.states()[id].due == now
