"""Webhooks with a threshold: told of a story once, when it is big enough, and of a thread once."""

from __future__ import annotations

import pytest

from aggregator.config.load import load
from aggregator.errors import ConfigError
from aggregator.model import StoryId
from aggregator.ports import WEBHOOK
from aggregator.tag.check import check
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

NAMES = ("alpha", "beta", "gamma", "delta")
SOURCES = "sources:\n" + "\n".join(f"  - {{id: {name}, url: 'https://{name}.example/feed.json'}}" for name in NAMES)
TEXT = "The ferry Osprey sank off Marlen harbour after hitting a reef in heavy rain. The coast guard brought 112 people ashore."
DESK = '\noutputs: [{slug: desk, title: Desk, query: "ferry OR bank", webhook: "https://desk.example/hook", when: "%s"}]'


def configure(newsroom: Newsroom, when: str) -> None:
    newsroom.configure(SOURCES + DESK % when)
    for name in NAMES:
        newsroom.serves(f"https://{name}.example/feed.json")
    newsroom.poll()
    newsroom.clock.time += 2 * HOUR


def report(newsroom: Newsroom, *names: str, title: str = "Ferry Osprey sinks off Marlen harbour", text: str = TEXT) -> None:
    for name in names:
        url = f"https://{name}.example/feed.json"
        rows = newsroom.brought.setdefault(url, [])
        rows.append(
            entry(
                title, id=f"{name}-{len(rows)}", at=newsroom.clock.time - 60, url=f"https://{name}.example/{len(rows)}", text=text
            )
        )
        newsroom.serves(url, *rows)
        newsroom.poll(name)
        newsroom.clock.time += 60


def told(newsroom: Newsroom) -> list[StoryId]:
    """The stories that the webhook is to be told of; they are taken as told."""
    waiting = [one for one in newsroom.store.deliveries(newsroom.clock.time + HOUR, 99) if one.kind == WEBHOOK]
    with newsroom.store.begin() as transaction:
        for one in waiting:
            transaction.remove_delivery(one)
    return [StoryId(one.subject) for one in waiting]


def test_a_story_is_told_once_when_enough_outlets_tell_it(newsroom: Newsroom) -> None:
    configure(newsroom, "outlets>=3")
    report(newsroom, "alpha", "beta")
    assert told(newsroom) == []
    report(newsroom, "gamma")
    [story] = newsroom.stories()
    assert told(newsroom) == [story.id]
    report(newsroom, "delta")
    assert len(newsroom.stories()[0].outlets) == 4
    assert told(newsroom) == []


def test_what_reached_it_before_it_was_asked_for_is_no_news(newsroom: Newsroom) -> None:
    newsroom.configure(SOURCES)
    for name in NAMES:
        newsroom.serves(f"https://{name}.example/feed.json")
    newsroom.poll()
    newsroom.clock.time += 2 * HOUR
    report(newsroom, "alpha", "beta", "gamma")
    newsroom.configure(SOURCES + DESK % "outlets>=2")
    newsroom.poll("delta")
    report(newsroom, "delta")
    assert told(newsroom) == []
    report(
        newsroom,
        "alpha",
        "beta",
        title="Bank of Norland raises its rate to four percent",
        text="The bank said that prices had risen.",
    )
    assert len(told(newsroom)) == 1


def test_a_thread_is_told_once(newsroom: Newsroom) -> None:
    configure(newsroom, "thread_outlets>=2")
    report(newsroom, "alpha")
    report(newsroom, "beta", title="Central bank of Norland raises its rate", text="The bank said that prices had risen.")
    stories = [story.id for story in newsroom.stories()]
    with newsroom.store.begin() as transaction:
        thread = transaction.begin_thread(stories[0])
        transaction.enter_thread(thread, stories, b"")
        transaction.sum_up_threads([thread])
    report(
        newsroom,
        "gamma",
        title="Bank clerks strike in Norland",
        text="Clerks of all banks stayed at home on Monday, a union said.",
    )
    third = next(story.id for story in newsroom.stories() if story.id not in stories)
    with newsroom.store.begin() as transaction:
        transaction.enter_thread(thread, [third], b"")
        changed = transaction.sum_up_threads([thread])
        newsroom.curator().refresh(transaction, sorted(changed))
    newsroom.publisher.publish(None, newsroom.clock.time)
    assert len(told(newsroom)) == 1


def test_merged_stories_are_told_once(newsroom: Newsroom) -> None:
    configure(newsroom, "outlets>=2")
    report(newsroom, "alpha", "beta")
    report(newsroom, "gamma", title="Central bank of Norland raises its rate", text="The bank said that prices had risen.")
    assert len(told(newsroom)) == 1
    big, small = sorted(newsroom.stories(), key=lambda story: -len(story.outlets))
    with newsroom.store.begin() as transaction:
        transaction.merge_stories(small.id, big.id, newsroom.clock.time)
        newsroom.curator().refresh(transaction, [small.id])
    newsroom.publisher.publish(None, newsroom.clock.time)
    assert told(newsroom) == []


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("age<1d", "age"),
        ("outlets>=", "outlets"),
    ],
)
def test_a_threshold_is_a_query_without_age(newsroom: Newsroom, when: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        configure(newsroom, when)


def test_a_threshold_needs_a_webhook(newsroom: Newsroom) -> None:
    path = newsroom.folder / "feeds.yaml"
    path.write_text(SOURCES + '\noutputs: [{slug: desk, title: Desk, when: "outlets>=3"}]')
    with pytest.raises(ConfigError, match="webhook"):
        load(path, check, {})
    assert START
