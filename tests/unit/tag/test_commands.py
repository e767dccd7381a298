"""`search`, `topics` and `plan` as a person runs them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner, Result

from aggregator.commands import plan, search, topics
from aggregator.commands.application import Application
from aggregator.commands.stories import as_mapping
from aggregator.errors import ConfigError, QueryError
from aggregator.model import Evidence
from aggregator.ports import StoryFilter
from aggregator.stories.upkeep.adopt_config import adopt

from .stories import item, story

CONFIG = """
storage: {{database: {database}}}
sources:
  - {{id: herald, url: "https://herald.example/feed", tags: [wire]}}
topics:
  - slug: alliance
    title: The alliance
    query: {query}
    expect: {{match: [NATO meets]}}
"""


class Desk:
    """A config file, its database, and the commands on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("nato")
        now = time.time()
        with self.application() as application:
            application.database.sync_sources(application.settings.sources, now)
            harvest = ("Ukraine’s harvest", "Grain leaves the ports of Odesa for NATO's south.")
            titles = [("Quake", ""), ("NATO meets in Oslo", ""), harvest]
            for number, (title, text) in enumerate(titles, 1):
                with application.store.begin() as transaction:
                    transaction.add_item(item(title, text, number=number, published=now - 60 * number), None, Evidence("new"))
            adopt(application.store, application.settings, lambda: application.rules, now)

    def write(self, query: str) -> None:
        (self.folder / "feeds.yaml").write_text(CONFIG.format(database=self.folder / "test.db", query=query), "utf-8")

    def application(self) -> Application:
        return Application(self.folder / "feeds.yaml")

    def run(self, command: click.Command, *arguments: str) -> Result:
        with self.application() as application:
            return CliRunner().invoke(command, list(arguments), obj=application)

    def revisions(self) -> list[int]:
        with self.application() as application:
            return [state.revision for state in application.store.outputs().values()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield Desk(tmp_path)


def test_search_marks_the_deciding_words(desk: Desk) -> None:
    lines = desk.run(search.command, "nato", "-quake").output.splitlines()
    assert "«NATO» meets in Oslo  (herald)" in lines[0]
    assert lines[1] == "    nato in the title, no quake"
    assert lines[3:] == ["    nato in the body, no quake", "    Grain leaves the ports of Odesa for «NATO's» south."]


def test_search_shows_the_story_and_below_it_the_report_that_matches(desk: Desk) -> None:
    now = time.time()
    with desk.application() as application, application.store.begin() as transaction:
        first, other = (
            item(title, source=name, number=50, published=now - 9 * 3600)
            for title, name in (("Ferry sinks off Hull", "herald"), ("Boat with grain goes down", "post"))
        )
        _, ferry = transaction.add_item(first, None, Evidence("new"))
        transaction.add_item(other, ferry, Evidence("test"))
    shown = desk.run(search.command, "boat").output.splitlines()
    assert "  Ferry sinks off Hull  (herald, post)" in shown[0]
    assert shown[1:] == ["    boat in the title [post]", "    post: «Boat» with grain goes down"]
    with desk.application() as application:
        application.story_editor.title(ferry, "Ferry Orla sinks")
    assert "  Ferry Orla sinks  (herald, post)" in desk.run(search.command, "boat").output.splitlines()[0]
    corrected = desk.run(search.command, "orla").output.splitlines()
    assert "Ferry «Orla» sinks" in corrected[0] and len(corrected) == 2


def test_search_shows_the_matching_one_of_two_reports_of_a_source(desk: Desk) -> None:
    now = time.time()
    with desk.application() as application, application.store.begin() as transaction:
        first, *others = (
            item(title, text, source=name, number=number, published=now - 9 * 3600)
            for number, (title, text, name) in enumerate(
                [
                    ("Ferry sinks off Hull", "", "herald"),
                    ("Rescue begins at sea", "Helicopters set off.", "post"),
                    ("Boat with grain goes down", "The captain, a dentist, is safe.", "post"),
                ],
                50,
            )
        )
        _, ferry = transaction.add_item(first, None, Evidence("new"))
        for other in others:
            transaction.add_item(other, ferry, Evidence("test"))
    assert desk.run(search.command, "boat").output.splitlines()[1:] == [
        "    boat in the title [post]",
        "    post: «Boat» with grain goes down",
    ]
    assert desk.run(search.command, "dentist").output.splitlines()[-1] == "    The captain, a «dentist,» is safe."


def test_kinds_of_tags_stay_apart_in_json() -> None:
    told = as_mapping(story(item("a"), item("b", language="pl"), tags=["tag:nato", "entity:nato", "entity:ua", "category:Nato"]))
    assert told["tags"] == ["Nato", "nato", "ua"], "who reads this key reads on"
    assert told["tags_by_kind"] == {
        "tag": ["nato"],
        "entity": ["nato", "ua"],
        "subject": [],
        "category": ["Nato"],
        "hook": [],
        "lang": ["en", "pl"],
    }
    assert told["lead"] == told["items"][0]["url"]
    assert as_mapping(story(item("a", language="und")))["tags_by_kind"]["lang"] == []


def test_search_as_json(desk: Desk) -> None:
    rows = [json.loads(line) for line in desk.run(search.command, "--json", "title:(ukraine OR quake)").output.splitlines()]
    assert [row["title"] for row in rows] == ["Quake", "Ukraine’s harvest"]
    assert rows[1]["reason"] == "title:ukraine"
    assert rows[0]["outlets"] == ["herald"]


@pytest.mark.parametrize(
    ("arguments", "count"),
    [(["nato"], 2), (["nato", "--limit", "1"], 1), (["--since", "1h", "nato OR quake"], 3), (["topic:alliance"], 2)],
)
def test_search_is_bounded(desk: Desk, arguments: list[str], count: int) -> None:
    assert len(desk.run(search.command, "--json", *arguments).output.splitlines()) == count


def test_the_most_relevant_come_first_if_asked_for(desk: Desk) -> None:
    def titles(*arguments: str) -> list[str]:
        return [json.loads(line)["title"] for line in desk.run(search.command, "--json", *arguments).output.splitlines()]

    assert titles("nato OR grain OR odesa OR quake") == ["Quake", "NATO meets in Oslo", "Ukraine’s harvest"]
    assert titles("--sort", "relevance", "nato OR grain OR odesa OR quake") == [
        "Quake", "Ukraine’s harvest", "NATO meets in Oslo",
    ]  # fmt: skip
    assert titles("--sort", "relevance", "--limit", "1", "nato") == ["NATO meets in Oslo"], "a title weighs more than a text"
    assert titles("--sort", "relevance", "lang:en NATO -quake") == titles("--sort", "relevance", "NATO")
    assert "no words" in desk.run(search.command, "--sort", "relevance", "lang:en").stderr
    assert desk.run(search.command, "--sort", "weightiest", "nato").exit_code == 2


def test_the_widest_come_first_if_asked_for(desk: Desk) -> None:
    now = time.time()
    with desk.application() as application, application.store.begin() as transaction:
        first, other = (item("Ferry sinks", source=name, number=50, published=now - 9 * 3600) for name in ("herald", "post"))
        _, ferry = transaction.add_item(first, None, Evidence("new"))
        transaction.add_item(other, ferry, Evidence("test"))
        angles = [item(f"Search {name}", source=name, number=70, published=now - 8 * 3600) for name in ("a", "b", "c")]
        stories = [transaction.add_item(angle, None, Evidence("new"))[1] for angle in angles]
        thread = transaction.begin_thread(stories[0])
        transaction.enter_thread(thread, stories, b"")
        transaction.sum_up_threads([thread])

    def titles(*arguments: str) -> list[str]:
        return [json.loads(line)["title"] for line in desk.run(search.command, "--json", *arguments).output.splitlines()]

    assert titles("--sort", "outlets", "ferry OR nato") == ["Ferry sinks", "NATO meets in Oslo", "Ukraine’s harvest"]
    assert titles("--sort", "weight", "--limit", "4", "ferry OR search OR nato")[3] == "Ferry sinks"
    assert titles("--sort", "weight", "quake OR ferry") == ["Ferry sinks", "Quake"]
    assert titles("quake OR ferry") == ["Quake", "Ferry sinks"]


def test_search_by_date_near_and_plural(desk: Desk) -> None:
    today = time.strftime("%Y-%m", time.gmtime(time.time() - 90))
    assert desk.run(search.command, f"date:{today[:4]}", "grains", "plurals:en").output.count("«Grain»") == 1
    assert desk.run(search.command, "grain NEAR/4 odesa").output.splitlines()[1] == "    grain NEAR/4 odesa in the body"
    assert "no stored story" in desk.run(search.command, "grain before:2020").stderr


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_search_reads_days_in_the_zone_of_the_site(desk: Desk, zone: str) -> None:
    config = desk.folder / "feeds.yaml"
    config.write_text(f"site: {{timezone: {zone}}}\n{config.read_text('utf-8')}", "utf-8")
    with desk.application() as application:
        quake = next(story for story in application.store.find(StoryFilter()) if story.title == "Quake")
    day = f"{datetime.fromtimestamp(quake.published, ZoneInfo(zone)):%Y-%m-%d}"
    assert "Quake" in desk.run(search.command, "quake", f"date:{day}").output


def test_a_bad_query_is_shown_with_its_place(desk: Desk) -> None:
    error = desk.run(search.command, "nato titel:x").exception
    assert isinstance(error, QueryError)
    assert str(error) == "there is no field titel:; did you mean title?\n  nato titel:x\n       ^"
    assert error.exit_code == 2


def test_topics_are_listed(desk: Desk) -> None:
    assert desk.run(topics.command).output == "alliance  The alliance  2 stories\n    nato\n"
    assert json.loads(desk.run(topics.command, "--json").output)["tests"] == 1


def test_a_query_is_tried_before_it_is_written_down(desk: Desk) -> None:
    output = desk.run(topics.command, "try", "nato", "--limit", "1").output.splitlines()
    assert output[1] == "    nato in the title"
    assert output[-1] == "2 stories first seen in the last 7d, 1 shown"


def test_plan_says_what_an_edit_would_do_and_changes_nothing(desk: Desk) -> None:
    before = desk.revisions()
    assert desk.run(plan.command, "--exit-code").exit_code == 0
    desk.write("nato -odesa OR quake")
    result = desk.run(plan.command, "--exit-code")
    assert result.exit_code == 1
    assert result.output.splitlines()[:2] == ["~ topic alliance (query)", "~ feed alliance: +1 -1; subscribers see 1 as new"]
    assert json.loads(desk.run(plan.command, "--json").output)["feeds"][0]["enter"][0]["title"] == "Quake"
    assert desk.revisions() == before


def test_plan_lists_every_key_that_differs_from_an_earlier_file(desk: Desk, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.yaml"
    earlier.write_text((tmp_path / "feeds.yaml").read_text("utf-8"), "utf-8")
    desk.write("nato OR quake")
    assert desk.run(plan.command, "--against", str(earlier)).output.splitlines()[0] == "~ topic alliance (query)"


def test_a_failing_test_of_a_rule_stops_the_plan(desk: Desk) -> None:
    desk.write("ukraine")
    assert isinstance(desk.run(plan.command).exception, ConfigError)
