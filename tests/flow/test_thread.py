"""A running event of the demo's two days, as a subscriber follows it: by entries, a page, and a feed of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.demo.origin import Origin
from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk, newsdesk

HALCYON = "Freighter Halcyon runs aground off Gotland with 900 tonnes of fuel aboard"
CREW = "Helicopters lift 19 crew from stranded Halcyon as gale hits Gotland reef"
PUMPED = "Salvage barge reaches the Halcyon off Fårö with four calm days to empty it"


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory, shared_origin: Origin) -> Iterator[Newsdesk]:
    desk = newsdesk(tmp_path_factory.mktemp("thread"), shared_origin)
    desk.command.run("poll", "--all")
    yield desk


def entries(body: bytes) -> dict[str, dict[str, Any]]:
    return {row["title"]: row for row in json.loads(body)["items"]}


def test_a_subscriber_follows_an_event_into_its_second_day(first_day: Newsdesk) -> None:
    desk, daemon = first_day, f"http://127.0.0.1:{first_day.port}"
    with desk.command.daemon(desk.port) as process:
        eventually(lambda: get(daemon + "/feeds/all.json").status == 200, process, desk.directory / "log")
        before = entries(get(daemon + "/feeds/all.json").body)
        page = get(before[CREW]["_aggregator"]["page"]).body.decode()
        [followed] = set(re.findall(r'href="\.\./(threads/[0-9a-f-]+)\.html">Follow this', page))
        thread = f"{daemon}/{followed}.json"
        feed = get(thread)
        assert HALCYON in entries(feed.body) and PUMPED not in entries(feed.body)
        assert get(thread, **{"If-None-Match": "*"}).status == 304

        desk.origin.advance(1_760_090_000.0)
        desk.command.run("poll", "--all")
        eventually(lambda: PUMPED in entries(get(thread).body), process, desk.directory / "log")
        after = entries(get(daemon + "/feeds/all.json").body)
        told = after[PUMPED]["_aggregator"]["thread"]
        assert HALCYON in [one["title"] for one in told["earlier"]]
        for one in told["earlier"]:
            assert f'<a href="{one["url"]}">' in after[PUMPED]["content_html"] and get(one["url"]).status == 200
        assert get(told["url"]).status == 200 and followed in told["url"]
        assert after[CREW] == before[CREW], "what was published stays while its thread goes on"
        later = get(before[CREW]["_aggregator"]["page"]).body.decode().partition("<h2>Later")[2]
        assert PUMPED in later
        assert get(after[PUMPED]["_aggregator"]["page"]).body.decode().count(HALCYON) == 1, "a page names what came before once"
        folder = (desk.public / "stories" / Path(before[CREW]["_aggregator"]["page"]).name).read_text()
        assert PUMPED in folder and "Follow this" not in folder
    rows = {row["title"]: row for row in desk.command.rows("stories")}
    assert rows[PUMPED]["thread"] == rows[HALCYON]["thread"] == told["id"]
    found = desk.command.rows("search", "halcyon")
    assert {row["title"] for row in found} >= {PUMPED, HALCYON} and {row["thread"] for row in found} == {told["id"]}
    assert sum(row["thread"] is None for row in rows.values()) > 50
