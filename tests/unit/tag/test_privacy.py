"""What `check` says of sources that look private and are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.load import load
from aggregator.tag.check import check
from aggregator.tag.rules import warnings

CONFIG = """
server: {admin: {token: admin-token}}
sources:
  - {id: mole, url: "https://mole.example/feed", group: quiet, tags: [inside], PRIVATE}
  - {id: wire, url: "https://wire.example/feed", group: loud}
tags: {watch: "group:quiet harbour"}
topics: [{slug: sea, query: "ferry -source:mole"}, {slug: deal, query: "source:mole takeover"}]
outputs:
  - {slug: deal, access: {token: desk-token}}
  - {slug: desk, QUERY, access: {token: desk-token}}
MORE
"""


def told(folder: Path, query: str, private: str = "", more: str = "") -> list[str]:
    text = CONFIG.replace("QUERY", f"query: '{query}'").replace("PRIVATE", private).replace("MORE", more)
    (folder / "feeds.yaml").write_text(text)
    return warnings(load(folder / "feeds.yaml", check, {}))


@pytest.mark.parametrize("query", ["source:mole", "source:mo*", "group:quiet", "tag:inside", "tag:watch", "topic:deal ferry"])
def test_a_source_that_feeds_with_a_token_alone_ask_for_is_told(tmp_path: Path, query: str) -> None:
    (line,) = told(tmp_path, query)
    assert line.startswith("source mole: only feeds with a token ask for it (deal, desk)")
    assert told(tmp_path, query, private="private: true") == []
    assert told(tmp_path, query, more="  - {slug: open, query: 'group:quiet'}") == [], "a public feed asks for it, too"


def test_what_a_query_excludes_is_not_asked_for(tmp_path: Path) -> None:
    (line,) = told(tmp_path, "ferry -source:wire")
    assert "wire" not in line


def test_private_sources_without_a_feed_or_an_administrator_are_told(tmp_path: Path) -> None:
    text = "sources: [{id: mole, url: 'https://mole.example/feed', private: true}]\n"
    (tmp_path / "feeds.yaml").write_text(text)
    lines = warnings(load(tmp_path / "feeds.yaml", check, {}))
    assert ["no feed with a token" in lines[0], "/metrics" in lines[1]] == [True, True]
