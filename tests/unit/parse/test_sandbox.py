"""The sandbox: a document can cost its own source a fault, and nobody else anything."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from aggregator.model import Fault, FaultKind, Feed, Fetched
from aggregator.parse.sandbox import SandboxParser, _Answer
from tests.unit.parse.test_read import rss

GOOD = rss("<item><guid>1</guid><title>One</title></item>")
BROKEN = rss("<item><guid>1</guid><title>One</b></title></item>")
SLOW = rss("<item><title>x</title></item>" * 20_000 + "<b")


def run(work: Callable[[SandboxParser], Awaitable[None]], **options: float) -> None:
    async def main() -> None:
        parser = SandboxParser(**options)  # type: ignore[arg-type]
        try:
            await work(parser)
        finally:
            await parser.aclose()

    asyncio.run(main())


async def parse(parser: SandboxParser, text: str) -> Feed | Fault:
    return await parser.parse(Fetched("https://harbour.example/feed", 200, (), text.encode()), frozenset(), 0.0)


def worker_pid(parser: SandboxParser) -> int | None:
    return parser._all[0].pid


def inherited(pid: int | None) -> str:
    return Path(f"/proc/{pid}/environ").read_bytes().decode()


def test_well_formed_documents_need_no_worker_and_broken_ones_get_the_same_entry() -> None:
    async def work(parser: SandboxParser) -> None:
        good = await parse(parser, GOOD)
        assert worker_pid(parser) is None
        broken = await parse(parser, BROKEN)
        assert worker_pid(parser) is not None
        assert isinstance(good, Feed) and isinstance(broken, Feed)
        assert [entry.title for entry in good.entries] == [entry.title for entry in broken.entries] == ["One"]

    run(work)


def test_large_documents_go_to_the_worker_and_come_back_the_same() -> None:
    async def work(parser: SandboxParser) -> None:
        small = await parse(parser, GOOD)
        parser._inline_bytes = 0
        assert await parse(parser, GOOD) == small

    run(work)


def test_a_deadline_ends_the_document_and_the_next_one_is_read() -> None:
    async def work(parser: SandboxParser) -> None:
        assert isinstance(await parse(parser, BROKEN), Feed)
        first = worker_pid(parser)
        parser._all[0].deadline = 0.05
        slow = await parse(parser, SLOW)
        assert isinstance(slow, Fault) and slow.kind == FaultKind.PARSE_LIMIT and "longer than" in slow.detail
        parser._all[0].deadline = 10
        assert isinstance(await parse(parser, BROKEN), Feed)
        assert worker_pid(parser) != first

    run(work, deadline=10)


def test_too_much_memory_is_a_fault() -> None:
    async def work(parser: SandboxParser) -> None:
        found = await parse(parser, "<rss><channel><item>" + "<x/>" * 900_000 + "</item></channel></rss>")
        assert isinstance(found, Fault) and found.kind == FaultKind.PARSE_LIMIT and "memory" in found.detail
        assert isinstance(await parse(parser, BROKEN), Feed)

    run(work, deadline=20, memory=64 << 20)


def test_a_worker_that_dies_is_a_fault_and_is_replaced() -> None:
    async def work(parser: SandboxParser) -> None:
        assert isinstance(await parse(parser, BROKEN), Feed)
        pid = worker_pid(parser)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        reading = asyncio.ensure_future(parse(parser, BROKEN))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        found = await reading
        assert isinstance(found, Feed) or (found.kind == FaultKind.PARSE_LIMIT and "ended" in found.detail)
        assert isinstance(await parse(parser, BROKEN), Feed)

    run(work, deadline=10)


def test_a_worker_inherits_no_secret_and_finds_its_modules_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lxml.py").write_text("raise SystemExit('a module of the working folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEED_TOKEN", "secret-7f3a")

    async def work(parser: SandboxParser) -> None:
        assert isinstance(await parse(parser, BROKEN), Feed)
        assert "FEED_TOKEN" not in inherited(worker_pid(parser))

    run(work)


def test_an_unused_worker_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.parse.sandbox._IDLE", 0.0)

    async def work(parser: SandboxParser) -> None:
        assert isinstance(await parse(parser, BROKEN), Feed)
        await asyncio.sleep(0.01)
        assert worker_pid(parser) is None
        assert isinstance(await parse(parser, BROKEN), Feed)

    run(work)


def test_closing_leaves_no_process() -> None:
    pids: list[int] = []

    async def work(parser: SandboxParser) -> None:
        await parse(parser, BROKEN)
        pid = worker_pid(parser)
        assert pid is not None
        pids.append(pid)

    run(work)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_an_answer_can_hold_nothing_but_values_of_the_model() -> None:
    import io

    fault = Fault(FaultKind.PARSE, "x")
    assert _Answer(io.BytesIO(pickle.dumps(fault))).load() == fault
    with pytest.raises(pickle.UnpicklingError):
        _Answer(io.BytesIO(pickle.dumps(os.system))).load()
    with pytest.raises(pickle.UnpicklingError):
        _Answer(io.BytesIO(b"caggregator.model\nfield\n.")).load()
    with pytest.raises(pickle.UnpicklingError):
        _Answer(io.BytesIO(b"caggregator.model_of_others\nFault\n.")).load()
