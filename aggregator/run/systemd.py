"""Notifies systemd of the daemon's state (sd_notify(3)): a datagram to the socket that $NOTIFY_SOCKET names."""

from __future__ import annotations

import os
import socket


def notify(message: str) -> bool:
    """Sends e.g. "READY=1"; returns False if there is no socket or nobody listens. Never raises."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):  # a name in the abstract namespace (unix(7))
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.connect(address)
            out.sendall(message.encode())
    except OSError:
        return False
    return True


def watchdog_interval() -> float | None:
    """Returns the seconds between two WATCHDOG=1: half of what systemd allows (sd_watchdog_enabled(3)); None without watchdog."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID")
    if not limit.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(limit) / 2_000_000
