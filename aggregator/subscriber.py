"""Subscribing to sources' hubs while the daemon runs, and taking in what they push. The rules are in pushes.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator import pushes
from aggregator.model import Fault, Fetched, Source, SourceId, SourceState
from aggregator.ports import Job, Transaction
from aggregator.pushes import Push
from aggregator.runtime import Runtime
from aggregator.serve.answers import read_body, short_response

log = structlog.get_logger("subscriber")

LOOK = 60.0
"""Seconds between two looks for subscriptions to ask for or renew."""
AT_ONCE = 20
"""Requests to hubs in one look: a thousand new sources are no reason for a thousand requests at once."""
BODY_SECONDS = 20.0


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

    def jobs(self) -> list[Job]:
        return [Job("hubs", LOOK, self.look)]

    def routes(self) -> list[Route]:
        return [Route("/push/{token}", self.verify, methods=["GET"]), Route("/push/{token}", self.pushed, methods=["POST"])]

    async def look(self) -> None:
        """Asks hubs for what is wanted now."""
        runtime, now = self._runtime(), self._runtime().clock.now()
        if not runtime.settings.network.websub:
            return
        wanted = [(source, push) for source, push in self._all() if push.is_wanted(now)][:AT_ONCE]
        for source, push in wanted:
            await self._save(source.id, replace(push, asked=now))
            reply = await runtime.messenger.send(pushes.subscription(push, runtime.settings.site.url))
            answer = reply.detail if isinstance(reply, Fault) else str(reply.status)
            log.info("hub_asked", source=source.id, answer=answer)

    async def verify(self, request: Request) -> Response:
        """The hub asks whether we asked (5.3), or refuses (5.2)."""
        found = self._find(request)
        if found is None:
            return short_response(request.scope, 404)
        source, push = found
        query = dict(request.query_params)
        if (after := pushes.denied(push, query)) is not None:
            await self._save(source.id, after)
            log.warning("hub_refused", source=source.id)
            return short_response(request.scope, 200)
        answer = pushes.verified(push, query, self._runtime().clock.now())
        if answer is None:
            return short_response(request.scope, 404)
        await self._save(source.id, answer[0])
        log.info("hub_verified", source=source.id, lease=answer[0].lease)
        return short_response(request.scope, 200, {"content-type": "text/plain; charset=utf-8"}, text=answer[1])

    async def pushed(self, request: Request) -> Response:
        """A document (7). Unsigned or wrongly signed ones are acknowledged and thrown away, as section 8 says."""
        found = self._find(request)
        if found is None:
            return short_response(request.scope, 404)
        source, push = found
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await read_body(request.receive, self._runtime().settings.polling.max_bytes)
        except TimeoutError:
            return short_response(request.scope, 408)
        if body is None:
            return short_response(request.scope, 413)
        if not pushes.is_signed(push, request.headers.get("x-hub-signature"), body):
            log.warning("push_not_signed", source=source.id)
        else:
            self._take_in(source, request.headers.get("content-type", ""), body)
        return short_response(request.scope, 202)

    def _take_in(self, source: Source, content_type: str, body: bytes) -> None:
        task = asyncio.create_task(self._receive(source, partial(document, content_type, body)))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("push_crashed", error=repr(error), exc_info=error)

    def _all(self) -> list[tuple[Source, Push]]:
        runtime = self._runtime()
        found = ((source, pushes.known(runtime.store, source.id)) for source in runtime.settings.sources if source.enabled)
        return [(source, push) for source, push in found if push is not None]

    def _find(self, request: Request) -> tuple[Source, Push] | None:
        if not self._runtime().settings.network.websub:
            return None
        token = request.path_params["token"]
        return next((one for one in self._all() if one[1].token == token), None)

    async def _save(self, source: SourceId, push: Push) -> None:
        await self._runtime().writer.commit(partial(_save, source, push))

    async def drain(self) -> None:
        """Lets what was acknowledged be stored."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def document(content_type: str, body: bytes, state: SourceState) -> Fetched:
    """A push as a poll would have fetched it. Validators stay: the next poll asks with those of the last one."""
    headers = (("content-type", content_type),) if content_type else ()
    return Fetched(state.validators_url or state.url, 200, headers, body, state.validators)


def _save(source: SourceId, push: Push, transaction: Transaction) -> None:
    pushes.save(transaction, source, push)
