"""What a node holds of the published documents, whatever happens to its connection and to the database behind it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import psycopg

from aggregator.publish.shared_documents import to_row
from aggregator.publish.shelf import Prepared, Shelf
from aggregator.run.clock import SystemClock
from aggregator.run.nodes.copies import Copies
from aggregator.store.postgres.store import PostgresStore
from tests import postgres
from tests.flow.command import eventually


def publish(store: PostgresStore, **bodies: bytes | None) -> None:
    """Publishes documents, or removes those that are None."""
    rows = [
        to_row((f"/{path}", False), None if body is None else Prepared("text/plain", body, 1, "public"))
        for path, body in bodies.items()
    ]
    with store.begin() as transaction:
        store.cluster.documents.publish(transaction, rows)


def held(shelf: Shelf) -> dict[str, bytes]:
    return {path: answer.body for (path, _), answer in shelf.answers().items() if isinstance(answer, Prepared)}


async def until(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(eventually, condition)


def test_a_node_hears_of_changes_and_loads_all_from_a_server_that_has_less(tmp_path: Path) -> None:
    asyncio.run(follow(tmp_path))


async def follow(folder: Path) -> None:
    address = postgres.server().of_folder(folder)
    store, shelf, loaded = PostgresStore(address), Shelf(), list[int]()
    copies = Copies(store.cluster, shelf, SystemClock(), dict, lambda: loaded.append(copies.revision))
    assert not shelf.is_filled, "nobody is told that a feed does not exist"
    publish(store, a=b"1")
    await copies.start()
    assert held(shelf) == {"/a": b"1"} and shelf.is_filled and not copies.are_stale
    publish(store, b=b"2", c=b"3")
    await until(lambda: held(shelf) == {"/a": b"1", "/b": b"2", "/c": b"3"})
    publish(store, b=None)
    await until(lambda: held(shelf) == {"/a": b"1", "/c": b"3"})
    assert loaded == [1, 2, 3]
    with psycopg.connect(address, autocommit=True) as other:  # a replica took over, which had not got what came last
        other.execute("DELETE FROM published WHERE path <> '/a'")
        own = "application_name = %s AND query LIKE ANY (%s)"
        theirs = (f"aggregator {os.getpid()}", ["%FROM published%", "LISTEN%"])
        other.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {own}".encode(), theirs)
    await until(lambda: held(shelf) == {"/a": b"1"})
    publish(store, d=b"4")
    await until(lambda: held(shelf) == {"/a": b"1", "/d": b"4"})
    await copies.stop()
    assert not copies.are_stale
    store.close()
