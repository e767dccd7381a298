"""Reading workers: a document can cost its own source a fault, and affects no other source."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from aggregator.model import Fault, FaultKind, Feed, Fetched
from aggregator.reading.answer import Describer, answer
from aggregator.reading.job import ANSWERS, ENCODER, Answer, Read, ReadOptions, job_of
from aggregator.reading.pool import ReadingPool
from aggregator.tag.language import Guesser
from tests.unit.parse.test_read import rss

GOOD = rss("<item><guid>1</guid><title>One</title></item>")
BROKEN = rss("<item><guid>1</guid><title>One</b></title></item>")
SLOW = rss("<item><title>x</title></item>" * 60_000 + "<b")

GOLDEN = Path(__file__).parents[2] / "golden" / "html-cleaned.xml"


def run(work: Callable[[ReadingPool], Awaitable[None]], **options: float) -> None:
    async def main() -> None:
        pool = ReadingPool(**options)  # type: ignore[arg-type]
        try:
            await work(pool)
        finally:
            await pool.aclose()

    asyncio.run(main())


async def parse(pool: ReadingPool, text: str) -> Feed | Fault:
    document = Fetched("https://harbour.example/feed", 200, (), text.encode())
    async with pool.reading(document, ReadOptions()) as read:
        return read.feed if isinstance(read, Read) else read


def worker_pid(pool: ReadingPool) -> int | None:
    return pool._quick.workers[0].pid


def inherited(pid: int | None) -> str:
    return Path(f"/proc/{pid}/environ").read_bytes().decode()


def test_broken_documents_get_the_same_entry_as_well_formed_ones() -> None:
    async def work(pool: ReadingPool) -> None:
        good, broken = await parse(pool, GOOD), await parse(pool, BROKEN)
        assert isinstance(good, Feed) and isinstance(broken, Feed)
        assert [entry.title for entry in good.entries] == [entry.title for entry in broken.entries] == ["One"]

    run(work)


def test_what_a_worker_reads_is_what_is_read_here() -> None:
    document = Fetched("https://harbour.example/feed", 200, (), GOLDEN.read_bytes())
    options = ReadOptions(level="story", languages={"en": 7})

    async def work(pool: ReadingPool) -> None:
        async with pool.reading(document, options) as read:
            assert read == answer(job_of(document, options), document.body, Describer(Guesser())).read()
            assert isinstance(read, Read) and read.described
        known = frozenset(read.described)
        async with pool.reading(document, ReadOptions(known)) as read:
            assert isinstance(read, Read) and not read.feed.entries and frozenset(read.feed.unchanged) == known

    run(work)


def test_a_deadline_ends_the_document_and_the_next_one_is_read() -> None:
    async def work(pool: ReadingPool) -> None:
        assert isinstance(await parse(pool, BROKEN), Feed)
        first = worker_pid(pool)
        slow = await parse(pool, SLOW)
        assert isinstance(slow, Fault) and slow.kind == FaultKind.PARSE_LIMIT and "longer than 2 s" in slow.detail
        assert isinstance(await parse(pool, GOOD), Feed)
        assert worker_pid(pool) != first

    run(work, deadline=2, patience=1)


def test_many_slow_documents_do_not_keep_a_quick_one_waiting() -> None:
    async def work(pool: ReadingPool) -> None:
        assert isinstance(await parse(pool, GOOD), Feed)
        slow = [asyncio.ensure_future(parse(pool, SLOW)) for _ in range(4)]
        await asyncio.sleep(0)
        assert isinstance(await parse(pool, BROKEN), Feed)
        assert sum(one.done() for one in slow) <= 2
        for one in slow:
            one.cancel()
        await asyncio.gather(*slow, return_exceptions=True)

    run(work, deadline=60, patience=0.5)


def test_what_takes_longer_than_most_is_still_read() -> None:
    async def work(pool: ReadingPool) -> None:
        assert isinstance(await parse(pool, BROKEN), Feed)

    run(work, deadline=20, patience=0.0)


def test_a_page_is_read_for_its_feeds() -> None:
    async def work(pool: ReadingPool) -> None:
        page = b"<link rel=alternate type=application/rss+xml href=/rss>"
        assert await pool.feeds_of(page, "https://harbour.example/") == ("https://harbour.example/rss",)

    run(work)


def test_a_long_entry_takes_no_more_memory_than_a_document_may_have() -> None:
    text = f"<description><![CDATA[{'<' * 4_900_000}]]></description>"

    async def work(pool: ReadingPool) -> None:
        assert isinstance(await parse(pool, rss(f"<item><guid>1</guid>{text * 3}</item>")), Feed)

    run(work, deadline=20, patience=20)


def test_too_much_memory_is_a_fault() -> None:
    async def work(pool: ReadingPool) -> None:
        found = await parse(pool, "<rss><channel><item>" + "<x/>" * 900_000 + "</item></channel></rss>")
        assert isinstance(found, Fault) and found.kind == FaultKind.PARSE_LIMIT and "memory" in found.detail
        assert isinstance(await parse(pool, BROKEN), Feed)

    run(work, deadline=20, memory=64 << 20)


def test_a_worker_that_dies_is_a_fault_and_is_replaced() -> None:
    async def work(pool: ReadingPool) -> None:
        assert isinstance(await parse(pool, BROKEN), Feed)
        pid = worker_pid(pool)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        reading = asyncio.ensure_future(parse(pool, BROKEN))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        found = await reading
        assert isinstance(found, Feed) or (found.kind == FaultKind.PARSE_LIMIT and "ended" in found.detail)
        assert isinstance(await parse(pool, BROKEN), Feed)

    run(work, deadline=10)


def test_a_worker_inherits_no_secret_and_finds_its_modules_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lxml.py").write_text("raise SystemExit('a module of the working folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEED_TOKEN", "secret-7f3a")

    async def work(pool: ReadingPool) -> None:
        assert isinstance(await parse(pool, BROKEN), Feed)
        assert "FEED_TOKEN" not in inherited(worker_pid(pool))

    run(work)


def test_an_unused_worker_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.reading.pool._IDLE", 0.0)

    async def work(pool: ReadingPool) -> None:
        assert isinstance(await parse(pool, BROKEN), Feed)
        await asyncio.sleep(0.01)
        assert worker_pid(pool) is None
        assert isinstance(await parse(pool, BROKEN), Feed)

    run(work)


def test_closing_leaves_no_process() -> None:
    pids: list[int] = []

    async def work(pool: ReadingPool) -> None:
        await parse(pool, BROKEN)
        pid = worker_pid(pool)
        assert pid is not None
        pids.append(pid)

    run(work)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_an_answer_can_hold_nothing_but_values_of_the_model() -> None:
    fault = Fault(FaultKind.PARSE, "x")
    assert ANSWERS.decode(ENCODER.encode(Answer(fault=fault))).read() == fault
    for sent in ([{"entries": 1}], [None, [["en", "yes", []]]], [None, [], {"kind": "rm -rf", "detail": ""}], "x"):
        with pytest.raises(msgspec.ValidationError):
            ANSWERS.decode(ENCODER.encode(sent))


def test_a_worker_ends_when_its_parent_is_gone() -> None:
    async def work(pool: ReadingPool) -> None:
        await parse(pool, GOOD)
        process = pool._quick.workers[0]._process
        assert process is not None and process.stdin is not None
        process.stdin.close()
        assert await process.wait() == 0

    run(work)


def test_a_worker_that_is_stopped_in_the_middle_of_its_answer_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio waits for a process until all it has written is read: here nobody reads any more."""
    text = rss(
        "".join(f"<item><guid>{n}</guid><title>{n}</title><description>{'x' * 9_000}</description></item>" for n in range(99))
    )

    async def never(process: asyncio.subprocess.Process) -> bytes:
        await asyncio.sleep(60)
        return b""

    async def work(pool: ReadingPool) -> None:
        assert isinstance(await parse(pool, GOOD), Feed)
        monkeypatch.setattr("aggregator.reading.pool._frame", never)
        worker = pool._quick.workers[0]
        async with asyncio.timeout(10):
            assert (
                await worker.ask(job_of(Fetched("https://harbour.example/feed", 200, (), b""), ReadOptions()), text.encode(), 1.0)
                is None
            )
        assert worker.pid is None

    run(work)


def web_page(markup: str) -> Fetched:
    return Fetched("https://harbour.example/a", 200, (("content-type", "text/html"),), markup.encode())


ARTICLE = "<nav>Menu</nav><article>" + "".join(f"<p>Sentence {at} of an article.</p>" for at in range(30)) + "</article>"


def test_an_article_is_read_after_one_that_took_too_much_memory() -> None:
    async def work(pool: ReadingPool) -> None:
        hungry = await pool.article_of(web_page("<a href='/x'>y</a> " * 200_000))
        assert isinstance(hungry, Fault) and hungry.kind is FaultKind.PARSE_LIMIT
        article = await pool.article_of(web_page(ARTICLE))
        assert isinstance(article, str) and "Sentence 29" in article and "Menu" not in article

    run(work)


def test_no_document_waits_for_a_slow_article() -> None:
    async def work(pool: ReadingPool) -> None:
        slow = asyncio.create_task(pool.article_of(web_page("<p>word word word " * 100_000)))
        for _ in range(5):
            assert isinstance(await parse(pool, GOOD), Feed) and not slow.done()
        late = await slow
        assert isinstance(late, Fault) and late.kind is FaultKind.PARSE_LIMIT and "longer than 2 s" in late.detail

    run(work, article_deadline=2.0)
