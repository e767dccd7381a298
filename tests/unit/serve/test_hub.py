"""The hub: subscriptions, deliveries, and broken receivers that must not affect others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from aggregator.model import Fault, FaultKind
from aggregator.ports import Delivery, Message, Reply, Subscription, Transaction
from aggregator.publish.shelf import Prepared, Shelf
from aggregator.serve.app import make_app
from aggregator.store.sqlite import SqliteStore
from aggregator.websub.hub import Hub
from aggregator.websub.outbox import Outbox
from tests.unit.publish.samples import NOON
from tests.unit.serve.asking import ask_async

SITE = "https://news.example.org"
FAULT = Fault(FaultKind.TIMEOUT, "too slow")
CALLBACK = "https://reader.example/cb"
FORM = {"hub.mode": "subscribe", "hub.topic": SITE + "/feeds/all.atom", "hub.callback": CALLBACK, "hub.secret": "key"}


class Receivers:
    """Stands in for the network: answers by host, remembers what it was sent."""

    def __init__(self, answer: Callable[[Message], Reply | Fault] | None = None) -> None:
        self.sent: list[Message] = []
        self.hold: asyncio.Event | None = None
        self._answer = answer or self.echo

    @staticmethod
    def echo(message: Message) -> Reply | Fault:
        return Reply(200, parse_qs(urlsplit(message.url).query).get("hub.challenge", [""])[0].encode())

    async def send(self, message: Message) -> Reply | Fault:
        self.sent.append(message)
        if self.hold is not None and "slow" in message.url:
            await self.hold.wait()
        return self._answer(message)

    async def aclose(self) -> None: ...


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def commit(store: SqliteStore) -> Callable[[Callable[[Transaction], None]], object]:
    async def run(work: Callable[[Transaction], None]) -> None:
        with store.begin() as transaction:
            work(transaction)

    return run


def shelf() -> Shelf:
    made = Shelf()
    made.put("/feeds/all.atom", Prepared("application/atom+xml; charset=utf-8", b"<feed/>", 1, "public"))
    made.put("/feeds/desk.atom", Prepared("application/atom+xml; charset=utf-8", b"<feed/>", 1, "private", token="t"))
    return made


def post(store: SqliteStore, receivers: Receivers, form: dict[str, str]) -> int:
    """Sends a form to the hub, waits until what follows is done, returns the status."""

    async def run() -> int:
        hub = Hub(shelf(), store, commit(store), lambda: receivers, lambda: SITE, lambda: NOON)  # type: ignore[arg-type]
        app = make_app(shelf(), ready=lambda: (True, {}), more=hub.endpoints())
        got = await ask_async(app, "/hub", "POST", urlencode(form).encode())
        await asyncio.gather(*hub._pending)
        return got.status

    return asyncio.run(run())


def test_subscribe_renew_unsubscribe(store: SqliteStore) -> None:
    receivers = Receivers()
    assert post(store, receivers, FORM) == 202
    asked = parse_qs(urlsplit(receivers.sent[0].url).query)
    assert (asked["hub.mode"], asked["hub.topic"]) == (["subscribe"], [SITE + "/feeds/all.atom"])
    assert store.subscriptions() == [Subscription("/feeds/all.atom", CALLBACK, "key", NOON + 864_000, NOON, "reader.example")]
    assert post(store, receivers, FORM | {"hub.lease_seconds": "600"}) == 202
    assert [one.lease_until for one in store.subscriptions()] == [NOON + 600]
    assert post(store, receivers, FORM | {"hub.mode": "unsubscribe"}) == 202
    assert store.subscriptions() == []


@pytest.mark.parametrize(
    "answer", [Reply(200, b"something else"), Reply(302, b""), Reply(404, b""), Fault(FaultKind.ADDRESS, "private address")]
)
def test_nobody_is_subscribed_who_does_not_say_so(store: SqliteStore, answer: Reply | Fault) -> None:
    assert post(store, Receivers(lambda message: answer), FORM) == 202
    assert store.subscriptions() == []


def test_a_stranger_can_not_unsubscribe_others(store: SqliteStore) -> None:
    post(store, Receivers(), FORM)
    post(store, Receivers(lambda message: Reply(404, b"")), FORM | {"hub.mode": "unsubscribe"})
    assert len(store.subscriptions()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"hub.topic": "https://elsewhere.example/feeds/all.atom"},
        {"hub.topic": SITE + "/feeds/desk.atom"},
        {"hub.topic": SITE + "/opml.xml"},
        {"hub.callback": "https://reader.example/cb#"},
        {"hub.callback": "javascript:alert(1)"},
    ],
)
def test_only_our_public_feeds_and_real_callbacks(store: SqliteStore, changes: dict[str, str]) -> None:
    receivers = Receivers()
    assert post(store, receivers, FORM | changes) == 400
    assert receivers.sent == []


def test_the_door_has_bounds(store: SqliteStore) -> None:
    assert post(store, Receivers(), FORM | {"x": "y" * 9000}) == 413


def owe(store: SqliteStore, *targets: str, kind: str = "test", due: float = NOON) -> None:
    with store.begin() as transaction:
        for target in targets:
            transaction.save_delivery(Delivery(kind, "/feeds/all.atom", target, "", "v1", NOON, due))


def test_a_slow_receiver_delays_nobody(store: SqliteStore) -> None:
    owe(store, *(f"https://slow.example/{n}" for n in range(8)), *(f"https://r{n}.example/" for n in range(6)))
    receivers = Receivers()

    async def run() -> None:
        receivers.hold = asyncio.Event()
        box = Outbox(store, commit(store), lambda: receivers, {"test": lambda one: Message("POST", one.target)}, lambda: NOON)  # type: ignore[arg-type]
        await box.send_due()
        for _ in range(200):
            await asyncio.sleep(0.002)
            if len(store.deliveries(NOON, 99)) == 8 and sum("slow" in message.url for message in receivers.sent) == 4:
                break
        assert {one.target.split("/")[2] for one in store.deliveries(NOON, 99)} == {"slow.example"}
        assert sum("slow" in message.url for message in receivers.sent) == 4  # at once to one host
        await box.drain()

    asyncio.run(run())
    assert len(store.deliveries(NOON, 99)) == 8  # what was cut off stays owed


def test_failures_are_kept_for_later_and_gone_ends_a_subscription(store: SqliteStore) -> None:
    owe(store, "https://broken.example/", "https://gone.example/", kind="websub")
    with store.begin() as transaction:
        transaction.save_subscription(Subscription("/feeds/all.atom", "https://gone.example/", None, NOON + 9999, NOON))
    receivers = Receivers(lambda message: Reply(410 if "gone" in message.url else 500, b""))

    async def run() -> None:
        box = Outbox(store, commit(store), lambda: receivers, {"websub": lambda one: Message("POST", one.target)}, lambda: NOON)  # type: ignore[arg-type]
        await box.send_due()
        await asyncio.gather(*box._under_way.values())

    asyncio.run(run())
    assert store.subscriptions() == []
    assert store.deliveries(NOON, 9) == []
    (later,) = store.deliveries(NOON + 60, 9)
    assert (later.target, later.attempts, later.last_error) == ("https://broken.example/", 1, "answered 500")


def test_what_nobody_is_owed_any_more_is_forgotten(store: SqliteStore) -> None:
    owe(store, "https://left.example/")
    receivers = Receivers()

    async def run() -> None:
        box = Outbox(store, commit(store), lambda: receivers, {"test": lambda one: None}, lambda: NOON)  # type: ignore[arg-type]
        await box.send_due()
        await asyncio.gather(*box._under_way.values())

    asyncio.run(run())
    assert receivers.sent == [] and store.deliveries(NOON, 9) == []


def test_many_slow_receivers_delay_nobody(store: SqliteStore) -> None:
    """However many they are: of one domain before everybody else, and of more domains than there are places."""
    one_domain = [f"https://h{n}.slow.example/{n}" for n in range(300)]
    domains = [f"https://slow{n}.example/" for n in range(40)]
    owe(store, *one_domain, *domains)
    owe(store, *(good := [f"https://z{n}.example/" for n in range(6)]), due=NOON + 1)
    receivers = Receivers(lambda message: FAULT if "slow" in message.url else Receivers.echo(message))

    async def run() -> None:
        receivers.hold = asyncio.Event()
        box = Outbox(store, commit(store), lambda: receivers, {"test": lambda one: Message("POST", one.target)}, lambda: NOON + 2)  # type: ignore[arg-type]
        await box.send_due()
        receivers.hold.set()  # they have failed once, after as long as they liked
        await asyncio.gather(*box._under_way.values())
        receivers.hold.clear()
        for _ in range(20):
            await box.send_due()
            await asyncio.sleep(0.01)
        assert set(good) <= {message.url for message in receivers.sent}
        await box.drain()

    asyncio.run(run())
