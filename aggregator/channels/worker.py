"""The process that sends one message by Apprise: `python -m aggregator.channels.worker`, one line of JSON for each step.

It gets the address and says `ready`, then gets the message and says what became of it. Nothing else leaves it: Apprise's log
lines may hold parts of the address. Connections go to public addresses and those in `network.allow` alone, whatever resolves or
redirects to others. The only module that knows Apprise, beside mail.py.
"""

from __future__ import annotations

import json
import logging
import re
import resource
import sys
from collections.abc import Collection, Mapping
from typing import Any

from aggregator.fetch.guard import Guard

MEMORY = 400_000_000
"""Bytes of data: Apprise needs a tenth of it. An answer that needs more ends this process, not the daemon."""
NOT_KNOWN = "Apprise does not know this address, or a part of it is missing"
SENDING = frozenset(("socket.connect", "socket.sendto", "socket.sendmsg"))
"""Audit events of sockets that name whom they speak to; the latter two without a connection (UDP: syslog, Growl)."""
REFUSED = "it could not be reached, or refused the message"
_STATUS = re.compile(r"error=(\d{3})(?:\d\d)?\b")
"""How Apprise's plugins log an HTTP status. Of an error of ntfy itself, such as 40301, it is the beginning."""
_BROKEN = (
    ("Connection refused", "connection refused: nothing listens there"),
    ("NameResolutionError", "its name has no address"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
    ("WRONG_VERSION_NUMBER", "it speaks no TLS: its scheme may be one without the `s` at the end"),
    ("timed out", "no answer in time"),
    ("Connection reset", "connection reset by the server"),
    ("unreachable", "there is no way to it in the network"),
)
"""What the log lines of a failed connection hold, and what is told of it: the lines themselves may hold parts of the address."""


class Watch(logging.Handler):
    """Keeps what may be told of a failure: the last HTTP status, how a connection broke, and the last address not allowed."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(logging.DEBUG)
        self._guard = guard
        self.status = ""
        self.refused = ""

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if record.levelno < logging.WARNING:  # holds the message itself, too
            if said.startswith("Socket Exception"):
                self.status = next((words for part, words in _BROKEN if part in said), self.status)
        elif match := _STATUS.search(said):
            self.status = f"answered {match[1]}"

    def check(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook (PEP 578): refuses connections right where they are made, so that no second look-up can differ."""
        if event in SENDING and isinstance(arguments[1], tuple):
            refusal = self._guard.refusal(str(arguments[1][0]))
            if refusal is not None:
                self.refused = refusal
                raise PermissionError(refusal)

    @property
    def why(self) -> str:
        return self.refused or self.status or REFUSED


def load(url: str, agent: str) -> Any:
    """Apprise's plugin for an address; None if it knows none."""
    from apprise import Apprise, AppriseAsset
    from apprise.common import OverflowMode

    asset = AppriseAsset(app_id=agent.partition("/")[0], app_desc=agent, async_mode=False)
    plugin = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if plugin is not None:
        plugin.redirects = False
        if "overflow=" not in url:
            plugin.overflow_mode = OverflowMode.TRUNCATE
    return plugin


def send(plugin: Any, message: Mapping[str, str], agent: str, watch: Watch) -> dict[str, str]:
    """Sends the message. Returns its outcome as `senders` reads it."""
    from apprise import NotifyFormat

    from aggregator.channels import mail

    if mail.is_plain(plugin):
        why = mail.send(plugin, message, agent)
        return {"outcome": "failed", "why": watch.refused or why} if why else {"outcome": "sent"}
    try:
        done = plugin.notify(body=message["body"], title=message["title"], body_format=NotifyFormat.TEXT)
    except PermissionError:  # some plugins let pass what the watch raises
        if not watch.refused:
            raise
        done = False
    return {"outcome": "sent"} if done else {"outcome": "failed", "why": watch.why}


def check(urls: Collection[str]) -> list[bool]:
    """Which of these addresses Apprise knows."""
    return [load(url, "aggregator") is not None for url in urls]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the address
    question = _read()
    if "urls" in question:
        _quieten()
        _say({"known": check(question["urls"])})
        return
    watch = Watch(Guard(question["allow"]))
    _quieten(watch)
    plugin = load(question["url"], question["agent"])
    if plugin is None:
        _say({"outcome": "failed", "why": NOT_KNOWN})
        return
    sys.addaudithook(watch.check)
    _say({"outcome": "ready"})
    if message := _read():
        _say(send(plugin, message, question["agent"], watch))


def _quieten(watch: Watch | None = None) -> None:
    """Has all log lines of all libraries end here."""
    root = logging.getLogger()
    root.handlers[:] = [watch or logging.NullHandler()]
    root.setLevel(logging.WARNING)
    if watch is not None:
        logging.getLogger("apprise").setLevel(logging.DEBUG)  # why a connection broke is told on this level alone


def _read() -> dict[str, Any]:
    line = sys.stdin.readline()
    found = json.loads(line) if line else {}
    assert isinstance(found, dict)
    return found


def _say(answer: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
