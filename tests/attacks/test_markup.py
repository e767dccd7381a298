"""Markup that makes a parser copy elements without end, nest them without end or compare them with one another.

Each family is a pattern of our own, at a size at which the parser alone writes at least ten times what it read; long forms are
near the size of the longest text that is kept.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path

import pytest

from aggregator.fetch.discover import offered_feeds
from aggregator.model import Fault, Fetched, SourceId, SourceState
from aggregator.reading.job import Read, ReadOptions
from aggregator.store.sqlite import SqliteStore
from aggregator.text.clean import Links, clean
from aggregator.text.html import text_of
from aggregator.text.nesting import bound_nesting
from aggregator.text.titles import title_text
from tests.unit.chain.newsroom import START, Newsroom, entry

HOME = "https://harbour.example/"
FORMATTING = ("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")


def opened(count: int, name: str = "b", hiding: str = "") -> str:
    return "".join(f"<{name} id=x{number}>{hiding}" for number in range(count))


def closed_by_its_block(name: str, hiding: str = "") -> Callable[[int], str]:
    return lambda count: f"<div>{opened(count, name, hiding)}</div>" + "<p>word</p>" * count


FAMILIES: dict[str, Callable[[int], str]] = {
    **{f"{name} closed by its block": closed_by_its_block(name) for name in FORMATTING},
    "closed, as a comment says": closed_by_its_block("b", "<!--</b>-->"),
    "closed, as an attribute says": closed_by_its_block("b", "<i t='</b>'></i>"),
    "closed, as a section of SVG says": closed_by_its_block("b", "<svg><![CDATA[></svg></b>]]></svg>"),
    "closed, as a script in a script says": closed_by_its_block("b", "<script><!--<script></script></b>--></script>"),
    "closed, where no script runs": closed_by_its_block("b", "<noscript></b></noscript>"),
    "opened, where no script runs": closed_by_its_block("b", "<noscript><!--</noscript><b id=y>--></noscript>"),
    "opened where a quote seems to be": closed_by_its_block("b", '<i ="><b id=y><i t="></i>'),
    "left open": lambda count: f"<div>{opened(count)}</div>" + "<div>word</div>" * count,
    "closed more often than opened": lambda count: f"<div>{opened(count, 'i')}</div>" + "</b>" * count + "<p>word" * count,
    "900 open": lambda count: f"<p>{opened(900)}" + "<p>word" * count,
    "long attributes": lambda count: (
        f"<div>{''.join(f'<b lang={n:01000}>' for n in range(count // 20))}</div>" + "<p>word" * count
    ),
    "paragraphs end each other": lambda count: f"<p>{opened(190)}" + "<p>word" * count,
    "items end each other": lambda count: f"<ul><li>{opened(190)}" + "<li>word" * count,
    "headings": lambda count: f"<h1>{opened(190)}</h1>" + "<h2>word</h2>" * count,
    "in a table": lambda count: f"<table>{opened(count)}<tr>" + "word<tr>" * count,
    "in cells": lambda count: "<table><tr>" + "".join(f"<td><b id={n}>word" for n in range(count)),
    "in captions": lambda count: f"<table><caption>{opened(count)}</table>" + "<caption>word</caption>" * count,
    "links over blocks": lambda count: "".join(f"<a id={n}>{'<p>word<div>' * 9}<a></a>{'</div>' * 9}" for n in range(count // 9)),
    "ends far away": lambda count: f"<b>{'<div>' * 20}word</b>{'</div>' * 20}" * (count // 9),
}


def cleaned(markup: str) -> str:
    return clean(markup, Links(HOME))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_written_is_not_many_times_what_was_read(family: str, long: bool) -> None:
    markup = FAMILIES[family](8_000 if long else 1_500)
    written = cleaned(markup)
    assert len(written) < 3 * len(markup)
    assert "word" in text_of(written)


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 100_000 + "word",
        "<span><div></span>" * 30_000 + "word",
        "<p><button>" * 30_000 + "word",
        "<table><tr><td>" * 30_000 + "word",
        "<svg><p>" + "<path/>" * 60_000 + "<p>word",
        "<table>" + "word<i></i>" * 40_000,
        "<br>" * 50_000 + "<table>word</table>" * 20_000,
        "<b " + " ".join(f"a{number}" for number in range(120_000)) + ">word",
        "<b " + "/".join(f"a{number}" for number in range(120_000)) + ">word",
        "".join(f"<html a{number}>" for number in range(60_000)) + "word",
        "".join(f"<body a{number}>" for number in range(60_000)) + "word",
    ],
    ids=lambda markup: markup[:20],
)
def test_what_is_deep_or_crowded_takes_no_long_time(markup: str) -> None:
    begun = time.process_time()
    assert "word" in text_of(cleaned(markup))
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    "markup", ["<a x=\"<a x='", "<a ='\"", "<", "<!--", "<!", "<?", "</", "<a ", "<svg><![CDATA[", "<script>"]
)
def test_what_never_ends_takes_no_long_time(markup: str) -> None:
    begun = time.process_time()
    bound_nesting(markup * (1_000_000 // len(markup)))
    assert time.process_time() - begun < 3


def test_a_title_is_not_blown_up_either() -> None:
    begun = time.process_time()
    for _ in range(20):
        assert "word" in title_text(f"<div>{opened(200)}</div>{'<div>word</div>' * 120}"[:4000], "html")
    assert time.process_time() - begun < 1


def test_what_is_nested_anew_keeps_its_text_its_links_and_its_blocks() -> None:
    begin = "<div>" + opened(2000) + "<script>hidden</script></div>"
    written = cleaned(
        begin + "<p>One <a href='/1'>first <a href='/2'>second</a> &amp; x < y<ul><li><b>in</b><li>list</ul><h2>End</h2>"
    )
    assert text_of(written) == "One first second & x < y in list End"
    for part in (f'href="{HOME}1"', f'href="{HOME}2"', "<li><b", "<h2>End</h2>"):
        assert part in written


@pytest.mark.parametrize(
    "honest",
    [
        "<p>Some <b>bold</b> and <a href='/x'>linked</a> text<br>" * 3000,
        "<ul>" + "<li><i>item</i><p>more" * 3000 + "</ul>",
        "<p><font size=2>old <b>page" * 500,
        "<table>" + "<tr><td><b>cell</b><td>cell" * 3000 + "</table>",
        "<p>x<!-- wp:paragraph --><script><!--\na('<b>')\n//--></script><noscript><img><b></noscript></p>" * 1000,
        "<p>x<svg><title>t</title><path d='M0'/></svg></p>" * 1000,
        "<math><mrow><mi>x</mi><mo>+</mo></mrow></math><table><tr><td>y</td></tr></table>" * 1000,
    ],
    ids=lambda honest: honest[:20],
)
def test_honest_pages_stay_as_they_are(honest: str) -> None:
    assert bound_nesting(honest) is honest


def test_a_page_is_looked_through_for_feeds_in_little_time(long: bool) -> None:
    link = "<link rel=alternate type=application/rss+xml href=/feed.xml>"
    for family in FAMILIES.values():
        page = link + family(20_000 if long else 1_500)
        begun = time.process_time()
        assert offered_feeds(page.encode(), HOME) == (f"{HOME}feed.xml",)
        assert time.process_time() - begun < 1


def test_a_page_of_links_takes_no_long_time() -> None:
    begun = time.process_time()
    assert offered_feeds(b"<a href=/feed/>" * 70_000, HOME) == (f"{HOME}feed/",)
    assert time.process_time() - begun < 1


class Interrupted(Newsroom):
    """Ends while it reads, as a program does that is killed; what the database then says, is kept."""

    @asynccontextmanager
    async def reading(
        self,
        document: Fetched,
        options: ReadOptions,
        room: AbstractAsyncContextManager[object] | None = None,
        *,
        slow: bool = False,
    ) -> AsyncIterator[Read | Fault]:
        async with room or nullcontext():
            for _ in range(1000):
                await asyncio.sleep(0.001)
                self.at_the_end = self.store.states(None)
                if next(iter(self.at_the_end.values())).due > self.clock.time:
                    break
            async with super().reading(document, options) as read:
                yield read


class Crowded(Newsroom):
    """Documents wait for others to be read before them. meanwhile: the stored state at the end of the wait."""

    meanwhile: Mapping[SourceId, SourceState] = {}

    @asynccontextmanager
    async def reading(
        self,
        document: Fetched,
        options: ReadOptions,
        room: AbstractAsyncContextManager[object] | None = None,
        *,
        slow: bool = False,
    ) -> AsyncIterator[Read | Fault]:
        for _ in range(50):
            await asyncio.sleep(0.001)
        self.meanwhile = self.store.states(None)
        async with super().reading(document, options, room) as read:
            yield read


def test_a_document_that_waits_for_others_is_not_suspected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.store.writer.LINGER", 0.001)
    newsroom = Crowded(tmp_path, SqliteStore(tmp_path / "news.db"))
    newsroom.configure(f"sources:\n  - {{id: paper, url: '{HOME}feed'}}\n")
    newsroom.serves(f"{HOME}feed", entry("Bridge opens"))
    newsroom.poll()
    (state,) = newsroom.meanwhile.values()
    assert (state.failures, state.last_error) == (0, None)
    newsroom.store.close()


def test_a_source_waits_its_turn_whose_document_ends_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.store.writer.LINGER", 0.001)
    newsroom = Interrupted(tmp_path, SqliteStore(tmp_path / "news.db"))
    newsroom.configure(f"sources:\n  - {{id: paper, url: '{HOME}feed'}}\n")
    newsroom.serves(f"{HOME}feed", entry("Bridge opens"))
    newsroom.poll()
    (state,) = newsroom.at_the_end.values()
    assert state.due >= START + 600 and state.failures == 1 and "cut short" in (state.last_error or "")
    (state,) = newsroom.store.states(None).values()
    assert state.failures == 0 and state.last_error is None
    newsroom.store.close()
