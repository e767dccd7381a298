"""What a config means."""

from __future__ import annotations

from pathlib import Path

from aggregator.model import Auto, Cron, Fixed
from tests.unit.config.conftest import SOURCE, Loader


def test_smallest_file(config: Loader, tmp_path: Path) -> None:
    settings = config("sources:\n  - https://www.example.org/news/world/feed.xml\n")
    (source,) = settings.sources
    assert (source.id, source.url, source.every) == (
        "example.org-news-world",
        "https://www.example.org/news/world/feed.xml",
        Auto(),
    )
    assert settings.site.url == "http://127.0.0.1:8080"
    assert settings.storage.database == str(tmp_path / "data/aggregator.db")
    assert [output.slug for output in settings.outputs] == ["all"]


def test_source_takes_from_its_group_then_from_the_defaults(config: Loader) -> None:
    settings = config(
        """
defaults: {every: 30m, tags: [news], rank: 3, group: wires, headers: {X-A: "1", X-B: "1"}}
groups: {wires: {rank: 1, tags: [wire], dedup: {level: event}, headers: {x-b: "2"}, retain: 30d}}
sources:
  - {url: "http://a.example/", tags: [own]}
  - {url: "http://b.example/", every: 15m, group: other, dedup: false}
  - {url: "http://c.example/", every: "0 6 * * *", rank: 2}
"""
    )
    first, second, third = settings.sources
    assert (first.rank, first.tags, first.level, first.dedup) == (1, ("news", "wire", "own"), "event", True)
    assert (first.headers, first.retain) == ((("X-A", "1"), ("x-b", "2")), 30 * 86400)
    assert (second.rank, second.group, second.dedup, second.level) == (3, "other", False, "story")
    assert third.rank == 2
    assert [source.every for source in settings.sources] == [Fixed(1800, strict=False), Fixed(900), Cron("0 6 * * *")]


def test_outputs_add_and_reshape(config: Loader) -> None:
    settings = config(
        SOURCE
        + """
site: {title: My news}
publish: {items: 30}
topics:
  - {slug: ukraine, title: Ukraine, query: ukraine}
  - {slug: tech, query: software}
outputs:
  - {slug: tech, items: 5, content: full}
  - {slug: top, title: Top, query: "outlets>=3 age<1d"}
  - {slug: desk, access: {token: "${TOKEN}"}}
""",
        {"TOKEN": "0123456789abcdef"},
    )
    shapes = [
        (output.slug, output.title, output.topic, output.items, output.content, output.token) for output in settings.outputs
    ]
    assert shapes == [
        ("all", "My news", None, 30, "summary", None),
        ("ukraine", "Ukraine", "ukraine", 30, "summary", None),
        ("tech", "tech", "tech", 5, "full", None),
        ("top", "Top", None, 30, "summary", None),
        ("desk", "desk", None, 30, "summary", "0123456789abcdef"),
    ]
