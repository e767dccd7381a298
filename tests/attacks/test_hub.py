"""The hub's door: nobody makes it work much, or hammer a third party, or serve one domain's thousand callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from aggregator.model import Fault
from aggregator.ports import Message, Reply, Subscription, Transaction
from aggregator.publish.shelf import Prepared, Shelf
from aggregator.serve.app import make_app
from aggregator.store.sqlite import SqliteStore
from aggregator.websub import hub, hub_rules
from aggregator.websub.hub import Hub
from tests.unit.serve.asking import Answer, ask_async

NOW, SITE, TOPIC = 1_700_000_000.0, "https://news.example", "/feeds/all.atom"


class World:
    """Everybody else: echoes each challenge, as soon as `open` is set."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.open = asyncio.Event()

    async def send(self, message: Message) -> Reply | Fault:
        self.asked.append(message.url)
        await self.open.wait()
        return Reply(200, parse_qs(urlsplit(message.url).query)["hub.challenge"][0].encode())

    async def aclose(self) -> None: ...


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "news.db")


def post(store: SqliteStore, callbacks: Sequence[str], *, slow: bool = False, **more: str) -> tuple[list[Answer], World]:
    """Asks the hub for a subscription of each callback. slow: the world answers only afterwards."""

    async def commit(work: Callable[[Transaction], None]) -> None:
        with store.begin() as transaction:
            work(transaction)

    async def inside() -> tuple[list[Answer], World]:
        shelf, world = Shelf(), World()
        shelf.put(TOPIC, Prepared("application/atom+xml", b"<feed/>", 1, "public"))
        made = Hub(shelf, store, commit, lambda: world, lambda: SITE, lambda: NOW)
        app = make_app(shelf, ready=lambda: (True, {}), more=made.endpoints())
        answers = []
        if not slow:
            world.open.set()
        for callback in callbacks:
            form = {"hub.mode": "subscribe", "hub.topic": SITE + TOPIC, "hub.callback": callback} | more
            answers.append(await ask_async(app, "/hub", "POST", urlencode(form).encode()))
            await asyncio.sleep(0)
        asked = len(world.asked)
        world.open.set()
        await asyncio.gather(*made._pending)
        world.asked = world.asked[:asked] if slow else world.asked
        return answers, world

    return asyncio.run(inside())


def statuses(answers: Sequence[Answer]) -> list[int]:
    return [answer.status for answer in answers]


def test_a_third_party_is_asked_seldom_whoever_asks_us_to(store: SqliteStore) -> None:
    answers, world = post(store, [f"https://{'abc'[n % 3]}.victim.example:{n % 2 + 443}/{n}" for n in range(500)])
    assert len(world.asked) == hub_rules.RATE_PER_DOMAIN
    assert statuses(answers).count(429) == 500 - hub_rules.RATE_PER_DOMAIN
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_many_domains_together_are_bounded_too(store: SqliteStore) -> None:
    answers, world = post(store, [f"https://victim{n}.example/" for n in range(hub_rules.RATE_IN_ALL + 50)])
    assert len(world.asked) == hub_rules.RATE_IN_ALL
    assert statuses(answers[-50:]) == [429] * 50


def test_unsubscribing_others_hammers_nobody_either(store: SqliteStore) -> None:
    _, world = post(store, [f"https://victim.example/{n}" for n in range(200)], **{"hub.mode": "unsubscribe"})
    assert len(world.asked) == hub_rules.RATE_PER_DOMAIN


def test_a_domain_that_does_not_answer_leaves_others_their_turn(store: SqliteStore) -> None:
    slow = [f"https://slow.example/{n}" for n in range(20)]
    answers, world = post(store, [*slow, "https://reader.example/cb"], slow=True)
    assert statuses(answers) == [202] * hub.PENDING_PER_DOMAIN + [503] * (20 - hub.PENDING_PER_DOMAIN) + [202]
    assert len(world.asked) == hub.PENDING_PER_DOMAIN + 1


def test_strangers_can_not_keep_a_subscriber_from_renewing(store: SqliteStore) -> None:
    mine = "https://cb.reader.example/1"
    with store.begin() as transaction:
        transaction.save_subscription(Subscription(TOPIC, mine, None, NOW + 999, NOW, "reader.example"))
    asked_for_others = [f"https://cb.reader.example/x{n}" for n in range(60)] + [f"https://v{n}.example/" for n in range(400)]
    answers, _ = post(store, [*asked_for_others, mine])
    assert statuses(answers)[-2:] == [429, 202]
    waiting = [f"https://w{n}.example/" for n in range(hub.MOST_PENDING + 1)]
    answers, _ = post(store, [*waiting, mine], slow=True)
    assert statuses(answers)[-2:] == [503, 202]


