"""Sends messages to channels: Mastodon over our own connection, all others by Apprise in a process of its own.

That process can be killed: Apprise blocks, follows no time limit that holds for a whole answer, and reads answers of any size.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping
from importlib.util import find_spec

from aggregator.channels import mastodon
from aggregator.fetch.request import identity
from aggregator.ports import FAILED, SENT, UNKNOWN, Messenger, Notice, Sent
from aggregator.settings import Settings

MISSING = (
    "channels need Apprise: `pip install 'aggregator[notify]'` (with pipx: `pipx inject aggregator apprise`; from a checkout: "
    "`.venv/bin/pip install --require-hashes --no-deps -r requirements-extras.lock`)"
)
"""What to say where the extra is missing."""
ENDED = "the process that sends has ended"
SECONDS = 30.0
"""For a message and its answers together."""
WORKER = (sys.executable, "-P", "-m", "aggregator.channels.worker")


def has_apprise() -> bool:
    """Whether the extra is installed. Imports nothing of it."""
    return find_spec("apprise") is not None


class Senders:
    """A `ports.ChannelSender`. allow: see `network.allow`; messenger: for services that we speak to ourselves."""

    def __init__(self, allow: Collection[str], user_agent: str, messenger: Messenger, seconds: float = SECONDS) -> None:
        self._allow = tuple(allow)
        self._user_agent = user_agent
        self._messenger = messenger
        self._seconds = seconds

    async def send(self, url: str, notice: Notice, begin: Callable[[], Awaitable[None]]) -> Sent:
        """Implements `ChannelSender.send`."""
        if mastodon.is_address(url):
            await begin()
            return await mastodon.post(url, notice, self._messenger)
        if not has_apprise():
            return Sent(FAILED, MISSING)
        return await self._by_apprise(url, notice, begin)

    async def _by_apprise(self, url: str, notice: Notice, begin: Callable[[], Awaitable[None]]) -> Sent:
        worker = await asyncio.create_subprocess_exec(
            *WORKER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=worker_environment(),
        )  # fmt: skip
        begun = False
        try:
            async with asyncio.timeout(self._seconds):
                ready = await _ask(worker, {"url": url, "allow": self._allow, "agent": self._user_agent})
                if ready.get("outcome") != "ready":
                    return Sent(FAILED, ready.get("why", ENDED))
                await begin()
                begun = True
                message = {"title": notice.title, "body": notice.body, "html": notice.html, "subject": notice.subject}
                answer = await _ask(worker, message | {"key": notice.key})
                return Sent(answer.get("outcome", UNKNOWN), answer.get("why", "") if answer else ENDED)
        except TimeoutError:
            return Sent(UNKNOWN if begun else FAILED, f"too slow: not done within {self._seconds:g} s")
        finally:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()


def make_senders(settings: Settings, messenger: Messenger) -> Senders:
    """The sender of a config."""
    agent = next(value for name, value in identity(settings) if name == "User-Agent")
    return Senders(settings.network.allow, agent, messenger)


async def _ask(worker: asyncio.subprocess.Process, question: Mapping[str, object]) -> dict[str, str]:
    """The answer to a line of JSON; nothing if the process has ended."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(json.dumps(question).encode() + b"\n")
        await worker.stdin.drain()
        line = await worker.stdout.readline()
        found = json.loads(line) if line else {}
    except (ConnectionError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("outcome") in ("ready", SENT, FAILED) else {}


def worker_environment() -> dict[str, str]:
    """Our environment without proxies: like webhooks, channels are reached directly."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
