"""The rules of the hub, and which deliveries a change causes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model import Fault, FaultKind, Slug
from aggregator.ports import HUB_DENIAL, HUB_DOCUMENT, Delivery, Reply, Subscription
from aggregator.publish.entry.feed_ids import feed_entry_id
from aggregator.publish.messages import webhooks
from aggregator.publish.publisher import Publisher
from aggregator.settings import Output
from aggregator.store.sqlite import SqliteStore
from aggregator.websub import deliveries, hub_rules
from aggregator.websub.hub_rules import HubRequest, Refused
from tests.unit.publish import samples
from tests.unit.publish.samples import NOON, change_story, item, open_outputs, store_story

TOPIC = "https://news.example.org/feeds/all.atom"
GOOD = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.callback": "https://reader.example/cb?id=1"}


def topic_of(url: str) -> str | None:
    return "/feeds/all.atom" if url == TOPIC else None


@pytest.mark.parametrize(
    ("changes", "lease"),
    [
        ({}, 864_000),
        ({"hub.lease_seconds": "3600"}, 3600),
        ({"hub.lease_seconds": "1"}, 300),
        ({"hub.lease_seconds": "99999999"}, 864_000),
        ({"hub.lease_seconds": "-5"}, 864_000),
        ({"hub.secret": "s" * 199}, 864_000),
    ],
)
def test_good_requests(changes: dict[str, str], lease: int) -> None:
    asked = hub_rules.read_request(GOOD | changes, topic_of)
    assert isinstance(asked, HubRequest)
    assert (asked.topic, asked.lease, asked.secret) == ("/feeds/all.atom", lease, changes.get("hub.secret"))


@pytest.mark.parametrize(
    "changes",
    [
        {"hub.mode": ""},
        {"hub.mode": "publish"},
        {"hub.topic": "https://other.example/feeds/all.atom"},
        {"hub.callback": "ftp://reader.example/"},
        {"hub.callback": "/cb"},
        {"hub.callback": "https://reader.example/#x"},
        {"hub.secret": "s" * 200},
        {"hub.secret": "é" * 100},
        {"hub.callback": "https://reader.example/cb\r\nHost: other.example"},
        {"hub.callback": "https://reader.example/c\tb"},
        {"hub.callback": " https://reader.example/cb"},
        {"hub.callback": "https://reader.example/\x00"},
        {"hub.callback": "https://reader.example/\x7f"},
        {"hub.callback": "https://reader.example/\u2028"},
    ],
)
def test_bad_requests_are_told_why(changes: dict[str, str]) -> None:
    assert isinstance(hub_rules.read_request(GOOD | changes, topic_of), Refused)


def test_verification_keeps_the_callbacks_own_query() -> None:
    asked = hub_rules.read_request(GOOD, topic_of)
    assert isinstance(asked, HubRequest)
    assert hub_rules.verification_url(asked, "abc") == (
        "https://reader.example/cb?id=1&hub.mode=subscribe&hub.topic=https%3A%2F%2Fnews.example.org%2Ffeeds%2Fall.atom"
        "&hub.challenge=abc&hub.lease_seconds=864000"
    )


@pytest.mark.parametrize(
    ("reply", "confirmed"),
    [
        (Reply(200, b"abc"), True),
        (Reply(204, b"abc"), True),
        (Reply(302, b"abc"), False),
        (Reply(200, b"abc\n"), False),
        (Reply(200, b""), False),
        (Reply(404, b"abc"), False),
        (Fault(FaultKind.ADDRESS, "private address"), False),
    ],
)
def test_intent_is_an_exact_echo(reply: Reply | Fault, confirmed: bool) -> None:
    assert hub_rules.is_confirmed(reply, "abc") is confirmed


@pytest.mark.parametrize(
    ("callback", "domain"),
    [
        ("https://a.reader.example/cb", "reader.example"),
        ("http://news.bbc.co.uk:8080/", "bbc.co.uk"),
        ("http://192.0.2.7/", "192.0.2.7"),
        ("http://[2001:db8:1:2:3::7]:80/", "2001:db8:1:2::/64"),
        ("http://[2001:db8:1:2:ffff::]/", "2001:db8:1:2::/64"),
    ],
)
def test_whose_a_callback_is(callback: str, domain: str) -> None:
    assert hub_rules.domain_of(callback) == domain


def test_verifications_are_rationed_by_domain_and_in_all() -> None:
    rate = hub_rules.RateLimit()
    assert [rate.wait("a.example", NOON) for _ in range(hub_rules.RATE_PER_DOMAIN)] == [None] * hub_rules.RATE_PER_DOMAIN
    assert rate.wait("a.example", NOON + 50) == 10
    others = hub_rules.RATE_IN_ALL - hub_rules.RATE_PER_DOMAIN
    assert {rate.wait(f"r{number}.example", NOON) for number in range(others)} == {None}
    assert rate.wait("one-more.example", NOON) == 60
    assert rate.wait("a.example", NOON + 60) is None
    assert rate.wait("a.example", NOON - 9999) is None, "a clock that was set back holds up nobody"


DUE = Delivery(HUB_DOCUMENT, "/feeds/all.atom", "https://reader.example/cb", "", "v1", NOON, NOON)


@pytest.mark.parametrize("reply", [Reply(500, b""), Reply(301, b""), Reply(404, b""), Fault(FaultKind.TIMEOUT, "too slow")])
def test_failures_are_tried_again_ever_later_for_a_day(reply: Reply | Fault) -> None:
    delivery, now, waits = DUE, NOON, []
    while (outcome := hub_rules.decide_outcome(delivery, reply, now)).retry is not None:
        delivery = outcome.retry
        waits.append(delivery.due - now)
        now = delivery.due
    assert waits[:3] == [60, 120, 240]
    assert waits == sorted(waits)
    assert 40_000 < now - NOON <= 86_400
    assert "given up" in outcome.reason


def test_success_and_gone_end_it() -> None:
    assert hub_rules.decide_outcome(DUE, Reply(202, b""), NOON) == hub_rules.Outcome("delivered")
    assert hub_rules.decide_outcome(DUE, Reply(410, b""), NOON).ended


def test_the_signature_is_that_of_the_specification() -> None:
    assert webhooks.sign("key", b"The quick brown fox jumps over the lazy dog") == (
        "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def test_a_change_is_owed_to_subscribers_of_what_changed(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path)
    open_outputs(store, settings)
    publisher = Publisher(settings, store)
    story = store_story(store, item(1))
    publisher.publish(None, NOON)
    with store.begin() as transaction:
        for topic in ("/feeds/all.atom", "/feeds/ukraine.atom"):
            transaction.save_subscription(Subscription(topic, "https://reader.example/cb", "key", NOON + 999, NOON))
        transaction.save_subscription(Subscription("/feeds/all.json", "https://late.example/cb", None, NOON, NOON))
    publisher.publish(None, NOON + 1)
    assert store.deliveries(NOON + 5, 10) == []
    change_story(store, story, "Better", NOON + 2)
    publisher.publish(None, NOON + 2)
    (delivery,) = store.deliveries(NOON + 5, 10)
    assert (delivery.kind, delivery.topic, delivery.target) == ("websub", "/feeds/all.atom", "https://reader.example/cb")
    message = deliveries.Composer(settings, store, publisher.shelf).compose_document(delivery)
    assert message is not None
    assert message.body == (tmp_path / "public/feeds/all.atom").read_bytes()
    headers = dict(message.headers)
    assert headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert headers["Link"] == f'<https://news.example.org/hub>; rel="hub", <{TOPIC}>; rel="self"'
    assert headers["X-Hub-Signature"] == webhooks.sign("key", message.body)


def test_subscribers_of_a_feed_that_ends_are_told(tmp_path: Path, store: SqliteStore) -> None:
    callback = "https://reader.example/cb"
    with store.begin() as transaction:
        for topic in ("/feeds/all.atom", "/feeds/ukraine.atom"):
            transaction.save_subscription(Subscription(topic, callback, None, NOON + 999, NOON))
    settings = samples.settings(tmp_path, Output(Slug("all"), "All"))
    publisher = Publisher(settings, store)
    publisher.publish(None, NOON)
    assert [one.topic for one in store.subscriptions()] == ["/feeds/all.atom"]
    (word,) = [one for one in store.deliveries(NOON, 9) if one.kind == HUB_DENIAL]
    message = deliveries.Composer(settings, store, publisher.shelf).compose_denial(word)
    assert message is not None and message.method == "GET"
    assert message.url.startswith(callback + "?hub.mode=denied&hub.topic=https%3A%2F%2Fnews.example.org%2Ffeeds%2Fukraine.atom")


def test_a_webhook_is_told_each_new_or_changed_story_once(tmp_path: Path, store: SqliteStore) -> None:
    output = Output(Slug("all"), "All", webhook="https://desk.example/hook", webhook_secret="key")
    settings = samples.settings(tmp_path, output)
    open_outputs(store, settings)
    old = store_story(store, item(1))
    publisher = Publisher(settings, store)
    publisher.publish(None, NOON)
    assert store.deliveries(NOON + 5, 10) == []  # what is there already is no news
    new = store_story(store, item(2))
    publisher.publish(None, NOON + 1)
    publisher.publish(None, NOON + 2)
    assert [one.subject for one in store.deliveries(NOON + 5, 10)] == [new]
    change_story(store, old, "Better", NOON + 300)
    publisher.publish(None, NOON + 300)
    due = store.deliveries(NOON + 300, 10)
    assert [one.subject for one in due] == [new, old]
    message = webhooks.WebhookComposer(settings, store).entry(due[1])
    assert message is not None
    assert json.loads(message.body)["title"] == "Better"
    assert dict(message.headers)["X-Hub-Signature"] == webhooks.sign("key", message.body)
    per_feed = replace(settings, publish=replace(settings.publish, ids="per-feed"))
    message = webhooks.WebhookComposer(per_feed, store).entry(due[1])
    assert message is not None
    assert json.loads(message.body)["id"] == feed_entry_id(old, "all")