def test_a_domain_has_bounded_subscriptions_whatever_its_hosts(store: SqliteStore) -> None:
    with store.begin() as transaction:
        for number in range(hub_rules.PER_DOMAIN):
            callback = f"https://h{number}.reader.example/"
            transaction.save_subscription(Subscription(TOPIC, callback, None, NOW + 999, NOW, "reader.example"))
    answers, _ = post(store, ["https://one-more.reader.example/", "https://h7.reader.example/", "https://other.example/"])
    assert statuses(answers) == [400, 202, 202]  # no more of it; a renewal; somebody else
    assert len(store.subscriptions()) == hub_rules.PER_DOMAIN + 1


def test_what_a_request_costs_does_not_grow_with_what_is_stored(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Subscriptions are looked up and counted by indexes (test_plans.py says so of every query), and never read as a whole."""
    with store.begin() as transaction:
        for number in range(8_000):
            topic = TOPIC if number < 1_900 else f"/feeds/t{number % 9}.atom"
            one = Subscription(topic, f"https://r{number}.example/", None, NOW + 999, NOW, f"r{number}.example")
            transaction.save_subscription(one)
    monkeypatch.setattr(SqliteStore, "subscriptions", lambda *_: pytest.fail("all were read"))
    answers, _ = post(store, ["https://one-more.example/", "https://r7.example/"])
    assert statuses(answers) == [202, 202]


@pytest.mark.parametrize("secret", ["s" * 200, "s" * 5_000, "é" * 100])
def test_a_secret_of_200_bytes_or_more_is_refused(store: SqliteStore, secret: str) -> None:
    answers, world = post(store, ["https://reader.example/"], **{"hub.secret": secret})
    assert statuses(answers) == [400]
    assert world.asked == []


@pytest.mark.parametrize("bad", ["\r\n", "\n", "\r", "\t", "\x00", "\x1f", "\x7f", "\x85", "\u2028", " "])
def test_a_callback_with_control_characters_is_refused(store: SqliteStore, bad: str) -> None:
    answers, world = post(
        store, [f"https://reader.example/cb{bad}x", f"https://reader.example/{bad}", f"{bad}https://a.example/"]
    )
    assert statuses(answers) == [400] * 3
    assert world.asked == []


@pytest.mark.parametrize(
    "callback",
    [
        "https://user:key@reader.example/cb",
        "https://user@reader.example/cb",
        "https://reader.example/cb#part",
        "https://reader.example\\@other.example/cb",
        "https://reader.example/caf\u00e9",
        "https://reader.example/<cb>",
        "https://reader.example/%zz",
        "https://reader.example:0/cb",
        "https://reader.example/cb%0D%0AHost:%20other.example",
        "https://reader.example/cb?x=%00",
        "https:/reader.example/cb",
        "//reader.example/cb",
    ],
)
def test_a_callback_that_could_not_be_asked_as_it_is_written_is_refused(store: SqliteStore, callback: str) -> None:
    answers, world = post(store, [callback])
    assert statuses(answers) == [400]
    assert world.asked == []


def test_the_longest_secret_and_a_callback_with_a_query_are_taken(store: SqliteStore) -> None:
    callback = "https://reader.example:8443/cb/%C3%A9;v=1?id=a'b(1)&next=%2Fx"
    answers, _ = post(store, [callback], **{"hub.secret": "\u00e9" * 99 + "s"})
    assert statuses(answers) == [202]
    assert [one.callback for one in store.subscriptions()] == [callback]


def test_an_address_is_one_third_party_however_it_is_written(store: SqliteStore) -> None:
    hosts = [
        "9.9.9.9",
        "0x09090909",
        "151587081",
        "9.9.2313",
        "011.9.9.9",
        "0x9.0x9.0x9.0x9",
        "[::ffff:9.9.9.9]",
        "[64:ff9b::909:909]",
    ]
    _, world = post(store, [f"http://{host}/{n}" for n in range(20) for host in hosts])
    assert len(world.asked) == hub_rules.RATE_PER_DOMAIN
