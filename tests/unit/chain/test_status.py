"""`status` and `poll` as people read them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

from click.testing import CliRunner
from rich.console import Console

from aggregator.commands import poll, status
from aggregator.model import PollReport, Source, SourceId, SourceState
from aggregator.ports import Event
from aggregator.settings import Settings

SETTINGS = Settings(Path("feeds.yaml"), ())
LONG = SourceId("a-source-with-a-rather-long-name-of-its-own-from-somewhere")
WHY = "private address 10.255.255.1 not allowed; if it is yours, add a line to the config, and a few words more"


def test_a_piped_table_has_one_line_a_source_and_breaks_no_word() -> None:
    source = Source(LONG, "https://one.example/feed")
    state = SourceState(LONG, source.url, last_error=WHY)
    application = SimpleNamespace(
        pick=lambda ids: [source],
        store=SimpleNamespace(states=lambda: {LONG: state}, events=lambda count: []),
        settings=SETTINGS,
    )
    lines = CliRunner().invoke(status.command, obj=application).output.splitlines()
    assert len(lines) == 3 and lines[2] == "1 source: 1 fault"
    assert LONG in lines[1] and WHY in lines[1]


def test_a_piped_table_stands_in_columns_and_says_below_what_is_wrong_with_the_daemon() -> None:
    ids = (SourceId("a"), SourceId("zeitung-日本"), SourceId("never-polled"))
    sources = [Source(id, f"https://{place}.example/feed") for place, id in enumerate(ids)]
    states = {one.id: SourceState(one.id, one.url, last_poll=1.0, entries=12_345, reason="why not") for one in sources[:2]}
    wrong = Event("config daemon", "config", "the edited config is refused", "line 3", opened=5.0)
    over = Event("config daemon", "config", "the edited config is refused", "line 2", opened=4.0, closed=4.5)
    application = SimpleNamespace(
        pick=lambda ids: sources,
        store=SimpleNamespace(states=lambda: states, events=lambda count: [wrong, over]),
        settings=SETTINGS,
    )
    head, first, second, third, *below = CliRunner().invoke(status.command, obj=application).output.splitlines()
    assert head.split() == list(status.COLUMNS)
    assert first.index("ok") == head.index("state") == second.index("ok") + 2  # two characters of four columns stand before
    assert first.endswith("due   why not")
    assert third.split() == ["never-polled", "new", "0", "never", "due", "never", "polled"]
    assert below == ["the edited config is refused: line 3", "3 sources: 2 ok, 1 new"]


def test_before_the_first_poll_status_says_what_brings_one() -> None:
    source = Source(LONG, "https://one.example/feed")
    application = SimpleNamespace(pick=lambda ids: [source], store=SimpleNamespace(states=dict, events=lambda count: []))
    application.settings = SETTINGS
    assert "`aggregator poll`" in CliRunner().invoke(status.command, obj=application).output
    assert "`aggregator poll`" in str(status.table(application, ()).caption)
    (row,) = map(json.loads, CliRunner().invoke(status.command, ["--json"], obj=application).output.splitlines())
    assert (row["id"], row["state"], row["next_poll"], row["last_poll"]) == (LONG, "new", None, None)


def test_one_is_told_as_one() -> None:
    told = poll.summary([PollReport(LONG, "changed", "", new=1, changed=1), PollReport(LONG, "unchanged", "")])
    assert told == "2 polled, 1 new entry, 1 changed entry, 1 source unchanged"


def test_a_poll_ends_with_what_it_brought() -> None:
    held = PollReport(LONG, "refused", "the server asked to wait 60m more")
    assert poll.summary([held]) == "1 polled, 0 new entries, 0 changed entries, 0 sources unchanged, 1 not asked"


def test_faults_alone_and_one_line_for_each_source() -> None:
    ids = [SourceId("a"), SourceId("b"), SourceId("c")]
    sources = [Source(id, f"https://{id}.example/feed") for id in ids]
    states = {id: SourceState(id, "https://x.example/", last_poll=1.0, last_error=f"{id}: {WHY}") for id in ids[1:]}
    states[ids[0]] = SourceState(ids[0], "https://x.example/", last_poll=1.0)
    application = SimpleNamespace(
        pick=lambda ids: sources,
        store=SimpleNamespace(states=lambda: states, events=lambda count: []),
        settings=SETTINGS,
    )
    output = CliRunner().invoke(status.command, ["--faults"], obj=application).output
    assert [line.split()[0] for line in output.splitlines()] == ["source", "b", "c", "3"]
    assert output.endswith("3 sources: 2 fault, 1 ok\n")
    (first, second) = CliRunner().invoke(status.command, ["--faults", "--json"], obj=application).output.splitlines()
    assert (json.loads(first)["id"], json.loads(second)["id"]) == ("b", "c")
    narrow = Console(width=60, file=StringIO())
    narrow.print(status.table(application, (), is_clipped=True))
    assert isinstance(narrow.file, StringIO) and len(narrow.file.getvalue().splitlines()) == 5
