"""What is told to channels while stories come, the config is edited, and channels fail. Only the channels are not real."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.channels.outbox import ChannelOutbox, Parts
from aggregator.errors import ConfigError
from aggregator.ports import EVENTS, FAILED, SENT, Event, Notice, Sent, Store
from aggregator.publish.messages import notifications
from aggregator.publish.messages.channel_messages import ChannelComposer, tame
from aggregator.publish.messages.channel_states import STATE
from aggregator.publish.messages.webhooks import WebhookComposer, sign
from aggregator.run.monitoring import health, status
from aggregator.run.monitoring.metrics import Metrics
from aggregator.settings import DAY, numbered_channels
from aggregator.store.writer import Writer
from tests.unit.chain.newsroom import HOUR, Newsroom, entry
from tests.unit.chain.test_thresholds import NAMES, SOURCES, report

DESK = '\noutputs: [{slug: desk, title: Desk, query: "ferry OR bank OR @everyone", notify: [%s]}]'
FERRY = "Ferry Osprey sinks off Marlen harbour"


class Killed(Exception):
    """The process ends after a message has arrived and before anything is stored of that."""


class Channels:
    """Channels that note what they are told. answers: by a word in their address."""

    def __init__(self) -> None:
        self.answers: dict[str, Sent] = {}
        self.told: list[tuple[str, Notice]] = []
        self.log: list[tuple[str, Notice]] = []
        self.dies = False

    async def send(self, url: str, notice: Notice, begin: Callable[[], Awaitable[None]]) -> Sent:
        await begin()
        sent = next((answer for word, answer in self.answers.items() if word in url), Sent(SENT))
        if sent.outcome == SENT:
            self.told.append((url, notice))
            self.log.append((url, notice))
        if self.dies:
            raise Killed
        return sent

    def take(self) -> list[Notice]:
        told, self.told = [notice for _, notice in self.told], []
        return told


@pytest.fixture
def channels() -> Channels:
    return Channels()


def configure(newsroom: Newsroom, *notify: str, more: str = "") -> None:
    newsroom.configure(SOURCES + DESK % ", ".join(notify) + more)
    for name in NAMES:
        newsroom.serves(f"https://{name}.example/feed.json", *newsroom.brought.get(f"https://{name}.example/feed.json", []))
    newsroom.poll()
    newsroom.clock.time += 60


def deliver(newsroom: Newsroom, channels: Channels, metrics: Metrics | None = None) -> list[Notice]:
    """Tells all that may be told now."""

    async def work() -> None:
        writer = Writer(newsroom.store)
        parts = Parts(newsroom.settings, ChannelComposer(newsroom.settings, newsroom.store), channels)
        record = (metrics or Metrics()).record_message
        outbox = ChannelOutbox(newsroom.store, writer.commit, lambda: parts, newsroom.clock.now, record)
        for _ in range(60):
            await outbox.send_due()
            if not outbox._under_way:
                break
            await asyncio.gather(*outbox._under_way.values(), return_exceptions=True)
            if channels.dies:
                break

    asyncio.run(work())
    return channels.take()


def flood(newsroom: Newsroom, count: int) -> None:
    words = "anchor bridge castle dragon engine falcon garden hammer island jacket kettle ladder magnet needle orange".split()
    for number in range(count):
        one, two = words[number % 15], words[number // 15]
        report(newsroom, "alpha", title=f"{one.title()} {two} bank {number}", text=f"The {one} of bank {number} and its {two}.")


def test_a_story_is_told_once_however_often_it_changes(newsroom: Newsroom, channels: Channels) -> None:
    configure(newsroom, '"ntfys://ntfy.example/a"', '"slack://A/B/C"')
    report(newsroom, "alpha")
    first = deliver(newsroom, channels)
    assert [one.title for one in first] == [FERRY, FERRY]
    assert first[0].body == "alpha.example\nhttps://alpha.example/0"
    report(newsroom, "beta", "gamma")
    assert len(newsroom.stories()[0].outlets) == 3
    assert deliver(newsroom, channels) == []


def test_metrics_tell_what_came_of_messages_and_what_waits(newsroom: Newsroom, channels: Channels) -> None:
    channels.answers = {"slack": Sent(FAILED, "refused")}
    configure(newsroom, '"ntfys://ntfy.example/a"', '"slack://A/B/C"')
    report(newsroom, "alpha")
    metrics = Metrics()
    assert newsroom.store.counts()["messages_waiting"] == 2
    deliver(newsroom, channels, metrics)
    text = metrics.render(newsroom.store.counts()).decode()
    assert 'aggregator_channel_messages_total{outcome="sent",service="ntfys"} 1.0' in text
    assert 'aggregator_channel_messages_total{outcome="failed",service="slack"} 1.0' in text
    assert 'aggregator_store{what="messages_waiting"} 1.0' in text


def test_a_threshold_of_its_own(newsroom: Newsroom, channels: Channels) -> None:
    configure(newsroom, '{url: "slack://A/B/C", when: "outlets>=3", template: "{title} ({count}): {outlets} {{{link}}}"}')
    report(newsroom, "alpha", "beta")
    assert deliver(newsroom, channels) == []
    report(newsroom, "gamma")
    [notice] = deliver(newsroom, channels)
    assert notice.title == ""
    assert notice.subject == FERRY
    assert notice.body == f"{FERRY} (3): alpha.example, beta.example, gamma.example {{https://alpha.example/0}}"
    report(newsroom, "delta")
    assert deliver(newsroom, channels) == []


def test_edits_of_the_config_tell_no_old_stories(newsroom: Newsroom, channels: Channels) -> None:
    configure(newsroom, '"slack://A/B/C"')
    report(newsroom, "alpha", "beta")
    assert len(deliver(newsroom, channels)) == 1
    configure(newsroom, '{url: "slack://A/B/C", template: "{title}"}', '"ntfys://ntfy.example/a"')
    assert deliver(newsroom, channels) == []
    configure(newsroom, '{url: "slack://A/B/C", when: "outlets>=2"}', '"ntfys://ntfy.example/a"')
    assert deliver(newsroom, channels) == []
    configure(newsroom, '{url: "slack://A/B/C", when: "outlets>=1"}')
    assert deliver(newsroom, channels) == []
    configure(newsroom)
    report(newsroom, "gamma", title="Central bank of Norland raises its rate", text="The bank said that prices had risen.")
    configure(newsroom, '{url: "slack://A/B/C", when: "outlets>=1"}', '"ntfys://ntfy.example/a"')
    assert deliver(newsroom, channels) == []
    report(newsroom, "delta", title="Central bank of Norland raises its rate", text="The bank said that prices had risen.")
    assert deliver(newsroom, channels) == []
    report(newsroom, "delta", title="Bank clerks strike in Norland", text="Clerks of all banks stayed at home on Monday.")
    assert [one.title for one in deliver(newsroom, channels)] == ["Bank clerks strike in Norland"] * 2


def test_what_waits_for_a_channel_that_is_taken_out_is_forgotten(newsroom: Newsroom, channels: Channels) -> None:
    channels.answers["slack"] = Sent(FAILED, "answered 500")
    configure(newsroom, '"slack://A/B/C"')
    report(newsroom, "alpha")
    deliver(newsroom, channels)
    configure(newsroom)
    channels.answers.clear()
    configure(newsroom, '"slack://A/B/C"')
    newsroom.clock.time += 2 * HOUR
    assert deliver(newsroom, channels) == []
    assert newsroom.store.channels_told() == []


def test_a_flood_comes_as_few_messages_that_name_everything(newsroom: Newsroom, channels: Channels) -> None:
    configure(newsroom, '{url: "slack://A/B/C", limit: 3/h}')
    flood(newsroom, 30)
    told = deliver(newsroom, channels)
    assert [one.title for one in told[:2]] == ["Anchor anchor bank 0", "Bridge anchor bank 1"]
    assert len(told) == 3
    assert told[-1].title == "28 stories: Desk"
    assert told[-1].body.count("https://alpha.example/") == 20
    assert told[-1].body.endswith("and 8 more: http://127.0.0.1:8080/topics/desk.html")
    report(newsroom, "beta")
    assert deliver(newsroom, channels) == []
    newsroom.clock.time += HOUR
    assert [one.title for one in deliver(newsroom, channels)] == [FERRY]


def test_stories_of_one_document_are_told_in_their_order(newsroom: Newsroom, channels: Channels) -> None:
    configure(newsroom, '"slack://A/B/C"', '{url: "ntfys://ntfy.example/a", when: "outlets>=1"}')
    names = ("Magnet", "Anchor", "Needle", "Bridge", "Kettle", "Castle")
    rows = []
    for place, name in enumerate(names):
        at, text = newsroom.clock.time - 600 + 60 * place, f"The {name} was a house of savers."
        rows.append(entry(f"{name} bank closes", id=name, at=at, url=f"https://alpha.example/{name}", text=text))
    newsroom.serves("https://alpha.example/feed.json", *rows)
    newsroom.poll("alpha")
    deliver_to: dict[str, list[str]] = {"slack": [], "ntfys": []}
    deliver(newsroom, channels)
    for url, notice in channels.log:
        deliver_to[url.partition(":")[0]].append(notice.title.split()[0])
    assert deliver_to["slack"] == list(names)
    assert sorted(deliver_to["ntfys"]) == sorted(names)


def test_a_failing_channel_holds_up_no_other_and_is_told(newsroom: Newsroom, channels: Channels) -> None:
    channels.answers["slack"] = Sent(FAILED, "answered 500")
    configure(newsroom, '"slack://A/B/C"', '"ntfys://ntfy.example/a"')
    for name in ("Anchor", "Bridge", "Castle", "Dragon"):
        report(newsroom, "alpha", title=f"{name} bank closes", text=f"The {name} was a house of savers.")
        assert len(deliver(newsroom, channels)) == 1
        newsroom.clock.time += 2 * HOUR
    assert [one.title for one in conditions(newsroom)] == ["Channel 1 (slack) of desk fails"]
    assert "answered 500" in conditions(newsroom)[0].detail
    with newsroom.store.begin() as transaction:
        for event in health.diff_events((), conditions(newsroom), newsroom.clock.now()):
            transaction.save_event(event)
    problems = status.daemon_problems(newsroom.settings, newsroom.store)
    assert any(one.startswith("Channel 1 (slack) of desk fails: ") for one in problems)
    newsroom.publisher.show_health()
    shown = newsroom.publisher.shelf.get("/health.atom")
    assert shown is not None
    assert b"desk" not in shown.body, "the feed may be private"
    channels.answers.clear()
    assert len(deliver(newsroom, channels)) == 4
    assert conditions(newsroom) == []


def test_what_a_failing_channel_loses_is_told_though_its_failures_were(newsroom: Newsroom, channels: Channels) -> None:
    """Three failures, then a day."""
    channels.answers["slack"] = Sent(FAILED, "answered 500")
    configure(newsroom, '"slack://A/B/C"')
    report(newsroom, "alpha")
    for _ in range(3):
        deliver(newsroom, channels)
        newsroom.clock.time += HOUR
    assert [event.title for event in tell_conditions(newsroom)] == ["Channel 1 (slack) of desk fails"]
    newsroom.clock.time += DAY
    deliver(newsroom, channels)
    assert [event.title for event in tell_conditions(newsroom)] == ["Channel 1 (slack) of desk loses messages"]
    problems = status.daemon_problems(newsroom.settings, newsroom.store)
    assert any(one.startswith("Channel 1 (slack) of desk loses messages: ") for one in problems)
    newsroom.publisher.show_health()
    shown = newsroom.publisher.shelf.get("/health.atom")
    assert shown is not None and b"desk" not in shown.body, "the feed may be private"
    channels.answers.clear()
    report(newsroom, "alpha", title="Dragon bank closes", text="The Dragon was a house of savers.")
    assert len(deliver(newsroom, channels)) == 1
    assert [event.closed for event in tell_conditions(newsroom)] == [newsroom.clock.now()] * 2


def tell_conditions(newsroom: Newsroom) -> list[Event]:
    """Stores what has begun or is over since the last look, and returns it."""
    events = health.diff_events(newsroom.store.events(EVENTS), conditions(newsroom), newsroom.clock.now())
    with newsroom.store.begin() as transaction:
        for event in events:
            transaction.save_event(event)
    return events


def conditions(newsroom: Newsroom) -> list[health.Condition]:
    states = newsroom.store.values(STATE)
    return list(health.channel_conditions(numbered_channels(newsroom.settings), states, newsroom.clock.now()))


def test_a_message_that_may_have_arrived_is_told_twice_at_most(newsroom: Newsroom, channels: Channels) -> None:
    configure(newsroom, '"slack://A/B/C"')
    report(newsroom, "alpha")
    channels.dies = True
    keys = [one.key for _ in range(4) for one in deliver(newsroom, channels)]
    assert len(keys) == 2
    assert keys[0] == keys[1]
    channels.dies = False
    assert deliver(newsroom, channels) == []
    report(newsroom, "beta", title="Bank of Norland raises its rate", text="The bank said that prices had risen.")
    assert len(deliver(newsroom, channels)) == 1


def test_what_is_taken_down_before_it_is_told_is_not_told(newsroom: Newsroom, channels: Channels) -> None:
    configure(newsroom, '"slack://A/B/C"')
    report(newsroom, "alpha")
    newsroom.configure((SOURCES + DESK % '"slack://A/B/C"').replace("ferry OR", ""))
    newsroom.publisher.publish(None, newsroom.clock.time)
    assert deliver(newsroom, channels) == []
    assert newsroom.store.channels_told() == []


def test_a_message_in_flight_arrives_before_the_daemon_ends(newsroom: Newsroom, channels: Channels) -> None:
    configure(newsroom, '"slack://A/B/C"')
    report(newsroom, "alpha")

    async def work() -> None:
        writer = Writer(newsroom.store)
        parts = Parts(newsroom.settings, ChannelComposer(newsroom.settings, newsroom.store), channels)
        outbox = ChannelOutbox(newsroom.store, writer.commit, lambda: parts, newsroom.clock.now)
        await outbox.send_due()
        await outbox.drain()

    asyncio.run(work())
    assert [one.title for one in channels.take()] == [FERRY]
    assert deliver(newsroom, channels) == []


def test_no_headline_calls_the_people_of_a_chat(newsroom: Newsroom, channels: Channels) -> None:
    configure(newsroom, '"discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"')
    report(newsroom, "alpha", title="@everyone <!channel> <@U024BE7LH> ferry of @anna@chat.example", text="Free tickets.")
    [notice] = deliver(newsroom, channels)
    for call in ("@everyone", "<!channel", "<@", "@anna", "@chat"):
        assert call not in notice.title
    assert notice.title.replace("\u2060", "").startswith("@everyone")
    assert tame("see https://medium.example/@anna/1") == "see https://medium.example/%40anna/1"


@pytest.mark.parametrize(
    "call",
    ["<users/all>", '<at user_id="all"></at>', "<https://evil.example/|https://bank.example>", "[bank](https://evil.example)"],
)
def test_nor_does_the_markup_of_a_chat_pass(call: str) -> None:
    """Mentions of Google Chat and Feishu; links of Slack and of Markdown that show another address than theirs."""
    assert call not in tame(f"News {call}")
    assert tame(f"News {call}").replace("\u2060", "") == f"News {call}"
    assert tame("1 < 2 <3, a [sic] (once)") == "1 < 2 <3, a [sic] (once)"


@pytest.mark.parametrize("count", [1, 2])
def test_no_alert_calls_them_either(newsroom: Newsroom, channels: Channels, count: int) -> None:
    """A feed's own title stands in alerts, and words of its server."""
    configure(newsroom, more='\nalerts: {notify: [{url: "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", limit: 1/h}]}')
    now = newsroom.clock.time
    said = "its server says @everyone <!channel>"
    events = [Event(f"broken {at}", "broken", "@everyone <!here> is broken", said, now) for at in range(count)]
    tell_events(newsroom.store, newsroom, events)
    [notice] = deliver(newsroom, channels)
    for text in (notice.title, notice.body, notice.subject):
        assert "@everyone" not in text and "<!" not in text


