"""The way through a proxy, by httpx: loaded when a source has one."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from aggregator.fetch.errors import IncompleteError
from aggregator.fetch.faults import ProxyFailedError, clean
from aggregator.fetch.target import Target
from aggregator.fetch.transport import Response
from aggregator.model import Fault, FaultKind

FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Headers that say where a body ends, so that the end of the connection does not."""


class ProxyTransport:
    """One proxy. It resolves names itself: no address can be checked there. Raises ProxyFailedError for what httpx raises."""

    def __init__(self, proxy: str, context: ssl.SSLContext) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        with _told():
            to = httpx.Proxy(proxy, ssl_context=context if proxy.lower().startswith("https:") else None)
            self._transport = httpx.AsyncHTTPTransport(proxy=to, verify=context, trust_env=False, limits=limits)

    async def ask(self, target: Target, headers: list[tuple[bytes, bytes]], extensions: dict[str, Any]) -> Response:
        """The answer to a GET."""
        with _told():
            request = httpx.Request("GET", target.url, headers=headers, extensions=extensions)
            return _Answer(await self._transport.handle_async_request(request))

    async def aclose(self) -> None:
        await self._transport.aclose()


class _Answer:
    """httpx's response as ours."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
        self.headers: Sequence[tuple[str, str]] = [(name.lower(), value) for name, value in pairs]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        secure = self._response.extensions["network_stream"].get_extra_info("ssl_object")
        with _told():
            async for part in self._response.stream:
                yield part
        if secure is not None and not any(name in FRAMING for name, _ in self.headers) and _is_torn(secure):
            raise IncompleteError("the connection closed before the end of the body")

    async def aclose(self) -> None:
        with _told():
            await self._response.aclose()


def _is_torn(secure: ssl.SSLObject) -> bool:
    """Whether TLS ended without its farewell, which httpx takes for the end of a body all the same."""
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
