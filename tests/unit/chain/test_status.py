"""`status` and `poll` as people read them."""

from __future__ import annotations

from types import SimpleNamespace

from click.testing import CliRunner

from aggregator.commands import poll, status
from aggregator.model import Source, SourceId, SourceState
from aggregator.pipeline import PollReport

LONG = SourceId("a-source-with-a-rather-long-name-of-its-own-from-somewhere")
WHY = "private address 10.255.255.1 not allowed (network.allow opens ranges), and a few words more"


def test_a_piped_table_has_one_line_a_source_and_breaks_no_word() -> None:
    source = Source(LONG, "https://one.example/feed")
    state = SourceState(LONG, source.url, last_error=WHY)
    application = SimpleNamespace(
        pick=lambda ids: [source], store=SimpleNamespace(states=lambda: {LONG: state}, events=lambda count: [])
    )
    lines = CliRunner().invoke(status.command, obj=application).output.splitlines()
    assert len(lines) == 2
    assert LONG in lines[1] and WHY in lines[1]


def test_a_poll_ends_with_what_it_brought() -> None:
    held = PollReport(LONG, "refused", "the server asked to wait 60m more")
    assert poll.summary([held]) == "1 polled, 0 new entries, 0 changed entries, 0 sources unchanged, 1 not asked"
