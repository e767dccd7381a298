"""Sends single messages to addresses that strangers chose: over checked connections like a poll's, with tighter limits."""

from __future__ import annotations

import asyncio
import os

import httpx

from aggregator.fetch.dialer import Dialer
from aggregator.fetch.faults import KNOWN, fault_of
from aggregator.fetch.guard import Guard
from aggregator.fetch.request import encode_headers, identity
from aggregator.fetch.resolver import SystemResolver
from aggregator.fetch.target import Target, parse_target
from aggregator.fetch.tls import make_context
from aggregator.fetch.transport import DirectTransport
from aggregator.model import Fault, FaultKind
from aggregator.ports import Message, Reply
from aggregator.settings import Settings

SECONDS = 10.0
"""For a message and its answer together. A server that needs longer is tried again later."""
MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read: challenges are short."""


class HttpMessenger:
    """A `ports.Messenger` for one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._identity = tuple(pair for pair in identity(settings) if pair[0].lower() == "user-agent")
        dialer = Dialer(Guard(settings.network.allow), SystemResolver())
        self._transport = DirectTransport(dialer, make_context(os.environ), MAX_ANSWER)

    async def send(self, message: Message) -> Reply | Fault:
        """Implements `Messenger.send`."""
        target = parse_target(message.url)
        if isinstance(target, Fault):
            return target
        seconds = message.seconds or SECONDS
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                return await self._exchange(message, target)
        except KNOWN as error:
            if deadline.expired():
                return Fault(FaultKind.TIMEOUT, f"too slow: not done within {seconds:g} s")
            return fault_of(error, MAX_ANSWER)

    async def _exchange(self, message: Message, target: Target) -> Reply:
        login = (("Authorization", target.authorization),) if target.authorization is not None else ()
        headers = (*self._identity, ("Accept-Encoding", "identity"), ("Connection", "close"), *message.headers, *login)
        sent = httpx.Request(message.method, target.url, headers=encode_headers(headers), content=message.body)
        response = await self._transport.handle_async_request(sent)
        body = b""
        try:
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for part in response.stream:
                body += part
                if len(body) >= MAX_ANSWER:
                    break
        finally:
            await response.aclose()
        return Reply(response.status_code, body[:MAX_ANSWER])

    async def aclose(self) -> None:
        await self._transport.aclose()
