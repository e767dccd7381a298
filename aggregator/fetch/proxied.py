"""The way through a proxy: httpx's own transport, with what can be checked from here."""

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
    """One proxy. It resolves names itself, so that only what a host's name tells can be checked.

    Raises ProxyFailedError for what httpx raises, AddressRefusedError and IncompleteError.
    """

    def __init__(self, proxy: str, context: ssl.SSLContext, guard: Guard) -> None:
        self._guard = guard
        with _told():
            to = httpx.Proxy(proxy, ssl_context=context if proxy.lower().startswith("https:") else None)
            limits = httpx.Limits(max_keepalive_connections=0)
            self._transport = httpx.AsyncHTTPTransport(proxy=to, verify=context, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        refusal = self._guard.refusal_of_host(request.url.raw_host.decode("ascii"))
        if refusal is not None:
            raise AddressRefusedError(refusal)
        with _told():
            response = await self._transport.handle_async_request(request)
        response.stream = _Body(response)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


class _Body(httpx.AsyncByteStream):
    """A body that says so when it was cut, which httpx takes for its end."""

    def __init__(self, response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._stream = response.stream
        framed = not response.headers.keys().isdisjoint(("content-length", "transfer-encoding"))
        secure = response.extensions["network_stream"].get_extra_info("ssl_object")
        self._until_end: ssl.SSLObject | None = None if framed else secure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told():
            async for part in self._stream:
                yield part
        if self._until_end is not None and _is_torn(self._until_end):
            raise IncompleteError("the connection closed before the end of the body")

    async def aclose(self) -> None:
        with _told():
            await self._stream.aclose()


def _is_torn(secure: ssl.SSLObject) -> bool:
    """Whether TLS ended without its farewell."""
    try:
        return secure.read(1) != b""
    except ssl.SSLError:
        return True


@contextmanager
def _told() -> Iterator[None]:
    """Puts what httpx raises into words. ImportError: a SOCKS proxy without its package."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise ProxyFailedError(Fault(FaultKind.TIMEOUT, "too slow: no answer in time through the proxy")) from error
    except httpx.ProtocolError as error:
        text = f"protocol error through the proxy: {clean(str(error))}"
        raise ProxyFailedError(Fault(FaultKind.PROTOCOL, text)) from error
    except (httpx.HTTPError, httpx.InvalidURL, ImportError) as error:
        raise ProxyFailedError(Fault(FaultKind.CONNECT, f"the proxy failed: {clean(str(error))}")) from error
