"""Requests through a proxy: httpx's own transport, with the checks that are possible on our side."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx

from aggregator.fetch.errors import AddressRefusedError, IncompleteError, ProxyFailedError
from aggregator.fetch.faults import clean
from aggregator.fetch.guard import Guard
from aggregator.model import Fault, FaultKind


class ProxyTransport(httpx.AsyncBaseTransport):
    """Sends requests through one proxy. The proxy resolves names, so only the name itself can be checked here.

    Raises ProxyFailedError in place of httpx's errors, AddressRefusedError and IncompleteError.
    """

    def __init__(self, proxy: str, context: ssl.SSLContext, guard: Guard) -> None:
        self._guard = guard
        with _translate_errors():
            to = httpx.Proxy(proxy, ssl_context=context if proxy.lower().startswith("https:") else None)
            limits = httpx.Limits(max_keepalive_connections=0)
            self._transport = httpx.AsyncHTTPTransport(proxy=to, verify=context, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        refusal = self._guard.refusal_of_host(request.url.raw_host.decode("ascii"))
        if refusal is not None:
            raise AddressRefusedError(refusal)
        with _translate_errors():
            response = await self._transport.handle_async_request(request)
        response.stream = _Body(response)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


class _Body(httpx.AsyncByteStream):
    """A body that reports a cut connection, which httpx takes for the end of the body."""

    def __init__(self, response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._stream = response.stream
        framed = not response.headers.keys().isdisjoint(("content-length", "transfer-encoding"))
        secure = response.extensions["network_stream"].get_extra_info("ssl_object")
        self._until_end: ssl.SSLObject | None = None if framed else secure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translate_errors():
            async for part in self._stream:
                yield part
        if self._until_end is not None and _is_torn(self._until_end):
            raise IncompleteError("the connection closed before the end of the body")

    async def aclose(self) -> None:
        with _translate_errors():
            await self._stream.aclose()


def _is_torn(secure: ssl.SSLObject) -> bool:
    """True if TLS ended without close_notify (RFC 8446 6.1)."""
    try:
        return secure.read(1) != b""
    except ssl.SSLError:
        return True


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Turns httpx's errors into ProxyFailedError. ImportError comes from a SOCKS proxy if `socksio` is not installed."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise ProxyFailedError(Fault(FaultKind.TIMEOUT, "too slow: no answer in time through the proxy")) from error
    except httpx.ProtocolError as error:
        text = f"protocol error through the proxy: {clean(str(error))}"
        raise ProxyFailedError(Fault(FaultKind.PROTOCOL, text)) from error
    except (httpx.HTTPError, httpx.InvalidURL, ImportError) as error:
        raise ProxyFailedError(Fault(FaultKind.CONNECT, f"the proxy failed: {clean(str(error))}")) from error
