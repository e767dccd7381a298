"""Subscribing to sources' hubs while the daemon runs, and taking in what they push. The rules are in subscriptions.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.model import Fault, Fetched, Instant, Source, SourceId, SourceState
from aggregator.ports import Job, Transaction
from aggregator.run.runtime import Runtime
from aggregator.serve.answers import read_body, short_response
from aggregator.websub import subscriptions
from aggregator.websub.subscriptions import Push

log = structlog.get_logger("subscriber")

LOOK = 5.0
"""Seconds between two looks for subscriptions to ask for or renew."""
AT_ONCE = 20
"""Requests to hubs in one look: a thousand new sources are no reason for a thousand requests at once."""
BODY_SECONDS = 20.0
MOST_WAITING = 64
"""Documents that were pushed and are not stored yet; more are told to come back."""


class Subscriber:
    """runtime: the one in use at each turn; receive: takes a document in, as a poll would, and never beside one of the source."""

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        receive: Callable[[Source, Callable[[SourceState], Fetched]], Coroutine[Any, Any, None]],
    ) -> None:
        self._runtime = runtime
        self._receive = receive
        self._tasks: set[asyncio.Task[Any]] = set()
        self._by_token: dict[str, SourceId] | None = None

    def jobs(self) -> list[Job]:
        return [Job("hubs", LOOK, self.look)]

    def routes(self) -> list[Route]:
        return [Route("/push/{token}", self.verify, methods=["GET"]), Route("/push/{token}", self.pushed, methods=["POST"])]

    async def look(self) -> None:
        """Asks hubs for what is wanted now, and to end what is not wanted any more."""
        now, wanted = self._runtime().clock.now(), self._sources()
        stored = subscriptions.every(self._runtime().store)
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
        runtime = self._runtime()
        reply = await runtime.messenger.send(subscriptions.request(after, runtime.settings.site.url))
        answer = reply.detail if isinstance(reply, Fault) else str(reply.status)
        log.info("hub_asked", source=id, mode="unsubscribe" if after.leaving else "subscribe", answer=answer)

    async def verify(self, request: Request) -> Response:
        """The hub asks whether we asked (5.3), or refuses (5.2)."""
        found = self._find(request)
        if found is None:
            return short_response(request.scope, 404)
        id, push = found
        query = dict(request.query_params)
        if (after := subscriptions.denied(push, query)) is not None:
            await self._change(id, push.token, lambda push: subscriptions.denied(push, query))
            log.warning("hub_refused", source=id)
            return short_response(request.scope, 200)
        now = self._runtime().clock.now()
        answer = subscriptions.verified(push, query, now)
        if answer is None:
            return short_response(request.scope, 404)
        after, challenge = answer
        await self._change(id, push.token, lambda _: None if after.is_over(now) else after)
        if after.leaving:
            log.info("hub_left", source=id)
        else:
            log.info("hub_verified", source=id, lease=after.lease)
        return short_response(request.scope, 200, {"content-type": "text/plain; charset=utf-8"}, text=challenge)

    async def pushed(self, request: Request) -> Response:
        """A document (7). Unsigned or wrongly signed ones are acknowledged and thrown away, as section 8 says."""
        found = self._find(request)
        source = self._sources().get(found[0]) if found is not None else None
        if found is None or source is None:
            return short_response(request.scope, 404)
        if len(self._tasks) >= MOST_WAITING:
            return short_response(request.scope, 503, {"retry-after": "60"})
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await read_body(request.receive, self._runtime().settings.polling.max_bytes)
        except TimeoutError:
            return short_response(request.scope, 408)
        if body is None:
            return short_response(request.scope, 413)
        if not subscriptions.is_signed(found[1], request.headers.get("x-hub-signature"), body):
            log.warning("push_not_signed", source=source.id)
        else:
            self._take_in(source, request.headers, body)
        return short_response(request.scope, 202)

    def _take_in(self, source: Source, headers: Mapping[str, str], body: bytes) -> None:
        task = asyncio.create_task(self._receive(source, partial(document, headers.get("content-type", ""), body)))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("push_crashed", error=repr(error), exc_info=error)

    def _sources(self) -> dict[SourceId, Source]:
        """The sources that are to be pushed."""
        settings = self._runtime().settings
        return {source.id: source for source in settings.sources if source.enabled} if settings.network.websub else {}

    def _find(self, request: Request) -> tuple[SourceId, Push] | None:
        """Whose the address is: one look into the store, whoever asks. Tokens that hubs know are those of the last `look`."""
        store, token = self._runtime().store, request.path_params["token"]
        if self._by_token is None:
            self._by_token = {push.token: id for id, push in subscriptions.every(store).items()}
        id = self._by_token.get(token)
        push = subscriptions.known(store, id) if id is not None else None
        return (id, push) if id is not None and push is not None and push.token == token else None

    async def _change(self, id: SourceId, token: str, change: Callable[[Push], Push | None]) -> Push | None:
        """Changes what is stored, as it is by then; what has begun anew meanwhile (another token) stays as it is."""
        store = self._runtime().store

        def work(transaction: Transaction) -> Push | None:
            push = subscriptions.known(store, id)
            if push is None or push.token != token:
                return None
            after = change(push)
            subscriptions.save(transaction, id, after)
            return after

        return await self._runtime().writer.commit(work)

    async def drain(self) -> None:
        """Lets what was acknowledged be stored."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def document(content_type: str, body: bytes, state: SourceState) -> Fetched:
    """A push as a poll would have fetched it. Validators stay: the next poll asks with those of the last one.

    It says nothing of what it leaves out, as a delta (RFC 3229): many hubs send new entries alone.
    """
    headers = (("content-type", content_type),) if content_type else ()
    return Fetched(state.validators_url or state.url, 226, headers, body, state.validators)
