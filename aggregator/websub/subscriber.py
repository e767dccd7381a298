"""Subscribes to the hubs of sources and receives the documents that they push. The rules are in subscriptions.py."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog

from aggregator.model import Fault, Fetched, Instant, Source, SourceId, SourceState
from aggregator.ports import Answer, Call, Endpoint, Job, Messenger, Values, ValueWrites
from aggregator.settings import Settings
from aggregator.websub import bodies, subscriptions
from aggregator.websub.bodies import MemoryBudget, Reservation
from aggregator.websub.subscriptions import PushSubscription

log = structlog.get_logger("subscriber")

CHECK = 5.0
"""Seconds between two checks for subscriptions to request or renew."""
AT_ONCE = 20
"""Requests to hubs per check: a thousand new sources must not cause a thousand requests at once."""
BODY_SECONDS = 20.0
"""Seconds for a pushed body to arrive."""
MOST_WAITING = 64
"""Pushed documents that wait to be stored; further ones get 503."""
TOKENS_KEPT = 0.2
"""Seconds in which an unknown token stays unknown."""
PER_SOURCE = 2
"""Bodies of one source that may arrive at once: a hub that stalls does not block other hubs."""

Commit = Callable[[Callable[[ValueWrites], PushSubscription | None]], Awaitable[PushSubscription | None]]


class Subscriber:
    """commit: runs a write in the writer's thread; messenger, settings: return those in use now.

    receive: stores a pushed document as a poll would, while no poll of the source runs.
    """

    def __init__(
        self,
        store: Values,
        commit: Commit,
        messenger: Callable[[], Messenger],
        settings: Callable[[], Settings],
        now: Callable[[], Instant],
        receive: Callable[[Source, Callable[[SourceState], Fetched]], Coroutine[Any, Any, None]],
    ) -> None:
        self._store = store
        self._commit = commit
        self._messenger = messenger
        self._settings = settings
        self._now = now
        self._receive = receive
        self._budget = MemoryBudget()
        self._arriving: Counter[SourceId] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._by_token: dict[str, SourceId] = {}
        self._tokens_read = -math.inf
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pushes")

    def jobs(self) -> list[Job]:
        return [Job("hubs", CHECK, self.ask_hubs)]

    def endpoints(self) -> list[Endpoint]:
        return [Endpoint("GET", "/push/{name}", self.verify_intent), Endpoint("POST", "/push/{name}", self.receive)]

    async def ask_hubs(self) -> None:
        """Asks hubs to start or renew wanted subscriptions, and to end unwanted ones."""
        now, wanted = self._now(), self._sources()
        stored = subscriptions.load_all(self._store)
        self._remember_tokens(stored)
        due = []
        for id, push in stored.items():
            target = subscriptions.as_wanted(push, id in wanted)
            if target.has_ended(now):
                await self._update(id, push.token, lambda _: None)
                log.info("hub_left", source=id)
            elif target.should_ask(now):
                due.append(id)
        await asyncio.gather(*(self._ask(id, stored[id].token, id in wanted, now) for id in due[:AT_ONCE]))

    async def _ask(self, id: SourceId, token: str, wanted: bool, now: Instant) -> None:
        def mark_asked(push: PushSubscription) -> PushSubscription:
            return subscriptions.after_request(subscriptions.as_wanted(push, wanted), now)

        after = await self._update(id, token, mark_asked)
        if after is None:
            return
        reply = await self._messenger().send(subscriptions.make_request(after, self._settings().site.url))
        answer = reply.detail if isinstance(reply, Fault) else str(reply.status)
        log.info("hub_asked", source=id, mode="unsubscribe" if after.leaving else "subscribe", answer=answer)

    async def verify_intent(self, call: Call) -> Answer:
        """Answers a hub that verifies our intent (WebSub 5.3) or denies the subscription (5.2)."""
        found = await self._find(call.name)
        if found is None:
            return Answer(404)
        id, push = found
        if (after := subscriptions.after_denial(push, call.query)) is not None:
            await self._update(id, push.token, lambda push: subscriptions.after_denial(push, call.query))
            log.warning("hub_refused", source=id)
            return Answer(200)
        now = self._now()
        answer = subscriptions.after_verification(push, call.query, now)
        if answer is None:
            return Answer(404)
        after, challenge = answer
        await self._update(id, push.token, lambda _: None if after.has_ended(now) else after)
        if after.leaving:
            log.info("hub_left", source=id)
        else:
            log.info("hub_verified", source=id, lease=after.lease)
        return Answer(200, challenge)

    async def receive(self, call: Call) -> Answer:
        """Receives a document (WebSub 7). One without a valid signature is acknowledged and discarded (section 8)."""
        found = await self._find(call.name)
        source = self._sources().get(found[0]) if found is not None else None
        if found is None or source is None:
            return Answer(404)
        if len(self._tasks) >= MOST_WAITING or self._arriving[source.id] >= PER_SOURCE:
            return Answer(503, wait=bodies.RETRY_AFTER)
        largest = self._settings().polling.max_bytes
        memory, is_kept = self._budget.reserve(largest), False
        self._arriving[source.id] += 1
        try:
            body = await bodies.read_body(call, largest, BODY_SECONDS, memory.take)
            if isinstance(body, Answer):
                return body
            signature = call.headers.get("x-hub-signature")
            if await asyncio.to_thread(subscriptions.is_signed, found[1], signature, body):  # 15 MB take 50 ms
                self._store_push(source, call.headers, body, memory)
                is_kept = True  # until it is stored
            else:
                log.warning("push_not_signed", source=source.id)
            return Answer(202)
        finally:
            self._arriving[source.id] -= 1
            if not is_kept:
                memory.release()

    def _store_push(self, source: Source, headers: Mapping[str, str], body: bytes, memory: Reservation) -> None:
        task = asyncio.create_task(self._receive(source, partial(pushed_document, headers.get("content-type", ""), body)))
        self._tasks.add(task)
        task.add_done_callback(partial(self._finish, memory))

    def _finish(self, memory: Reservation, task: asyncio.Task[Any]) -> None:
        memory.release()
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("push_crashed", error=repr(error), exc_info=error)

    def _sources(self) -> Mapping[SourceId, Source]:
        """Returns the sources whose hubs may push to us."""
        settings = self._settings()
        return settings.enabled_sources if settings.network.websub else {}

    def _remember_tokens(self, stored: Mapping[SourceId, PushSubscription]) -> None:
        self._by_token, self._tokens_read = {push.token: id for id, push in stored.items()}, self._now()

    async def _find(self, token: str) -> tuple[SourceId, PushSubscription] | None:
        """Finds the source of a push address in a thread of its own: a database that hangs stops nothing else."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._look_up, token)

    def _look_up(self, token: str) -> tuple[SourceId, PushSubscription] | None:
        """Finds the source of a push address with a single read of the store.

        For an unknown token all are read again, since another process may have asked a hub, but rarely: strangers ask, too.
        """
        if token not in self._by_token and self._now() - self._tokens_read > TOKENS_KEPT:
            self._remember_tokens(subscriptions.load_all(self._store))
        id = self._by_token.get(token)
        push = subscriptions.load(self._store, id) if id is not None else None
        return (id, push) if id is not None and push is not None and push.token == token else None

    async def _update(
        self, id: SourceId, token: str, change: Callable[[PushSubscription], PushSubscription | None]
    ) -> PushSubscription | None:
        """Changes the stored subscription, unless it was replaced meanwhile (it then has another token)."""

        def work(transaction: ValueWrites) -> PushSubscription | None:
            push = subscriptions.load(self._store, id)
            if push is None or push.token != token:
                return None
            after = change(push)
            subscriptions.save(transaction, id, after)
            return after

        return await self._commit(work)

    async def drain(self) -> None:
        """Waits until acknowledged documents are stored."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def pushed_document(content_type: str, body: bytes, state: SourceState) -> Fetched:
    """Makes a pushed document look like a fetched one. Validators stay those of the last poll.

    It counts as a delta (226, RFC 3229): many hubs send new entries only.
    """
    headers = (("content-type", content_type),) if content_type else ()
    return Fetched(state.validators_url or state.url, 226, headers, body, state.validators)
