"""A site made of scripted sources, served by the real server, to be asked as a stranger would."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from aggregator.app import make_resources, make_runtime
from aggregator.config.load import load
from aggregator.model import FetchOutcome
from aggregator.publish.site.ownership import SITE_ID
from aggregator.run.runtime import Resources
from aggregator.run.service import Service
from aggregator.store.sqlite import SqliteStore
from aggregator.tag.check import check
from tests.unit.chain.newsroom import HandClock, Newsroom

SAME_SITE = "7d3f6a52-2222-4d0b-9f57-2f6f6f1d7c11"
"""A database's own id is random, and feeds' ids are made of it: two sites that are compared byte by byte have one."""
_DATE = re.compile(rb"\r\ndate: [^\r]*")


@dataclass
class Site:
    """The daemon's inside with its own database, scripted sources and a clock that a test moves."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)
    answers: dict[str, FetchOutcome] = field(default_factory=dict)
    port: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = SqliteStore(self.folder / "data" / "aggregator.db")
        with self.store.begin() as transaction:
            transaction.set_value(SITE_ID, SAME_SITE)
        self.newsroom = Newsroom(self.folder, self.store, self.clock, self.answers)

    def live_with(self, config: str, *ids: str) -> None:
        """Adopts a config, polls (these sources or all) and publishes."""
        self.newsroom.configure(config)
        self.newsroom.poll(*ids)

    def serve(self, work: Callable[[Site, Service], Coroutine[Any, Any, None]]) -> None:
        """Starts the daemon's inside with the config as it is now, and stops it after `work`."""
        asyncio.run(self._serve(work))

    async def _serve(self, work: Callable[[Site, Service], Coroutine[Any, Any, None]]) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        config = self.folder / "feeds.yaml"
        settings = load(config, check, {})
        resources: Resources = replace(make_resources(settings, self.store), clock=self.clock)
        service = Service(make_runtime(settings, resources), lambda: load(config, check, {}), make_runtime, listener)
        await service.start()
        try:
            await work(self, service)
        finally:
            await service.drain(0.0)

    async def ask(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
        """The whole answer to one request, as it came over the wire, but for its date."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"{method} {target} HTTP/1.1", "Host: news.example", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        lines += [f"Content-Length: {len(body)}"] if body else []
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return _DATE.sub(b"", answer)
