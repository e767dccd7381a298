"""Connects to a host: resolves its name, checks every address, and tries only the addresses that were checked.

No second look-up can lead elsewhere (DNS rebinding), and each hop of a redirect passes the same check.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
from collections.abc import Sequence

from aiohappyeyeballs import AddrInfoType, start_connection
from httpx import ConnectError, ConnectTimeout

from aggregator.fetch.errors import AddressRefusedError, NameNotFoundError, OfflineError
from aggregator.fetch.guard import Guard, literal_address
from aggregator.fetch.resolver import Resolve
from aggregator.fetch.wire import Wire

NEXT_AFTER = 0.25
"""Seconds until the next address is tried, too, if none has answered (RFC 8305 8 recommends this delay)."""
MAX_EACH = 8
"""Addresses of one family that are tried: a name can have hundreds, and each silent one holds a descriptor."""

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_ERRNO = re.compile(r"\[Errno (\d+)\]")


class Dialer:
    """Opens connections to allowed addresses."""

    def __init__(self, guard: Guard, resolve: Resolve) -> None:
        self._guard = guard
        self._resolve = resolve

    async def connect(self, host: str, port: int, seconds: float) -> Wire:
        """A connection to the first allowed address that answers. Raises httpx.ConnectError, its kinds, and ConnectTimeout."""
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await _connect_first(self._allowed(host, await self._addresses(host, port)), port)
        except TimeoutError as error:
            if limit.expired():
                raise ConnectTimeout(f"no connection within {seconds:g} s") from error
            raise

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        address = literal_address(host)
        if address is not None:
            return (str(address),)
        try:
            return await self._resolve(host, port)
        except (OSError, ValueError, OverflowError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise OfflineError(f"no name server could tell the address of {host}") from error
            raise NameNotFoundError(f"{host} can't be resolved (no such name)") from error

    def _allowed(self, host: str, addresses: Sequence[str]) -> list[str]:
        judged = [(address, self._guard.refusal(address)) for address in addresses]
        allowed = [address for address, refusal in judged if refusal is None]
        if not allowed:
            refused = next(((address, refusal) for address, refusal in judged if refusal), None)
            if refused is None:
                raise NameNotFoundError(f"{host} can't be resolved (it has no address)")
            raise AddressRefusedError(refused[1], refused[0])
        return allowed


async def _connect_first(addresses: Sequence[str], port: int) -> Wire:
    """Connects to the first address that answers, IPv6 and IPv4 in turn (Happy Eyeballs, RFC 8305)."""
    try:
        connected = await start_connection(_infos(addresses, port), happy_eyeballs_delay=NEXT_AFTER)
    except OverflowError as error:
        raise ConnectError("can't connect") from error
    except OSError as error:
        raise _error_of(error) from error
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Wire(connected)


def _infos(addresses: Sequence[str], port: int) -> list[AddrInfoType]:
    """The addresses in the form of `getaddrinfo`, in order, at most MAX_EACH of a family."""
    of_each: dict[socket.AddressFamily, list[AddrInfoType]] = {}
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        of_each.setdefault(family, []).append((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)))
    return [info for infos in of_each.values() for info in infos[:MAX_EACH]]


def _error_of(error: OSError) -> ConnectError:
    """The error to report when no address answered. Several errnos come in one message: any but "no route" is preferred."""
    numbers = [error.errno] if error.errno is not None else [int(number) for number in _ERRNO.findall(str(error))]
    number = next((number for number in numbers if number not in _NO_ROUTE), None)
    if numbers and number is None:
        return OfflineError("no route to the server from here")
    match number:
        case errno.ECONNREFUSED:
            return ConnectError("connection refused")
        case errno.ETIMEDOUT:
            return ConnectError("no connection in time")
        case errno.ECONNRESET:
            return ConnectError("connection reset")
        case None:
            return ConnectError("can't connect")
        case _:
            return ConnectError(os.strerror(number).lower())
