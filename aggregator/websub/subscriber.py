"""Subscribing to sources' hubs while the daemon runs, and taking in what they push. The rules are in subscriptions.py."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import structlog

from aggregator.model import Fault, Fetched, Instant, Source, SourceId, SourceState
from aggregator.ports import Answer, Call, Endpoint, Job, Messenger, Values, ValueWrites
from aggregator.settings import Settings
from aggregator.websub import bodies, subscriptions
from aggregator.websub.bodies import Place, Room
from aggregator.websub.subscriptions import Push

log = structlog.get_logger("subscriber")

LOOK = 5.0
"""Seconds between two looks for subscriptions to ask for or renew."""
AT_ONCE = 20
"""Requests to hubs in one look: a thousand new sources are no reason for a thousand requests at once."""
BODY_SECONDS = 20.0
MOST_WAITING = 64
"""Documents that were pushed and are not stored yet; more are told to come back."""
PER_SOURCE = 2
"""Bodies of one source on their way at once: a hub that sends halves takes no other hub's turn."""

Commit = Callable[[Callable[[ValueWrites], Push | None]], Awaitable[Push | None]]


class Subscriber:
    """commit: runs a write in the writer's thread; messenger, settings: those in use now.

    receive: takes a document in, as a poll would, and never beside one of the source.
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
        self._room = Room()
        self._arriving: Counter[SourceId] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._by_token: dict[str, SourceId] | None = None

    def jobs(self) -> list[Job]:
        return [Job("hubs", LOOK, self.look)]

    def endpoints(self) -> list[Endpoint]:
        return [Endpoint("GET", "/push/{name}", self.verify), Endpoint("POST", "/push/{name}", self.pushed)]

    async def look(self) -> None:
        """Asks hubs for what is wanted now, and to end what is not wanted any more."""
        now, wanted = self._now(), self._sources()
        stored = subscriptions.every(self._store)
        self._by_token = {push.token: id for id, push in stored.items()}
        due = []
        for id, push in stored.items():
            wish = subscriptions.wished(push, id in wanted)
            if wish.is_over(now):
                await self._change(id, push.token, lambda _: None)
                log.info("hub_left", source=id)
            elif wish.is_wanted(now):
                due.append(id)
        await asyncio.gather(*(self._ask(id, stored[id].token, id in wanted, now) for id in due[:AT_ONCE]))

    async def _ask(self, id: SourceId, token: str, wanted: bool, now: Instant) -> None:
        after = await self._change(id, token, lambda push: subscriptions.asked(subscriptions.wished(push, wanted), now))
        if after is None:
            return
        reply = await self._messenger().send(subscriptions.request(after, self._settings().site.url))
        answer = reply.detail if isinstance(reply, Fault) else str(reply.status)
        log.info("hub_asked", source=id, mode="unsubscribe" if after.leaving else "subscribe", answer=answer)

    async def verify(self, call: Call) -> Answer:
        """The hub asks whether we asked (5.3), or refuses (5.2)."""
        found = self._find(call.name)
        if found is None:
            return Answer(404)
        id, push = found
        if (after := subscriptions.denied(push, call.query)) is not None:
            await self._change(id, push.token, lambda push: subscriptions.denied(push, call.query))
            log.warning("hub_refused", source=id)
            return Answer(200)
        now = self._now()
        answer = subscriptions.verified(push, call.query, now)
        if answer is None:
            return Answer(404)
        after, challenge = answer
        await self._change(id, push.token, lambda _: None if after.is_over(now) else after)
        if after.leaving:
            log.info("hub_left", source=id)
        else:
            log.info("hub_verified", source=id, lease=after.lease)
        return Answer(200, challenge)

    async def pushed(self, call: Call) -> Answer:
        """A document (7). Unsigned or wrongly signed ones are acknowledged and thrown away, as section 8 says."""
        found = self._find(call.name)
        source = self._sources().get(found[0]) if found is not None else None
        if found is None or source is None:
            return Answer(404)
        if len(self._tasks) >= MOST_WAITING or self._arriving[source.id] >= PER_SOURCE:
            return Answer(503, wait=bodies.COME_BACK)
        largest = self._settings().polling.max_bytes
        place, is_kept = self._room.place(largest), False
        self._arriving[source.id] += 1
        try:
            body = await bodies.read(call, largest, BODY_SECONDS, place.take)
            if isinstance(body, Answer):
                return body
            signature = call.headers.get("x-hub-signature")
            if await asyncio.to_thread(subscriptions.is_signed, found[1], signature, body):  # 15 MB take 50 ms
                self._take_in(source, call.headers, body, place)
                is_kept = True  # until it is stored
            else:
                log.warning("push_not_signed", source=source.id)
            return Answer(202)
        finally:
            self._arriving[source.id] -= 1
            if not is_kept:
                place.leave()

    def _take_in(self, source: Source, headers: Mapping[str, str], body: bytes, place: Place) -> None:
        task = asyncio.create_task(self._receive(source, partial(document, headers.get("content-type", ""), body)))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, place))

    def _ended(self, place: Place, task: asyncio.Task[Any]) -> None:
        place.leave()
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("push_crashed", error=repr(error), exc_info=error)

    def _sources(self) -> dict[SourceId, Source]:
        """The sources that are to be pushed."""
        settings = self._settings()
        return {source.id: source for source in settings.sources if source.enabled} if settings.network.websub else {}

    def _find(self, token: str) -> tuple[SourceId, Push] | None:
        """Whose the address is: one look into the store, whoever asks. Tokens that hubs know are those of the last `look`."""
        if self._by_token is None:
            self._by_token = {push.token: id for id, push in subscriptions.every(self._store).items()}
        id = self._by_token.get(token)
        push = subscriptions.known(self._store, id) if id is not None else None
        return (id, push) if id is not None and push is not None and push.token == token else None

    async def _change(self, id: SourceId, token: str, change: Callable[[Push], Push | None]) -> Push | None:
        """Changes what is stored, as it is by then; what has begun anew meanwhile (another token) stays as it is."""

        def work(transaction: ValueWrites) -> Push | None:
            push = subscriptions.known(self._store, id)
            if push is None or push.token != token:
                return None
            after = change(push)
            subscriptions.save(transaction, id, after)
            return after

        return await self._commit(work)

    async def drain(self) -> None:
        """Lets what was acknowledged be stored."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def document(content_type: str, body: bytes, state: SourceState) -> Fetched:
    """A push as a poll would have fetched it. Validators stay: the next poll asks with those of the last one.

    It says nothing of what it leaves out, as a delta (RFC 3229): many hubs send new entries alone.
    """
    headers = (("content-type", content_type),) if content_type else ()
    return Fetched(state.validators_url or state.url, 226, headers, body, state.validators)
