"""What entries show of what hooks told: marked, escaped, and no more than the feed's content allows."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from aggregator.model import Enrichment, Story, StoryId
from aggregator.publish.entry.view import View, view
from aggregator.publish.rendering import render
from aggregator.settings import Site
from tests.unit.publish import samples

SITE = Site(url="https://news.example")


def story(**changes: object) -> Story:
    one = samples.item(1, **changes)
    return Story(StoryId("0b7c1a52-6b7e-5a39-9b53-3f1c2d4e5f60"), (one,), one.id, one.published, one.first_seen, one.published)


def shown(content: str = "summary", language: str = "en", **told: object) -> View:
    plain = story(language=language)
    enrichment = Enrichment("model", **{"of": plain.title, **told})  # type: ignore[arg-type]
    return view(replace(plain, enriched=(enrichment,)), content, SITE, {})


@pytest.mark.parametrize("content", ["full", "summary"])
def test_a_summary_stands_above_the_outlet_s_text(content: str) -> None:
    seen = shown(content, summary="In short.\nAnd more.")
    assert seen.body.startswith("<p><em>Summary by model:</em> In short.</p><p>And more.</p>")
    assert seen.summary == "Summary by model: In short. And more."


def test_a_feed_of_titles_shows_no_summary_but_whose_the_title_is() -> None:
    seen = shown("title", summary="In short.", title="Anders gesagt")
    assert seen.title == "Anders gesagt" and "In short" not in seen.body + seen.summary
    assert "<em>Headline by model. The original:</em>" in seen.body


def test_it_is_told_in_the_entry_s_language() -> None:
    assert "<em>Zusammenfassung von model:</em>" in shown(language="de", summary="Kurz.").body


def test_a_title_of_another_headline_is_not_shown() -> None:
    seen = shown(title="Anders gesagt", of="Something else")
    assert seen.title != "Anders gesagt" and seen.told == () and seen.headline == ""


def test_names_and_texts_are_escaped_in_every_format() -> None:
    plain = story()
    evil = "<script>alert(1)</script>&amp;"
    enrichment = Enrichment("<b>m</b>{}", title=evil, summary=evil, tags=("x",), language='"><script>', of=plain.title)
    seen = view(replace(plain, enriched=(enrichment,)), "full", SITE, {})
    rendered = render(seen)
    for text in (seen.body, seen.title, seen.summary, rendered.atom.decode(), rendered.rss.decode(), rendered.json.decode()):
        assert "<script" not in text and "<b>m" not in text
    assert "summary" in json.loads(rendered.json)["_aggregator"]["enriched"][0]


def test_without_hooks_nothing_is_different() -> None:
    plain: Story = story()
    seen = view(plain, "summary", SITE, {})
    assert b"enriched" not in render(seen).json and (seen.told, seen.headline) == ((), "")
