"""Sends single messages to addresses that strangers chose: over the same checked connections as a poll, with narrow bounds."""

from __future__ import annotations

import asyncio
import os

import httpx

from aggregator.fetch.dialer import Dialer
from aggregator.fetch.faults import KNOWN, fault_of
from aggregator.fetch.guard import Guard
from aggregator.fetch.names import Names
from aggregator.fetch.request import encoded, identity
from aggregator.fetch.target import Target, parse
from aggregator.fetch.tls import context
from aggregator.fetch.transport import DirectTransport
from aggregator.model import Fault, FaultKind
from aggregator.ports import Message, Reply
from aggregator.settings import Settings

SECONDS = 10.0
"""For the whole of a message and its answer. Who needs longer is asked again later."""
MOST_BYTES = 64 * 1024
"""Of an answer that are read: challenges are short."""


class HttpMessenger:
    """A `ports.Messenger`. For one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._identity = tuple(pair for pair in identity(settings) if pair[0].lower() == "user-agent")
        dialer = Dialer(Guard(settings.network.allow), Names())
        self._transport = DirectTransport(dialer, context(os.environ), MOST_BYTES)

    async def send(self, message: Message) -> Reply | Fault:
        """See `Messenger.send`."""
        target = parse(message.url)
        if isinstance(target, Fault):
            return target
        deadline = asyncio.timeout(SECONDS)
        try:
            async with deadline:
                return await self._exchange(message, target)
        except KNOWN as error:
            if deadline.expired():
                return Fault(FaultKind.TIMEOUT, f"too slow: not done within {SECONDS:g} s")
            return fault_of(error, MOST_BYTES)

    async def _exchange(self, message: Message, target: Target) -> Reply:
        login = (("Authorization", target.authorization),) if target.authorization is not None else ()
        headers = (*self._identity, ("Accept-Encoding", "identity"), ("Connection", "close"), *message.headers, *login)
        sent = httpx.Request(message.method, target.url, headers=encoded(headers), content=message.body)
        response = await self._transport.handle_async_request(sent)
        body = b""
        try:
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for part in response.stream:
                body += part
                if len(body) >= MOST_BYTES:
                    break
        finally:
            await response.aclose()
        return Reply(response.status_code, body[:MOST_BYTES])

    async def aclose(self) -> None:
        await self._transport.aclose()
