"""Subscriptions to sources' hubs: when they are asked for, renewed and ended, and what is believed of what comes."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs

import pytest
from msgspec.structs import replace

from aggregator.model import Feed
from aggregator.websub import subscriptions
from aggregator.websub.subscriptions import PushSubscription

NOW, HOUR, DAY = 1_700_000_000.0, 3_600.0, 86_400.0
HUB, TOPIC = "https://hub.example/", "https://one.example/feed.atom"
NEW = PushSubscription(HUB, TOPIC, "token", "secret")
ASKED = subscriptions.after_request(NEW, NOW)
ACTIVE = replace(ASKED, lease=10 * DAY, until=NOW + 10 * DAY, tries=0)
LEAVING = subscriptions.as_wanted(ACTIVE, False)
SUBSCRIBE = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": "c", "hub.lease_seconds": "864000"}


@pytest.mark.parametrize(
    ("push", "at", "wanted"),
    [
        (NEW, NOW, True),
        (ASKED, NOW + HOUR - 1, False),
        (ASKED, NOW + HOUR, True),
        (replace(ASKED, tries=2), NOW + HOUR, False),
        (replace(ASKED, tries=2), NOW + 2 * HOUR, True),
        (replace(ASKED, tries=99), NOW + 32 * HOUR, True),
        (ACTIVE, NOW + 7 * DAY, False),
        (ACTIVE, NOW + 8 * DAY, True),
        (ACTIVE, NOW - 300 * DAY, True),
        (LEAVING, NOW, True),
        (subscriptions.after_request(LEAVING, NOW), NOW + 60, False),
        (subscriptions.after_request(LEAVING, NOW), NOW + HOUR, True),
        (LEAVING, NOW + 11 * DAY, False),
    ],
    ids=[
        "new", "just asked", "not verified in an hour", "refused twice: later", "refused twice: then", "always refused: daily",
        "long lease left", "renewed in time", "the clock was set back", "ended at once", "asked to end", "asked again",
        "its lease ran out",
    ],
)  # fmt: skip
def test_when_a_hub_is_asked(push: PushSubscription, at: float, wanted: bool) -> None:
    assert push.should_ask(at) is wanted


@pytest.mark.parametrize(
    ("push", "change", "until"),
    [
        (ASKED, {}, NOW + 10 * DAY),
        (ASKED, {"hub.lease_seconds": "600"}, NOW + 600),
        (ASKED, {"hub.lease_seconds": ""}, NOW + 10 * DAY),
        (ASKED, {"hub.lease_seconds": "-1"}, NOW + 10 * DAY),
        (ASKED, {"hub.lease_seconds": "999999999999"}, NOW + 30 * DAY),
        (ASKED, {"hub.topic": TOPIC + "x"}, None),
        (ASKED, {"hub.challenge": ""}, None),
        (ASKED, {"hub.mode": "unsubscribe"}, None),
        (NEW, {}, None),
        (LEAVING, {}, None),
        (subscriptions.after_request(LEAVING, NOW), {}, None),
        (subscriptions.after_request(LEAVING, NOW), {"hub.mode": "unsubscribe"}, 0.0),
    ],
)
def test_verification_is_echoed_for_what_we_asked_alone(
    push: PushSubscription, change: dict[str, str], until: float | None
) -> None:
    answer = subscriptions.after_verification(push, SUBSCRIBE | change, NOW)
    assert (answer and (answer[0].until, answer[1])) == (None if until is None else (until, "c"))


def test_agreement_starts_the_count_of_tries_anew() -> None:
    answer = subscriptions.after_verification(replace(ASKED, tries=4), SUBSCRIBE, NOW)
    assert answer is not None
    assert (answer[0].tries, answer[0].lease) == (0, 10 * DAY)


def test_a_refusal_ends_it_and_is_asked_again_later() -> None:
    after = subscriptions.after_denial(ACTIVE, {"hub.mode": "denied", "hub.topic": TOPIC, "hub.reason": "no"})
    assert after is not None
    assert not after.is_active(NOW)
    assert not after.should_ask(NOW + 60)
    assert after.should_ask(NOW + HOUR)
    assert subscriptions.after_denial(ACTIVE, {"hub.mode": "denied", "hub.topic": "https://other.example/"}) is None


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_signed_by_the_secret_is_believed(method: str) -> None:
    digest = hmac.new(b"secret", b"<feed/>", getattr(hashlib, method)).hexdigest()
    assert subscriptions.is_signed(NEW, f"{method}={digest}", b"<feed/>")
    assert not subscriptions.is_signed(NEW, f"{method}={digest}", b"<feed>!</feed>")
    assert not subscriptions.is_signed(replace(NEW, secret="other"), f"{method}={digest}", b"<feed/>")


@pytest.mark.parametrize("signature", [None, "", "sha256", "sha256=", "sha256=zz", "md5=" + "0" * 32, "=", "sha256=ä"])
def test_whatever_else_is_no_signature(signature: str | None) -> None:
    assert not subscriptions.is_signed(NEW, signature, b"<feed/>")


def test_a_new_hub_or_topic_begins_anew_under_another_address() -> None:
    same = Feed("atom10", (), hub=HUB, self_url=TOPIC)
    assert subscriptions.after_document(ACTIVE, same, TOPIC) is ACTIVE
    first = subscriptions.after_document(None, same, TOPIC)
    for other in (replace(same, hub="https://other.example/"), replace(same, self_url=TOPIC + "2")):
        begun = subscriptions.after_document(ACTIVE, other, TOPIC)
        assert begun is not None
        assert first is not None
        assert not begun.is_active(NOW)
        assert len({begun.token, first.token, ACTIVE.token}) == len({begun.secret, first.secret, ACTIVE.secret}) == 3
    assert subscriptions.after_document(ACTIVE, replace(same, hub=None), TOPIC) is None
    bare = subscriptions.after_document(None, replace(same, self_url=None), "https://one.example/asked")
    assert bare is not None
    assert bare.topic == "https://one.example/asked"


@pytest.mark.parametrize(("push", "mode"), [(ASKED, "subscribe"), (LEAVING, "unsubscribe")])
def test_the_request_is_a_form_with_our_address(push: PushSubscription, mode: str) -> None:
    message = subscriptions.make_request(push, "https://news.example")
    form = {key: one for key, (one,) in parse_qs(message.body.decode()).items()}
    assert (message.method, message.url) == ("POST", HUB)
    assert (form["hub.mode"], form["hub.topic"]) == (mode, TOPIC)
    assert (form["hub.callback"], form["hub.secret"]) == ("https://news.example/push/token", "secret")


def test_what_comes_back_into_the_config_is_wanted_again() -> None:
    assert subscriptions.as_wanted(ACTIVE, True) is ACTIVE
    assert LEAVING.leaving
    asked = subscriptions.as_wanted(subscriptions.after_request(LEAVING, NOW), False)
    assert asked.asked == NOW, "it is told once, not at each look"
    again = subscriptions.as_wanted(LEAVING, True)
    assert not again.leaving
    assert LEAVING.has_ended(NOW + 11 * DAY)
    assert not LEAVING.has_ended(NOW)
