"""Hooks: which stories they are asked about, when, and what feeds show of their answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from aggregator.enrich.attempts import AGAIN, ATTEMPTS, WAITS
from aggregator.fetch.messenger import HttpMessenger
from aggregator.ports import WEBHOOK, Event
from aggregator.run.jobs.enriching import Enriching
from aggregator.run.monitoring.health import FAILED_ANSWERS, hook_conditions
from aggregator.run.monitoring.metrics import Metrics
from aggregator.store.writer import Writer
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.tag.prefilter import story_filter
from aggregator.tag.rules import names_in
from aggregator.tag.syntax import parse
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry
from tests.unit.enrich.stand_in import StandIn, stand_in

ALPHA, BETA = "https://alpha.example/feed.json", "https://beta.example/feed.json"
CONFIG = """
network: {{allow: [127.0.0.1/32]}}
sources:
  - {{id: alpha, url: "https://alpha.example/feed.json"{source}}}
  - {{id: beta, url: "https://beta.example/feed.json"}}
enrich:
  model: {{url: "{url}"{options}}}
topics:
  - {{slug: boats, query: 'ferry OR boat'{topic}}}
outputs:
  - {{slug: desk, query: 'ferry OR bank', webhook: "https://desk.example/hook"{output}}}
"""
FERRY = "Ferry Osprey sinks off Marlen harbour"
TEXT = "The ferry Osprey sank off Marlen harbour after hitting a reef in heavy rain. The coast guard brought 112 people ashore."


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as told:
        told.answer = json.dumps(
            {"summary": "A ferry sank; all were saved.", "title": "Fähre gesunken", "language": "de"}
        ).encode()
        yield told


def configure(newsroom: Newsroom, server: StandIn, *, options: str = "", **places: str) -> None:
    """The hook is used where `places` say: topic, output, source; at the topic by default."""
    used = {place: f", {places[place]}" if place in places else "" for place in ("topic", "output", "source")}
    if not places:
        used["topic"] = ", enrich: model"
    more = f", {options}" if options else ""
    newsroom.configure(CONFIG.format(url=server.url, options=more, **used))


def begin(newsroom: Newsroom, server: StandIn, **how: str) -> None:
    """A newsroom whose feeds people read already."""
    configure(newsroom, server, **how)
    newsroom.serves(ALPHA)
    newsroom.serves(BETA)
    newsroom.poll()
    newsroom.clock.time += 2 * HOUR


def brings(newsroom: Newsroom, url: str, title: str = FERRY, text: str = TEXT, **more: Any) -> None:
    row = entry(title, at=newsroom.clock.time - 60, url=url.replace("feed.json", "ferry"), text=text, id=f"{url}#1", **more)
    newsroom.serves(url, row)
    newsroom.poll("alpha" if url == ALPHA else "beta")


def enriching(newsroom: Newsroom, metrics: Metrics | None = None) -> Enriching:
    """A daemon's job, with the newsroom's parts. Must be made in an event loop."""
    parts = SimpleNamespace(
        settings=newsroom.settings,
        store=newsroom.store,
        rules=newsroom.rules,
        clock=newsroom.clock,
        writer=Writer(newsroom.store),
        messenger=HttpMessenger(newsroom.settings),
    )
    current: Any = SimpleNamespace(runtime=parts)
    return Enriching(current, lambda slugs: None, (metrics or Metrics()).record_answer)


def ask(newsroom: Newsroom, after: float = 60.0, metrics: Metrics | None = None) -> None:
    """Time passes, the job asks about what is due and stores the answers, and feeds are published."""
    newsroom.clock.time += after

    async def work() -> None:
        await enriching(newsroom, metrics).finish()

    asyncio.run(work())
    newsroom.publisher.publish(None, newsroom.clock.time)


def test_a_summary_and_a_headline_are_shown_with_the_hook_s_name(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    [row] = newsroom.feed("boats")
    assert row["title"] == "Fähre gesunken"
    assert row["summary"] == "Summary by model: A ferry sank; all were saved."
    assert f"<p><em>Headline by model. The original:</em> {FERRY}</p>" in row["content_html"]
    assert '<p lang="de"><em>Summary by model:</em> A ferry sank; all were saved.</p>' in row["content_html"]
    assert "112 people" in row["content_html"], "the outlet's own text stays"
    told = [{"by": "model", "title": "Fähre gesunken", "summary": "A ferry sank; all were saved.", "language": "de"}]
    assert row["_aggregator"]["enriched"] == told
    assert row["_aggregator"]["outlets"][0]["title"] == FERRY
    folder = newsroom.settings.publish.directory
    for name in ("feeds/boats.atom", "feeds/boats.rss", "topics/boats.html", f"stories/{newsroom.stories()[0].id}.html"):
        text = (folder / name).read_text()
        assert "Fähre gesunken" in text and "Summary by model:" in text, name
        assert name.startswith("topics") or FERRY in text, name
    assert newsroom.stories()[0].title == FERRY, "grouping and threads read the outlet's headline"


def test_metrics_tell_what_came_of_answers_and_what_waits(newsroom: Newsroom, server: StandIn) -> None:
    metrics = Metrics()

    def shown() -> list[str]:
        text = metrics.render(newsroom.store.counts()).decode()
        return [line.partition("{")[2] for line in text.splitlines() if "_hook_answers_total{" in line or "questions" in line]

    begin(newsroom, server)
    brings(newsroom, ALPHA)
    assert shown() == ['what="questions_waiting"} 1.0']
    server.status = 500
    ask(newsroom, metrics=metrics)
    assert shown() == ['hook="model",outcome="failed"} 1.0', 'what="questions_waiting"} 1.0']
    server.status = 200
    ask(newsroom, after=3600.0, metrics=metrics)
    assert shown() == [
        'hook="model",outcome="failed"} 1.0',
        'hook="model",outcome="used"} 1.0',
        'what="questions_waiting"} 0.0',
    ]


def test_the_hook_gets_the_story_as_documented(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server, options="token: not-for-everyone")
    brings(newsroom, ALPHA)
    brings(newsroom, BETA, text=TEXT + " None is missing.")
    ask(newsroom)
    [(headers, story)] = server.requests
    assert headers["Authorization"] == "Bearer not-for-everyone"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert story["version"] == 1 and story["hook"] == "model"
    assert story["title"] == FERRY and story["content_text"] == TEXT and story["url"] == "https://alpha.example/ferry"
    assert [report["outlet"] for report in story["reports"]] == ["alpha.example", "beta.example"]
    assert story["topics"] == ["boats"] and "id" in story and "date_published" in story


@pytest.mark.parametrize("place", ["topic", "output", "source"])
@pytest.mark.parametrize("written", ["model", "[model]"])
def test_a_hook_is_used_at_a_topic_an_output_or_a_source(newsroom: Newsroom, server: StandIn, place: str, written: str) -> None:
    begin(newsroom, server, **{place: f"enrich: {written}"})
    brings(newsroom, ALPHA)
    brings(
        newsroom, BETA, "Tram drivers of Dorn go on strike", "The tram drivers of Dorn go on strike on Monday, their union said."
    )
    ask(newsroom)
    assert [story["title"] for _, story in server.requests] == [FERRY]


def test_an_address_may_stand_where_it_is_used(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server, topic=f'enrich: "{server.url}"')
    brings(newsroom, ALPHA)
    ask(newsroom)
    assert "Summary by 127.0.0.1:" in newsroom.feed("boats")[0]["content_html"]


def test_a_program_may_stand_where_it_is_used(newsroom: Newsroom, server: StandIn) -> None:
    program = newsroom.folder / "shout.sh"
    program.write_text('#!/bin/sh\nread -r story\necho \'{"summary": "From a shell."}\'\n')
    program.chmod(0o755)
    begin(newsroom, server, topic="enrich: ./shout.sh --loud")
    brings(newsroom, ALPHA)
    ask(newsroom)
    assert "<em>Summary by shout:</em> From a shell." in newsroom.feed("boats")[0]["content_html"]


def test_a_story_settles_before_it_is_asked_about(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server, options="settle: 5m")
    brings(newsroom, ALPHA)
    ask(newsroom, after=200)
    assert server.requests == []
    brings(newsroom, ALPHA, text=TEXT + " A second ship came to help.")
    ask(newsroom, after=101)
    assert [story["content_text"] for _, story in server.requests] == [TEXT + " A second ship came to help."]


def test_new_reports_are_no_reason_to_ask_again(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    brings(newsroom, BETA)
    ask(newsroom, after=HOUR)
    assert len(newsroom.stories()[0].items) == 2
    assert len(server.requests) == 1


def test_a_text_that_changes_is_asked_about_again_but_not_each_minute(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    for minute in range(8):
        brings(newsroom, ALPHA, text=f"{TEXT} Now {minute + 3} ships search for the captain.")
        ask(newsroom)
    assert len(server.requests) == 1
    ask(newsroom, after=AGAIN)
    assert len(server.requests) == 2
    assert "Now 10 ships" in server.requests[1][1]["content_text"]
    assert server.requests[1][1]["title"] == FERRY, "the outlet's words, not what the hook told before"
    assert "by model" not in json.dumps(server.requests[1][1])


def test_markup_and_signs_are_no_change(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    brings(newsroom, ALPHA, text="", content_html=f"<p><b>{TEXT[:9]}</b>{TEXT[9:]}</p>")
    ask(newsroom, after=2 * HOUR)
    assert len(server.requests) == 1


def test_a_headline_of_a_hook_is_shown_for_the_headline_that_it_was_made_of(newsroom: Newsroom, server: StandIn) -> None:
    newsroom.clock.time = time.time() - 3 * HOUR  # a person decides by the real clock
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    [story] = newsroom.stories()
    StoryEditor(newsroom.store, newsroom.settings, newsroom.rules).title(str(story.id), "Ferry Osprey aground")
    newsroom.publisher.publish(None, newsroom.clock.time)
    assert newsroom.feed("boats")[0]["title"] == "Ferry Osprey aground"
    server.answer = json.dumps({"title": "Fähre auf Grund"}).encode()
    ask(newsroom, after=2 * HOUR)
    assert newsroom.feed("boats")[0]["title"] == "Fähre auf Grund"


def test_updated_moves_when_readers_see_something_else_and_not_by_tags_alone(newsroom: Newsroom, server: StandIn) -> None:
    server.answer = b'{"tags": ["rescue"]}'
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    before = newsroom.feed("boats")[0]
    ask(newsroom)
    after = newsroom.feed("boats")[0]
    assert after["date_modified"] == before["date_modified"] and "rescue" in after["tags"]
    server.answer = b'{"tags": ["rescue"], "summary": "All were saved."}'
    brings(newsroom, ALPHA, text=TEXT + " The captain is missing.")
    changed = newsroom.feed("boats")[0]["date_modified"]
    ask(newsroom, after=AGAIN)
    assert newsroom.feed("boats")[0]["date_modified"] > changed


def test_a_webhook_is_told_of_an_answer_once(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server, output="enrich: model")

    def told() -> int:
        waiting = [one for one in newsroom.store.deliveries(newsroom.clock.time + HOUR, 99) if one.kind == WEBHOOK]
        with newsroom.store.begin() as transaction:
            for one in waiting:
                transaction.remove_delivery(one)
        return len(waiting)

    brings(newsroom, ALPHA)
    assert told() == 1
    ask(newsroom)
    assert told() == 1
    ask(newsroom, after=HOUR)
    assert told() == 0


def test_tags_of_hooks_are_of_a_kind_of_their_own_and_lead_to_topics(newsroom: Newsroom, server: StandIn) -> None:
    server.answer = b'{"tags": ["Rescue", "evil"]}'
    begin(newsroom, server, options="tags: [rescue]", topic="enrich: model}\n  - {slug: rescues, query: 'tag:rescue'")
    brings(newsroom, ALPHA)
    assert newsroom.titles("rescues") == []
    ask(newsroom)
    [story] = newsroom.stories()
    assert [(str(tag.kind), tag.value, tag.reason) for tag in story.tags if tag.kind == "hook"] == [
        ("hook", "rescue", "from model")
    ]
    assert newsroom.titles("rescues") == [FERRY]


def test_a_story_that_a_tag_takes_out_of_the_topic_keeps_it(newsroom: Newsroom, server: StandIn) -> None:
    """Else it would come back without the tag, be asked about again, and so on for ever."""
    server.answer = b'{"tags": ["dull"]}'
    begin(
        newsroom, server, options="tags: [dull]", topic="enrich: model}\n  - {slug: fine, query: '-tag:dull ferry', enrich: model"
    )
    brings(newsroom, ALPHA)
    assert newsroom.titles("fine") == [FERRY]
    ask(newsroom)
    assert newsroom.titles("fine") == []
    brings(newsroom, BETA)
    ask(newsroom, after=HOUR)
    assert newsroom.titles("fine") == [] and len(server.requests) == 1


def test_a_hook_that_fails_is_asked_again_later_each_time_and_then_given_up(newsroom: Newsroom, server: StandIn) -> None:
    server.status = 503
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    assert len(server.requests) == 1
    for count, wait in enumerate(WAITS, start=2):
        ask(newsroom, after=wait - 1)
        assert len(server.requests) == count - 1
        ask(newsroom, after=1)
        assert len(server.requests) == count
    ask(newsroom, after=10 * HOUR)
    assert len(server.requests) == ATTEMPTS
    state = newsroom.store.hook_states()["model"]
    assert (state.told, state.waiting, state.failed) == (0, 0, 1)
    assert state.error == "it answered with status 503"
    assert newsroom.titles("boats") == [FERRY]


def test_what_was_told_of_a_text_that_is_gone_goes_when_the_new_one_is_given_up(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    server.status = 500
    brings(newsroom, ALPHA, text=TEXT + " The captain is missing.")
    ask(newsroom, after=AGAIN)
    assert "Summary by model" in newsroom.feed("boats")[0]["content_html"]
    for wait in WAITS:
        ask(newsroom, after=wait)
    assert "Summary by model" not in newsroom.feed("boats")[0]["content_html"]


def test_a_kill_between_answer_and_commit_asks_once_more(
    newsroom: Newsroom, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    with monkeypatch.context() as patch:
        patch.setattr(Enriching, "_conclude", lambda *arguments: 1 / 0)
        ask(newsroom)
    assert len(server.requests) == 1
    assert newsroom.titles("boats") == [FERRY]
    ask(newsroom, after=1)
    assert len(server.requests) == 1, "it may still be under way"
    ask(newsroom, after=90)
    assert len(server.requests) == 2
    assert newsroom.titles("boats") == ["Fähre gesunken"]
    ask(newsroom, after=HOUR)
    assert len(server.requests) == 2


def test_a_story_that_crashes_the_daemon_is_not_asked_about_for_ever(
    newsroom: Newsroom, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    monkeypatch.setattr(Enriching, "_conclude", lambda *arguments: 1 / 0)
    for _ in range(ATTEMPTS + 3):
        ask(newsroom, after=HOUR)
    assert len(server.requests) == ATTEMPTS


def test_the_rate_holds_over_restarts(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server, options="rate: 3")
    titles = [
        "Ferry Osprey sinks",
        "Boat race won by Dorn",
        "Ferry tickets cost more",
        "House boat burns",
        "Boat show opens in Lund",
    ]
    rows = [entry(title, at=newsroom.clock.time - 60, text=f"{title}: a report on {title} of the day.") for title in titles]
    newsroom.serves(ALPHA, *rows)
    newsroom.poll("alpha")
    ask(newsroom)
    assert len(server.requests) == 3
    ask(newsroom, after=30)
    assert len(server.requests) == 3
    ask(newsroom, after=31)
    assert len(server.requests) == 5


def test_a_source_that_brings_much_does_not_make_others_wait(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server, options="rate: 4")
    crops = "barley cabbage daisy endive fennel garlic hazel indigo jasmine kale".split()
    rows = [entry(f"Boat of {one} sold", at=newsroom.clock.time - 60, text=f"All {one} of the {one} boat.") for one in crops]
    newsroom.serves(ALPHA, *rows)
    newsroom.poll("alpha")
    newsroom.clock.time += 1
    brings(newsroom, BETA)
    ask(newsroom)
    told = [body["outlet"] for _, body in server.requests]
    assert len(told) == 4 and "beta.example" in told


def test_stale_stories_and_backlogs_are_not_asked_about(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server)
    newsroom.serves(ALPHA, entry(FERRY, at=newsroom.clock.time - 30 * HOUR, text=TEXT))
    newsroom.poll("alpha")
    ask(newsroom)
    assert server.requests == []


PRIVATE = "private: true"


def test_private_stories_are_sent_to_no_address_unless_the_config_says_so(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server, source=f"{PRIVATE}, enrich: model")
    brings(newsroom, ALPHA)
    ask(newsroom)
    assert server.requests == [] and newsroom.store.hook_states() == {}
    configure(newsroom, server, options="private: true", source=f"{PRIVATE}, enrich: model")
    brings(newsroom, ALPHA, text=TEXT + " The captain is missing.")
    ask(newsroom)
    assert len(server.requests) == 1


def test_a_story_that_turns_private_while_it_waits_is_not_sent(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server, source="enrich: model")
    brings(newsroom, ALPHA)
    configure(newsroom, server, source=f"{PRIVATE}, enrich: model")
    ask(newsroom)
    assert server.requests == []


def test_what_was_told_with_private_reports_at_hand_is_not_shown_in_public(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server, options="private: true", source=f"{PRIVATE}, enrich: model")
    brings(newsroom, ALPHA)
    brings(newsroom, BETA)
    ask(newsroom)
    assert newsroom.stories()[0].enriched
    configure(newsroom, server, options="private: true", source="enrich: model")
    assert newsroom.stories()[0].enriched == ()
    ask(newsroom, after=AGAIN)
    assert len(server.requests) == 2 and newsroom.stories()[0].enriched


def test_a_hook_that_leaves_the_config_takes_along_what_it_told(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    modified = newsroom.feed("boats")[0]["date_modified"]
    newsroom.clock.time += HOUR
    configure(newsroom, server, topic="title: Boats")
    newsroom.publisher.publish(None, newsroom.clock.time)
    [row] = newsroom.feed("boats")
    assert row["title"] == FERRY and "model" not in json.dumps(row)
    assert row["date_modified"] == modified, "an edit of the config is no news"
    assert newsroom.store.hook_states() == {}


def test_a_field_that_the_config_wants_no_more_goes(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    configure(newsroom, server, options="fields: [summary]")
    newsroom.publisher.publish(None, newsroom.clock.time)
    [row] = newsroom.feed("boats")
    assert row["title"] == FERRY and "Summary by model" in row["content_html"]
    configure(newsroom, server, options="fields: [title]")
    newsroom.publisher.publish(None, newsroom.clock.time)
    [row] = newsroom.feed("boats")
    assert row["title"] == "Fähre gesunken" and "Summary by model" not in row["content_html"]
    assert len(server.requests) == 1


def test_a_new_hook_is_asked_about_what_feeds_show(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server, topic="title: Boats")
    brings(newsroom, ALPHA)
    configure(newsroom, server)
    ask(newsroom)
    assert newsroom.titles("boats") == ["Fähre gesunken"]


def test_a_merged_story_keeps_its_own_answer(newsroom: Newsroom, server: StandIn) -> None:
    newsroom.clock.time = time.time() - 3 * HOUR  # a person decides by the real clock
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    server.answer = b'{"summary": "Of the other."}'
    brings(
        newsroom,
        BETA,
        "House boat burns in Dorn",
        "A house boat burned in Dorn on Monday night; nobody was in it, the police said.",
    )
    ask(newsroom)
    first, second = sorted(newsroom.stories(), key=lambda story: story.first_seen)
    StoryEditor(newsroom.store, newsroom.settings, newsroom.rules).merge(first.id, second.id)
    ask(newsroom, after=HOUR)
    [story] = newsroom.stories()
    assert story.id == first.id and story.enriched[0].summary == "A ferry sank; all were saved."
    assert len(server.requests) == 2


def test_published_bytes_follow_from_the_database(newsroom: Newsroom, server: StandIn) -> None:
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    ask(newsroom)
    folder = newsroom.settings.publish.directory
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    configure(newsroom, server)
    newsroom.publisher.publish(None, newsroom.clock.time + HOUR)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert newsroom.clock.time > START


def test_polls_go_on_while_a_hook_hangs(newsroom: Newsroom, server: StandIn) -> None:
    server.answer = None
    begin(newsroom, server)
    brings(newsroom, ALPHA)
    newsroom.clock.time += 60

    async def work() -> None:
        job = enriching(newsroom)
        await job.ask_due()
        while not server.requests:  # noqa: ASYNC110 - another thread fills it
            await asyncio.sleep(0.01)
        await asyncio.to_thread(brings, newsroom, BETA, "Bank of Norland raises its rate", "The bank said that prices had risen.")
        await job.drain()

    asyncio.run(work())
    assert "Bank of Norland raises its rate" in newsroom.titles("desk")


def test_hooks_do_not_hold_up_one_another(newsroom: Newsroom, server: StandIn) -> None:
    server.answer = None
    program = newsroom.folder / "quick.sh"
    program.write_text('#!/bin/sh\necho \'{"summary": "Quick."}\'\n')
    program.chmod(0o755)
    begin(newsroom, server, topic="enrich: [model, ./quick.sh]")
    titles = [
        "Ferry Osprey sinks",
        "Boat race won by Dorn",
        "Ferry tickets cost more",
        "House boat burns",
        "Boat show opens in Lund",
    ]
    rows = [entry(title, at=newsroom.clock.time - 60, text=f"{title}: a report on {title} of the day.") for title in titles]
    newsroom.serves(ALPHA, *rows)
    newsroom.poll("alpha")
    newsroom.clock.time += 60

    async def work() -> None:
        job = enriching(newsroom)
        while newsroom.store.hook_states()["quick"].told < len(titles):
            await job.ask_due()
            await asyncio.sleep(0.01)
        await job.drain()

    asyncio.run(asyncio.wait_for(work(), 60))
    assert len(server.requests) == 2


def test_hooks_that_hang_take_turns_with_the_others(newsroom: Newsroom, server: StandIn) -> None:
    """Two of them can hold all places, and have always a next story to ask about."""
    server.answer = None
    program = newsroom.folder / "quick.sh"
    program.write_text('#!/bin/sh\necho \'{"summary": "Quick."}\'\n')
    program.chmod(0o755)
    other = f'other: {{url: "{server.url}", timeout: 1s'
    begin(newsroom, server, options=f"timeout: 1s}}\n  {other}", topic="enrich: [model, other, ./quick.sh]")
    crops = "barley cabbage daisy endive fennel garlic hazel indigo jasmine kale".split()
    rows = [entry(f"Boat of {one} sold", at=newsroom.clock.time - 60, text=f"All {one} of the {one} boat.") for one in crops]
    newsroom.serves(ALPHA, *rows)
    newsroom.poll("alpha")
    newsroom.clock.time += 60

    async def work() -> None:
        job = enriching(newsroom)
        while not (state := newsroom.store.hook_states().get("quick")) or not state.told:
            await job.ask_due()
            await asyncio.sleep(0.01)
        await job.drain()

    asyncio.run(asyncio.wait_for(work(), 60))
    assert len(server.requests) <= 8


def test_a_hook_that_fails_again_and_again_is_told_without_its_name_in_public(newsroom: Newsroom, server: StandIn) -> None:
    server.status = 500
    begin(newsroom, server)
    conditions = []
    for number in range(FAILED_ANSWERS):
        title = ("Boat race won by Dorn", "House boat burns in Lund", "Boat show opens in Marlen")[number]
        newsroom.serves(ALPHA, entry(title, at=newsroom.clock.time - 60, text=f"{title}: what a report says of it."))
        newsroom.poll("alpha")
        ask(newsroom)
        conditions.append([one.kind for one in hook_conditions(newsroom.settings.enrich, newsroom.store.hook_states())])
    assert conditions[0] == [] and conditions[-1] == ["hook"]
    [condition] = hook_conditions(newsroom.settings.enrich, newsroom.store.hook_states())
    assert condition.title == "The hook model fails" and "status 500" in condition.detail
    with newsroom.store.begin() as transaction:
        transaction.save_event(Event(condition.key, condition.kind, condition.title, condition.detail, newsroom.clock.time))
    newsroom.publisher.show_health()
    public = (newsroom.settings.publish.directory / "health.atom").read_text()
    assert "A hook fails" in public and "model" not in public and "500" not in public
    server.status = 200
    ask(newsroom, after=WAITS[0])
    assert list(hook_conditions(newsroom.settings.enrich, newsroom.store.hook_states())) == []


def test_a_query_finds_what_a_hook_tagged(newsroom: Newsroom, server: StandIn) -> None:
    server.answer = b'{"tags": ["rescue"]}'
    begin(newsroom, server, options="tags: [rescue]")
    brings(newsroom, ALPHA)
    ask(newsroom)
    names = names_in(newsroom.settings)
    assert len(list(newsroom.store.find(story_filter(parse("tag:rescue"), names, newsroom.clock.time)))) == 1
