"""A database on a server that no longer answers: strangers who ask for what needs it stop nothing else."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from aggregator.config.load import load
from aggregator.model import Fault, FaultKind
from aggregator.ports import Message, Reply
from aggregator.publish.shelf import Prepared, Shelf
from aggregator.serve.app import make_app
from aggregator.tag.check import check
from aggregator.websub.hub import Hub
from aggregator.websub.subscriber import Subscriber
from tests.unit.serve.asking import ask_async

SITE, TOPIC = "https://news.example", "/feeds/all.atom"
MANY = 60
PATIENCE = 20.0


class HangingStore:
    """Answers nobody until it is let go on, and holds no subscriptions."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()

    def subscription(self, topic: str, callback: str) -> None:
        self.goes_on.wait(PATIENCE)

    def count_subscriptions(self, topic: str, domain: str) -> tuple[int, int]:
        self.goes_on.wait(PATIENCE)
        return 0, 0

    def value(self, key: str) -> None:
        self.goes_on.wait(PATIENCE)

    def values(self, prefix: str) -> dict[str, str]:
        self.goes_on.wait(PATIENCE)
        return {}


class Nobody:
    async def send(self, message: Message) -> Reply | Fault:
        return Fault(FaultKind.CONNECT, "nobody is there")

    async def aclose(self) -> None: ...


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/push/guess", "GET", 404),
        ("/push/guess", "POST", 404),
        ("/hub", "POST", 202),
        ("/stories/guess.html", "GET", 404),
    ],
)
def test_a_feed_and_readyz_are_answered_meanwhile(tmp_path: Path, path: str, method: str, status: int) -> None:
    (tmp_path / "feeds.yaml").write_text(f"site: {{url: '{SITE}'}}\nnetwork: {{websub: true}}\nsources: ['https://a.example/']\n")
    settings, store, shelf = load(tmp_path / "feeds.yaml", check, {}), HangingStore(), Shelf()
    shelf.put(TOPIC, Prepared("application/atom+xml", b"<feed/>" * 20_000, 1, "public"))
    shelf.on_demand = lambda path, knows: store.value(path)
    unused: Any = lambda *_: None  # noqa: E731

    async def inside() -> None:
        given: Any = store
        hub = Hub(shelf, given, unused, Nobody, lambda: SITE, lambda: 1.0)
        subscriber = Subscriber(given, unused, Nobody, lambda: settings, lambda: 1.0, unused)
        app = make_app(shelf, ready=lambda: (True, {}), more=[*hub.endpoints(), *subscriber.endpoints()])

        def form(number: int) -> bytes:
            callback = f"https://reader{number}.example/"
            return urlencode({"hub.mode": "subscribe", "hub.topic": SITE + TOPIC, "hub.callback": callback}).encode()

        asked = [
            asyncio.create_task(ask_async(app, path, method, form(number) if method == "POST" else b"")) for number in range(MANY)
        ]
        try:
            await asyncio.sleep(0.1)
            assert not store.goes_on.is_set() and not any(one.done() for one in asked)
            async with asyncio.timeout(PATIENCE / 2):
                for public in (TOPIC, "/readyz", "/healthz"):
                    assert (await ask_async(app, public, accept_encoding="gzip")).status == 200
        finally:
            store.goes_on.set()
        assert {answer.status for answer in await asyncio.gather(*asked)} <= {status, 503}
        await asyncio.gather(*hub._pending)

    asyncio.run(inside())
