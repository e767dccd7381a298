"""A network of a test's own, which it may take away: a network namespace with nothing but loopback in it. And a name server."""

from __future__ import annotations

import ctypes
import os
import re
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000
OUTLETS = "127.0.3.0/24"
"""Where the outlets of presses.py live."""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def own_network() -> Iterator[None]:
    """What this thread starts inside (threads, processes) sees a network without a way out. Skips where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET) != 0:
            pytest.skip("needs the right to make a network namespace")
        try:
            ip("link", "set", "lo", "up")
            yield
        finally:
            assert libc.setns(before, CLONE_NEWNET) == 0
    finally:
        os.close(before)


@contextmanager
def no_route() -> Iterator[None]:
    """While the block lasts, nothing leads to the outlets (ENETUNREACH), as when a cable is out."""
    ip("route", "add", "throw", OUTLETS, "table", "local")
    try:
        yield
    finally:
        ip("route", "del", "throw", OUTLETS, "table", "local")


class NameServer:
    """Answers the machine's resolver for these names (IPv4 alone) while it is open. Inside `own_network`."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._addresses = addresses
        asked = re.search(r"^nameserver\s+([0-9.]+)", Path("/etc/resolv.conf").read_text(), re.MULTILINE)
        if asked is None:
            pytest.skip("needs a name server in /etc/resolv.conf to stand in for")
        self._place = (asked[1], 53)
        ip("address", "replace", f"{asked[1]}/32", "dev", "lo")

    def open(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(self._place)
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.sendto(b"", self._place)  # an empty question ends it
        self._thread.join(5)
        self._socket.close()

    def _answer(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(512)
            if not query:
                return
            self._socket.sendto(_reply(query, self._addresses), sender)


def _reply(query: bytes, addresses: dict[str, str]) -> bytes:
    """RFC 1035 4: the question again, and one A record if it asks for one that is known; else none."""
    end, labels = 12, []
    while query[end]:
        labels.append(query[end + 1 : end + 1 + query[end]].decode())
        end += 1 + query[end]
    question = query[12 : end + 5]
    kind = struct.unpack(">H", question[-4:-2])[0]
    found = addresses.get(".".join(labels).lower())
    records = b""
    if found is not None and kind == 1:
        records = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(found)
    flags = 0x8180 if found is not None else 0x8183
    return query[:2] + struct.pack(">HHHHH", flags, 1, bool(records), 0, 0) + question + records
