"""Documents that wait are stored together, and yet each for itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import Source, SourceId, SourceState
from aggregator.ports import Transaction
from aggregator.store.sqlite import SqliteStore
from aggregator.store.writer import COMPANY, GROUP, Writer
from aggregator.store.writes import SqlTransaction

Commit = Callable[[Transaction], str]


class Watched(SqliteStore):
    """Counts its transactions. refuses: how many of them it still refuses to begin."""

    begun = 0
    refuses = 0

    @contextmanager
    def begin(self) -> Iterator[SqlTransaction]:
        self.begun += 1
        if self.refuses:
            self.refuses -= 1
            raise StoreError("held by another program")
        with super().begin() as transaction:
            yield transaction


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Watched]:
    opened = Watched(tmp_path / "news.db")
    yield opened
    opened.close()


def saving(name: str) -> Commit:
    def commit(transaction: Transaction) -> str:
        transaction.set_value(name, "stored")
        return name

    return commit


def failing(transaction: Transaction) -> str:
    transaction.set_value("lost", "stored")
    raise ValueError("a bug")


async def stored(store: Watched, documents: Sequence[tuple[str, Callable[[], Commit]]]) -> list[str | BaseException]:
    """What becomes of documents that all wait: the first is not prepared before the last was given."""
    writer, given = Writer(store), threading.Event()

    def first() -> Commit:
        assert given.wait(10)
        return documents[0][1]()

    prepares = [first, *(prepare for _, prepare in documents[1:])]
    tasks = [
        asyncio.create_task(writer.store(SourceId(source), prepare))
        for (source, _), prepare in zip(documents, prepares, strict=True)
    ]
    await asyncio.sleep(0)
    given.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await writer.aclose()
    return results


def test_documents_that_wait_share_a_transaction(store: Watched) -> None:
    names = [f"s{number}" for number in range(GROUP + 2)]
    assert asyncio.run(stored(store, [(name, partial(saving, name)) for name in names])) == names
    assert store.values("s").keys() == set(names)
    assert store.begun == 2


def test_one_that_can_not_be_stored_fails_alone(store: Watched) -> None:
    a, b, c = asyncio.run(stored(store, [("a", partial(saving, "a")), ("b", lambda: failing), ("c", partial(saving, "c"))]))
    assert (a, c, store.values("")) == ("a", "c", {"a": "stored", "c": "stored"})
    assert isinstance(b, ValueError)


def test_one_that_can_not_be_prepared_fails_alone(store: Watched) -> None:
    def broken() -> Commit:
        raise ValueError("a bug")

    a, b, c = asyncio.run(stored(store, [("a", partial(saving, "a")), ("b", broken), ("c", partial(saving, "c"))]))
    assert (a, c, store.begun) == ("a", "c", 1)
    assert isinstance(b, ValueError)


def test_whatever_is_raised_it_is_raised_where_it_is_waited_for(store: Watched) -> None:
    """Else the one thread that writes would wait for it for ever."""

    class Ends(BaseException):
        pass

    def ending(_: object = None) -> Any:
        raise Ends

    documents: tuple[Callable[[], Any], ...] = (ending, lambda: ending)
    for document in documents:
        a, b, c = asyncio.run(stored(store, [("a", partial(saving, "a")), ("b", document), ("c", partial(saving, "c"))]))
        assert (a, c) == ("a", "c")
        assert isinstance(b, Ends)


def test_a_store_that_refuses_is_asked_once_for_all_that_wait(store: Watched) -> None:
    """Each time may take the half minute that SQLite waits for another program."""
    store.refuses = 1
    results = asyncio.run(stored(store, [(name, partial(saving, name)) for name in "abc"]))
    assert [type(result) for result in results] == [StoreError] * 3
    assert (store.begun, store.values("")) == (1, {})


def test_a_document_sees_what_was_stored_of_its_source(store: Watched) -> None:
    seen: list[str | None] = []

    def prepare() -> Commit:
        seen.append(store.value("a"))
        return saving("a")

    asyncio.run(stored(store, [("a", prepare), ("b", partial(saving, "b")), ("a", prepare)]))
    assert seen == [None, "stored"]


def test_work_that_was_given_after_a_document_finds_it_stored(store: Watched) -> None:
    async def both() -> str | None:
        writer = Writer(store)
        task = asyncio.create_task(writer.store(SourceId("a"), partial(saving, "a")))
        await asyncio.sleep(0)
        found = await writer.call(lambda: store.value("a"))
        assert await task == "a"
        await writer.aclose()
        return found

    assert asyncio.run(both()) == "stored"


def test_a_document_that_is_alone_waits_a_moment_for_others(store: Watched) -> None:
    async def one_and_then_another() -> list[str]:
        writer = Writer(store)
        first = asyncio.create_task(writer.store(SourceId("a"), partial(saving, "a")))
        await asyncio.sleep(COMPANY / 2)
        second = asyncio.create_task(writer.store(SourceId("b"), partial(saving, "b")))
        results = [await first, await second]
        await writer.aclose()
        return results

    assert asyncio.run(one_and_then_another()) == ["a", "b"]
    assert store.begun == 1


@pytest.mark.parametrize("number", [1, 3])
def test_a_document_whose_poll_was_cut_off_holds_up_no_other(store: Watched, number: int) -> None:
    async def cut_off() -> str:
        writer, given = Writer(store), threading.Event()
        blocker = asyncio.create_task(writer.call(lambda: given.wait(10)))
        await asyncio.sleep(0)
        tasks = [asyncio.create_task(writer.store(SourceId(f"cut{one}"), partial(saving, "cut"))) for one in range(number)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        last = asyncio.create_task(writer.store(SourceId("a"), partial(saving, "a")))
        await asyncio.sleep(0)
        given.set()
        result = await last
        await blocker
        await writer.aclose()
        return result

    assert asyncio.run(cut_off()) == "a"


def test_a_state_that_was_withdrawn_does_not_undo_what_a_document_stored(store: Watched) -> None:
    """Writing it may have begun already; documents that wait go before."""
    old = SourceState(SourceId("s"), "https://paper.example/feed", failures=1)

    def commit(transaction: Transaction) -> str:
        transaction.save_state(replace(old, failures=0))
        return "stored"

    async def work() -> None:
        writer, go = Writer(store), threading.Event()
        held = asyncio.create_task(writer.call(lambda: go.wait(10)))
        await asyncio.sleep(0)
        writer.save_state(old)
        flush = asyncio.create_task(writer.flush())
        await asyncio.sleep(0)
        writer.withdraw_state(old.id)
        document = asyncio.create_task(writer.store(old.id, lambda: commit))
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(held, flush, document)
        await writer.aclose()

    store.sync_sources([Source(old.id, old.url)], 0.0)
    asyncio.run(work())
    assert store.states([old.id])[old.id].failures == 0