def issue_digest(newsroom: Newsroom, told: str) -> None:
    """Publishes the first issue of a digest of ferries. told: who is told of it, as keys of the output."""
    newsroom.configure(
        SOURCES + '\noutputs:\n  - {slug: morning, title: Morning, query: "ferry", digest: "0 6 * * *", ' + told + "}"
    )
    following = lambda line, after: (after // 86_400 + 1) * 86_400.0  # noqa: E731
    for name in NAMES:
        newsroom.serves(f"https://{name}.example/feed.json")
    newsroom.poll()
    newsroom.publisher.issue_digests(newsroom.clock.time, following)
    report(newsroom, "alpha", "beta")
    newsroom.clock.time += 86_400
    assert newsroom.publisher.issue_digests(newsroom.clock.time, following)
    newsroom.publisher.publish(None, newsroom.clock.time)


def test_a_webhook_is_posted_each_issue_of_a_digest_once(newsroom: Newsroom) -> None:
    issue_digest(newsroom, 'webhook: "https://desk.example/hook", webhook_secret: letterbox')
    [delivery] = newsroom.store.deliveries(newsroom.clock.time, 9)
    message = WebhookComposer(newsroom.settings, newsroom.store).entry(delivery)
    assert message is not None
    assert dict(message.headers)["X-Hub-Signature"] == sign("letterbox", message.body)
    issue = json.loads(message.body)
    assert issue["title"].startswith("Morning, 2023-06-")
    assert f'<a href="https://alpha.example/0">{FERRY}</a>' in issue["content_html"]
    newsroom.publisher.publish(None, newsroom.clock.time)
    assert newsroom.store.deliveries(newsroom.clock.time, 9) == [delivery]


def test_a_digest_is_told_issue_by_issue(newsroom: Newsroom, channels: Channels) -> None:
    issue_digest(newsroom, 'notify: ["mailto://news.example?to=a@b.example"]')
    [notice] = deliver(newsroom, channels)
    assert notice.subject.startswith("Morning, 2023-06-")
    assert "https://alpha.example/0" in notice.body
    assert f'<a href="https://alpha.example/0">{FERRY}</a>' in notice.html
    newsroom.publisher.publish(None, newsroom.clock.time)
    assert deliver(newsroom, channels) == []


def test_alerts_are_told_and_an_end_replaces_an_unsent_beginning(newsroom: Newsroom, channels: Channels) -> None:
    configure(newsroom, more='\nalerts: {notify: ["ntfys://ntfy.example/ops"]}')
    now = newsroom.clock.time
    silent = Event("silent b", "silent", "B is silent", "", now)
    tell_events(newsroom.store, newsroom, [Event("broken a", "broken", "A is broken", "it answers 500", now), silent])
    tell_events(newsroom.store, newsroom, [replace(silent, closed=now + 60)])
    assert [one.title for one in deliver(newsroom, channels)] == ["A is broken", "Over: B is silent"]


def tell_events(store: Store, newsroom: Newsroom, events: list[Event]) -> None:
    with store.begin() as transaction:
        for event in events:
            transaction.save_event(event)
        alerts = notifications.make_channel_alerts(events, newsroom.settings.alerts_notify, newsroom.clock.time)
        notifications.save_deliveries(transaction, alerts)


def test_no_address_is_stored(newsroom: Newsroom, channels: Channels, tmp_path: Path) -> None:
    channels.answers["slack"] = Sent(FAILED, "answered 500")
    configure(newsroom, '"slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"')
    report(newsroom, "alpha")
    deliver(newsroom, channels)
    assert newsroom.store.channels_told()
    assert not any("TIiajkdnlazkcOXrIdevi7FQ" in f"{key} {value}" for key, value in newsroom.store.values("").items())
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in repr(newsroom.settings)


@pytest.mark.parametrize(("when", "problem"), [("outlets>=", "outlets needs a number"), ("age<1d", "age")])
def test_a_threshold_of_a_channel_is_a_query_without_age(newsroom: Newsroom, when: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        configure(newsroom, f'{{url: "slack://A/B/C", when: "{when}"}}')
