"""What several nodes share on PostgreSQL: shards, claims, the inbox, published documents, and who is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from msgspec.structs import replace

from aggregator.model import SourceId
from aggregator.ports import Arrival, Attendance, PublishedDocument
from aggregator.store.postgres.cluster import attendance as attending
from aggregator.store.postgres.cluster.claims import DEADLY
from aggregator.store.postgres.store import PostgresStore
from aggregator.store.postgres.tables import SHARDS
from tests.flow.command import eventually
from tests.unit.store.builders import source

Join = Callable[..., Attendance]


@pytest.fixture
def store(address: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(address)
    sources = [replace(source(f"s{number}"), url=f"https://paper{number}.example/feed") for number in range(50)]
    opened.sync_sources(sources, 0.0)
    yield opened
    opened.close()


@pytest.fixture
def join(store: PostgresStore) -> Iterator[Join]:
    joined: list[Attendance] = []

    def make(*, asks: bool = True) -> Attendance:
        joined.append(store.cluster.attend("fetch" if asks else "web", lambda: "config", asks=asks))
        return joined[-1]

    yield make
    for one in joined:
        one.end()


def held(node: Attendance) -> set[int]:
    return {shard for shard in range(SHARDS) if node.since(shard) is not None}


def shard_of(address: str, url: str) -> int:
    with psycopg.connect(address) as connection:
        connection.execute("UPDATE sources SET url = %s WHERE id = 's0'", (url,))
        row = connection.execute("SELECT shard FROM sources WHERE id = 's0'").fetchone()
    assert row is not None
    return int(row[0])


def test_all_hosts_of_a_domain_are_in_one_shard(store: PostgresStore, address: str) -> None:
    one = {
        shard_of(address, url)
        for url in (
            "https://paper.example/feed",
            "http://www.paper.example:8080/a.b?c=d.e",
            "https://me:p.w@feeds.PAPER.example",
            "https://paper.example./x",
        )
    }
    assert len(one) == 1
    assert shard_of(address, "http://localhost:1/a") == shard_of(address, "http://localhost:2/b.c")
    assert len({shard_of(address, f"https://paper{number}.example/") for number in range(1_000)}) == SHARDS


def test_nodes_share_all_sources_and_none_is_claimed_twice(store: PostgresStore, join: Join) -> None:
    alone = join()
    assert held(alone) == set(range(SHARDS))
    two = join()
    eventually(lambda: (len(held(alone)), len(held(two))) == (SHARDS // 2, SHARDS // 2))
    assert not held(alone) & held(two)
    first, second = alone.claim(1.0, 100, 61.0), two.claim(1.0, 100, 61.0)
    assert sorted(one.state.id for one in (*first, *second)) == sorted(f"s{number}" for number in range(50))
    assert not alone.claim(1.0, 100, 61.0)
    two.end()
    eventually(lambda: len(held(alone)) == SHARDS)


def test_a_source_that_is_still_asked_is_not_claimed_anew(store: PostgresStore, join: Join) -> None:
    node = join()
    asked = [one.state.id for one in node.claim(1.0, 10, 0.0)]  # due again already
    assert {one.state.id for one in node.claim(1.0, 100, 61.0, asked)}.isdisjoint(asked)
    assert [one.state.id for one in node.claim(1.0, 100, 61.0)] == asked


def test_a_shard_stays_while_one_of_its_sources_is_asked(store: PostgresStore, join: Join) -> None:
    alone = join()
    claimed = alone.claim(1.0, 100, 61.0)
    asked = {one.shard for one in claimed}
    two = join()
    eventually(lambda: len(two.nodes) == 2 and len(alone.nodes) == 2)
    time.sleep(3 * attending.BEAT)  # nothing may happen
    assert asked <= held(alone)
    for one in claimed:
        alone.finish(one)
    eventually(lambda: len(held(two)) == SHARDS // 2)


def test_in_another_role_nothing_is_asked_any_more(store: PostgresStore, join: Join) -> None:
    alone = join()
    claimed = alone.claim(1.0, 100, 61.0)
    alone.become("fetch", asks=False)
    assert held(alone) == {one.shard for one in claimed}, "a node that pauses ends its polls first"
    alone.become("standby", asks=False)
    assert not held(alone)


def test_a_node_that_is_cut_off_has_no_shards(store: PostgresStore, join: Join, address: str) -> None:
    alone, before = join(), time.monotonic()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM nodes")
    eventually(lambda: all((alone.since(shard) or 0.0) > before for shard in range(SHARDS)))
    assert len(alone.nodes) == 1


def test_time_is_the_servers(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert join().now() > 1_700_000_000


def test_a_state_of_an_earlier_turn_is_dropped(store: PostgresStore, join: Join) -> None:
    node = join()
    [claimed] = node.claim(1.0, 1, 61.0)
    again = store.cluster.claims.claim_one(claimed.state.id, 90.0)
    assert again is not None and again.turn == claimed.turn + 1
    store.cluster.claims.save_states([(replace(claimed.state, title="old"), claimed.turn)])
    assert store.states([claimed.state.id])[claimed.state.id].title is None
    store.cluster.claims.save_states([(replace(claimed.state, title="new"), again.turn)])
    assert store.states([claimed.state.id])[claimed.state.id].title == "new"


def test_a_document_is_settled_once_and_only_in_its_turn(store: PostgresStore) -> None:
    cluster, id = store.cluster, SourceId("s1")
    claimed = cluster.claims.claim_one(id, 61.0)
    assert claimed is not None
    assert cluster.inbox.put(id, claimed.turn, 5.0, b"read") and not cluster.inbox.put(id, claimed.turn - 1, 5.0, b"late")
    [arrival] = cluster.inbox.take(10, 100)
    assert (arrival.source, arrival.at, arrival.content, cluster.inbox.count()) == (id, 5.0, b"read", 1)
    assert not cluster.inbox.take(10, 100, besides=[arrival.id])
    with store.begin() as transaction:
        assert cluster.inbox.settle(transaction, arrival)
    assert cluster.inbox.count() == 0
    cluster.inbox.put(id, claimed.turn, 6.0, b"read")
    [late] = cluster.inbox.take(10, 100)
    cluster.claims.claim_one(id, 90.0)
    with store.begin() as transaction:
        assert not cluster.inbox.settle(transaction, late)
    assert cluster.inbox.count() == 0


def put(store: PostgresStore, id: str, content: bytes = b"read") -> None:
    claimed = store.cluster.claims.claim_one(SourceId(id), 61.0)
    assert claimed is not None
    assert store.cluster.inbox.put(claimed.state.id, claimed.turn, 5.0, content)


def test_a_source_has_one_document_in_the_inbox_however_often_its_hub_pushes(store: PostgresStore, address: str) -> None:
    inbox = store.cluster.inbox
    put(store, "s2", b"of another")
    for number in range(50):
        put(store, "s1", b"%d" % number)
    assert [one.content for one in inbox.take(100, 100)] == [b"of another", b"49"]
    with psycopg.connect(address) as settling:  # nobody waits for the leader, who waits for the source
        settling.execute("DELETE FROM inbox WHERE source = 's1'")
        put(store, "s1", b"new")
    assert inbox.count() == 2


def test_large_documents_are_taken_few_at_a_time(store: PostgresStore) -> None:
    inbox = store.cluster.inbox
    for number in range(4):
        put(store, f"s{number}", b"x" * 60)
    [first] = inbox.take(10, 50)
    assert first.source == "s0", "one is taken, however large"
    assert not inbox.take(10, 50, besides=[first.id])
    assert [one.source for one in inbox.take(10, 120, besides=[first.id])] == ["s1", "s2"]


def test_what_was_taken_with_a_document_that_ends_leaders_is_not_given_up_with_it(store: PostgresStore) -> None:
    inbox, stored = store.cluster.inbox, dict[str, int]()
    for number in range(6):
        put(store, f"s{number}")
    for _ in range(10):  # leaders, one after the other
        under_way: list[Arrival] = []
        while taken := inbox.take(10, 100, besides=[one.id for one in under_way]):
            under_way += taken
            if any(one.source == "s3" and one.tries <= 5 for one in taken):
                break
            for one in taken:
                with store.begin() as transaction:
                    assert inbox.settle(transaction, one)
                stored[one.source] = one.tries
            under_way = []
    assert stored == {"s0": 2, "s1": 2, "s2": 2, "s3": 6, "s4": 2, "s5": 2}


def test_what_a_node_was_asking_that_is_gone_is_due_at_once_unless_it_ends_one_after_the_other(
    store: PostgresStore, join: Join
) -> None:
    one = SourceId("s1")
    for death in range(1, DEADLY + 1):
        assert store.cluster.claims.claim_one(one, 62.0) is not None
        node = join()
        assert node.poll_again(2.0, ()) == (death < DEADLY)
        assert store.states()[one].due == (2.0 if death < DEADLY else 62.0)
        node.end()  # it stores nothing
    for _ in range(2):  # a poll that was stored in between ends the row
        assert store.cluster.claims.claim_one(one, 62.0) is not None
    assert join().poll_again(2.0, ()) == 1


def test_what_this_node_is_asking_or_what_waits_for_the_leader_is_not_asked_again(store: PostgresStore, join: Join) -> None:
    gone = join()
    first, second = gone.claim(1.0, 2, 61.0)
    gone.end()
    assert store.cluster.inbox.put(first.state.id, first.turn, 1.0, b"read")
    assert join().poll_again(2.0, {second.state.id}) == 0


def test_what_is_published_is_heard_of(store: PostgresStore) -> None:
    heard: list[str] = []
    stop = store.cluster.listen(heard.append)
    eventually(lambda: sorted(heard) == ["inbox", "published"])
    documents = store.cluster.documents
    with store.begin() as transaction:
        first = documents.publish(transaction, [PublishedDocument("/a", False, 0, "{}", b"1")])
    eventually(lambda: heard.count("published") == 2)
    with store.begin() as transaction:
        removed = PublishedDocument("/a", False, 0, None, b"")
        second = documents.publish(transaction, [removed, PublishedDocument("/b", True, 0, "{}", b"2")])
    stop()
    assert second > first
    assert [(one.path, one.about) for one in documents.since(first)] == [("/a", None), ("/b", "{}")]
    assert [(one.path, one.whole, one.body, one.revision) for one in documents.since(0)] == [("/b", True, b"2", second)]
