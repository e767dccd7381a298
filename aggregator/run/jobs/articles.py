"""Fetches the articles of entries whose source asks for the full text: after their poll, each once, a few at a time.

No poll waits for a page: attempts are stored with the entries, and a job takes them from there, also after a restart.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal

import structlog

from aggregator.errors import AggregatorError
from aggregator.fetch.articles import ArticleAnswer, ArticleFetcher
from aggregator.fetch.robots_cache import RobotsCache
from aggregator.model import Fault, FaultKind, Fetched, Instant, ItemId, Slug, Source, SourceId
from aggregator.ports import DueArticle, Job, Transaction
from aggregator.run.runtime import CurrentRuntime, Runtime
from aggregator.settings import DAY
from aggregator.stories.articles import store_article
from aggregator.stories.curate import Curator
from aggregator.text.masks import mask_text
from aggregator.text.urls import registrable_domain

log = structlog.get_logger("articles")

CHECK = 2.0
"""Seconds between two looks at what is due."""
AT_ONCE = 4
"""Pages under way at once, each at another domain: as many as may hang without holding up the others."""
PER_SOURCE = 2
"""Pages of one source under way at once: a feed that links to a hundred sites that hang must not hold all of AT_ONCE."""
LOOKED_AT = 500
"""Due articles that are looked at in one run."""
GAP = 2.0
"""Seconds between two pages of one domain, beside the gap of `hosts:`. Nobody waits for an article as for a feed."""
WAIT, LONGEST_WAIT = 60.0, 3_600.0
"""Seconds until an article is looked at again that could not be asked for: at least, and at most, however long a hold is."""
LONGEST = 120.0
"""Seconds for robots.txt, the page and its redirects together, with waiting for turns at their hosts."""
PATIENCE = DAY
"""Seconds after which an article is given up that could not be asked for: it would tell of yesterday."""
ONE_SHOT = 30.0
"""Seconds that `aggregator poll` without a daemon spends on articles; the next one goes on."""

Outcome = Literal["fetched", "failed", "forbidden", "postponed"]


class Articles:
    """mark_changed: called with the feeds that an article changed; record: with each outcome. is_offline: whether nobody can be
    reached. gap: seconds between two pages of one domain.
    """

    def __init__(
        self,
        current: CurrentRuntime,
        mark_changed: Callable[[frozenset[Slug]], None],
        record: Callable[[Outcome], None] = lambda outcome: None,
        is_offline: Callable[[], bool] = lambda: False,
        gap: float = GAP,
    ) -> None:
        self._current, self._mark_changed, self._record, self._is_offline = current, mark_changed, record, is_offline
        self._gap = gap
        self._robots = RobotsCache()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._under_way: Counter[SourceId] = Counter()
        self._rests: dict[str, float] = {}
        """Domain → until when it is left alone, by the monotonic clock."""

    def jobs(self) -> list[Job]:
        return [Job("articles", CHECK, self.start_due)]

    async def start_due(self) -> None:
        """Starts what is due, as far as there is room, and returns at once."""
        runtime = self._current.runtime
        if self._is_offline() or len(self._tasks) >= AT_ONCE:
            return
        waiting: dict[ItemId, Instant] = {}
        now = runtime.clock.now()
        for due in runtime.store.due_articles(now, LOOKED_AT):
            domain = registrable_domain(due.url)
            wait = self._seconds_to_wait(runtime, domain, due.url)
            if wait > WAIT:
                waiting[due.item] = now + min(wait, LONGEST_WAIT)
            elif wait <= 0 and domain not in self._tasks and self._has_room(due.source):
                self._start(runtime, domain, due)
        if waiting:  # else those of one host could be all that is looked at
            await runtime.writer.commit(lambda transaction: _postpone(transaction, waiting, "its host is on hold"))

    def _has_room(self, source: SourceId) -> bool:
        return len(self._tasks) < AT_ONCE and self._under_way[source] < PER_SOURCE

    def _seconds_to_wait(self, runtime: Runtime, domain: str, url: str) -> float:
        now, hold = runtime.clock.now(), runtime.gate.held(url, runtime.clock.now())
        rest = self._rests.get(domain, 0.0) - runtime.clock.monotonic()
        if rest <= 0:
            self._rests.pop(domain, None)
        return max(rest, hold.until - now if hold is not None else 0.0)

    def _start(self, runtime: Runtime, domain: str, due: DueArticle) -> None:
        task = asyncio.create_task(self._attempt(runtime, due), name=f"article {due.item}")
        self._tasks[domain] = task
        self._under_way[due.source] += 1
        task.add_done_callback(lambda _: self._end(domain, due.source))

    def _end(self, domain: str, source: SourceId) -> None:
        del self._tasks[domain]
        self._under_way[source] -= 1
        self._rest(domain, self._gap)

    def _rest(self, domain: str, seconds: float) -> None:
        until = self._current.runtime.clock.monotonic() + seconds
        self._rests[domain] = max(until, self._rests.get(domain, 0.0))

    async def run_all(self, seconds: float = ONE_SHOT) -> None:
        """Fetches what is due until nothing is, or the time is over: for a poll without a daemon."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await self.start_due()
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            elif self._current.runtime.store.due_articles(self._current.runtime.clock.now(), 1):
                await asyncio.sleep(min(left, max(0.05, self._gap)))
            else:
                break
        await self.stop()

    async def stop(self) -> None:
        """Ends what is under way. What was asked for is not asked for again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _attempt(self, runtime: Runtime, due: DueArticle) -> None:
        started = time.perf_counter()
        try:
            outcome, detail = await self._fetch(runtime, due)
        except Exception as error:  # the only catch-all of an attempt: a bug costs one article
            log.error("article_crashed", source=due.source, error=repr(error), exc_info=error)
            outcome, detail = "failed", f"internal error, please report it: {type(error).__name__}"
            self._rest(registrable_domain(due.url), WAIT)
            with suppress(AggregatorError):  # the store can't be written: the tick tells of it
                await _end_attempt(runtime, due, detail)
        self._record(outcome)
        if outcome != "postponed":
            milliseconds = round((time.perf_counter() - started) * 1000)
            log.info("article_done", source=due.source, outcome=outcome, detail=detail, ms=milliseconds)

    async def _fetch(self, runtime: Runtime, due: DueArticle) -> tuple[Outcome, str]:
        source = runtime.settings.enabled_sources.get(due.source)
        now = runtime.clock.now()
        if source is None or not source.full_text:
            return await _fail(runtime, due, "its source no longer asks for the full text")
        if now - due.since > PATIENCE:
            return await _fail(runtime, due, "it could not be asked for within a day")
        answer, is_asked = await self._ask(runtime, source, due)
        page = answer.page
        if page.holds_host and page.retry_at is not None:
            await self._hold(runtime, source, answer.url, page.retry_at, page)
        if isinstance(page, Fault):
            return await _end_without_page(runtime, due, page, is_asked)
        article = await runtime.resources.documents.article_of(page)
        if isinstance(article, Fault):
            return await _fail(runtime, due, article.detail)
        return await self._store(due, article)

    async def _ask(self, runtime: Runtime, source: Source, due: DueArticle) -> tuple[ArticleAnswer, bool]:
        """The answer, and whether the page was asked for: that is stored before it happens."""
        asked: list[Instant] = []

        async def begin() -> None:
            asked.append(runtime.clock.now())
            await runtime.writer.commit(lambda transaction: transaction.begin_article(due.item, asked[0]))

        fetcher = ArticleFetcher(
            runtime.settings, runtime.fetcher, runtime.public_fetcher, runtime.gate, runtime.clock, self._robots
        )
        try:
            async with asyncio.timeout(LONGEST):
                return await fetcher.fetch(source, due.url, begin), bool(asked)
        except TimeoutError:
            fault = Fault(FaultKind.TIMEOUT, f"too slow: not done within {LONGEST:g} s")
            return ArticleAnswer(due.url, fault), bool(asked)

    async def _hold(self, runtime: Runtime, source: Source, url: str, until: Instant, page: Fetched | Fault) -> None:
        """Leaves a host alone that asked for it: in polls, too, if it is the source's own.

        A feed that links to others' pages must not be able to stop the polls of those.
        """
        domain = registrable_domain(url)
        if domain != registrable_domain(source.url):
            self._rest(domain, until - runtime.clock.now())
            return
        hold = runtime.gate.hold(url, until, page.detail if isinstance(page, Fault) else "its rate limit is used up")
        await runtime.writer.commit(lambda transaction: transaction.save_hold(hold))

    async def _store(self, due: DueArticle, article: str) -> tuple[Outcome, str]:
        """Stores the article and refreshes its story, under the config in use now."""
        runtime = self._current.runtime

        def store(transaction: Transaction) -> tuple[str, set[Slug]]:
            settle, now = runtime.settings.publish.settle, runtime.clock.now()
            return store_article(transaction, due.item, article, Curator(runtime.rules, transaction.outputs(), settle, now))

        detail, slugs = await runtime.writer.commit(store)
        self._mark_changed(frozenset(slugs))
        return ("failed" if detail else "fetched"), detail


async def _end_without_page(runtime: Runtime, due: DueArticle, fault: Fault, is_asked: bool) -> tuple[Outcome, str]:
    """Stores why no page came. One that was not asked for is tried again later, unless robots.txt forbids it."""
    is_later = fault.kind is FaultKind.OFFLINE or (
        not is_asked and (fault.kind in (FaultKind.HELD, FaultKind.TIMEOUT) or fault.retry_at is not None)
    )
    if not is_later:
        outcome, detail = await _fail(runtime, due, fault.detail)
        return ("forbidden" if fault.kind is FaultKind.ROBOTS else outcome), detail
    now = runtime.clock.now()
    until = min(max(fault.retry_at or 0.0, now + WAIT), now + LONGEST_WAIT)
    await runtime.writer.commit(lambda transaction: _postpone(transaction, {due.item: until}, fault.detail))
    return "postponed", fault.detail


async def _fail(runtime: Runtime, due: DueArticle, detail: str) -> tuple[Outcome, str]:
    await _end_attempt(runtime, due, detail)
    return "failed", detail


async def _end_attempt(runtime: Runtime, due: DueArticle, detail: str) -> None:
    detail = mask_text(detail, runtime.settings.secrets)
    await runtime.writer.commit(lambda transaction: transaction.end_article(due.item, detail))


def _postpone(transaction: Transaction, items: Mapping[ItemId, Instant], why: str) -> None:
    for item, until in items.items():
        transaction.postpone_article(item, until, why)
