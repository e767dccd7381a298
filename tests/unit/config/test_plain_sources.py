"""Plain sources are read by a pattern; YAML is the oracle: the same settings, notes and problems come out of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.config import plain_sources
from aggregator.config.load import Memory, load_text
from aggregator.config.plain_sources import read_plain, set_apart
from aggregator.errors import ConfigError
from aggregator.settings import Settings
from aggregator.tag.check import check

FILE = Path("/nowhere/feeds.yaml")
PLAIN = (
    "- https://a.example/feed",
    "- url: https://b.example/feed.xml",
    "- id: c\n  url: https://c.example/",
    "- url: https://d.example/rss?x=1&y=2\n  title: The D Times, & others\n  group: world",
    '- title: \'Quoted: one\'\n  group: "local #1"\n  url: "https://e.example:8080/a/b"',
    "- url: https://reddit.com/r/news.rss\n  group: passing on",
    "- url: https://g.example/feed\n\n  # before the next one\n",
    "- url: https://a.example/feed\n  title: Asked twice",
)
SPECIAL = (
    "- {id: flow, url: 'https://h.example/feed'}",
    "- id: i\n  url: https://i.example/feed\n  every: 1s\n  tags: [wire, sea]",
    "- url: https://j.example/feed\n  drop: source:c OR group:world",
    "- &anchor\n  url: https://k.example/feed\n  rank: 1",
    "- <<: *anchor\n  url: https://l.example/feed",
    "- url: https://m.example/feed\n  title: two\n    lines of it",
    "- url: https://n.example/feed\n  title: >\n    folded\n    - url: https://inside.example/",
    '- url: https://o.example/feed\n  title: "open\n- url: https://inside.example/feed\n  title: and closed"',
    "-   url: https://p.example/feed\n    title: Indented",
    "- url: https://q.example/${KEY}",
    "- url: https://f.example/feed # of the town",
    "- url: https://r.example/feed\n  title: a: b",
    "- url: https://s.example/feed\n  title: C#",
    "- url: https://v.example/feed\n  title: yes",
    "- url: https://v.example/feed\n  title: 12:30",
    "- url: https://v.example/feed\n  id: 007",
    "- url: https://v.example/feed\n  title: null",
    "- url: https://v.example/feed\n  title:",
    "- url: https://w.example/feed\n  url: https://w.example/again",
    "- url: https://x.example/feed\n  titel: Misspelt",
    "- url: ftp://y.example/feed",
    "- url: https://z.example/feed\n title: Indented otherwise",
    "- url: https://z.example/feed\r\n  title: Of another system",
    "- url: 'https://z.example/feed\n- url: https://inside.example/feed'",
    "- title: [open,\n- url: https://inside.example/feed\n  title: closed]",
    "-",
    "- - https://nested.example/",
    "---",
    "...",
    "other: key",
    "sources: []",
)
UNFIT = ("- url: https://t.example/feed\n  group: worlld", "- url: https://u.example/feed\n  id: 'c'")
"""Plain, and wrong beside others."""
HEAD = "# by hand\ngroups: {world: {rank: 1}, passing on: {aggregator: false}}\ntags: {rail: 'railway'}\n"
TAILS = (
    "",
    "topics: [{slug: rail, title: Rail, query: 'source:c OR group:world'}]\n",
    "topics: [{slug: sea, title: Sea, query: ferry}]\n",
    "# end",
    "x-notes: |\n  - url: https://a.example/feed\n",
)


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """Small configs are read as large ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_sources, "LEAST", 0)
        yield


def read(text: str, memory: Memory | None = None) -> Settings | str:
    try:
        return load_text(FILE, text, check, {"KEY": "hunter2"}, memory=memory)
    except ConfigError as error:
        return str(error)


def read_as_yaml(text: str) -> Settings | str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_sources, "LEAST", len(text) + 1)
        return read(text)


def config(members: list[str], indent: str, head: str = HEAD, tail: str = "") -> str:
    listed = "".join("".join(f"{indent}{line}\n" for line in one.split("\n")) for one in members)
    return f"{head}sources:\n{listed}{tail}"


members = st.lists(st.sampled_from(PLAIN) | st.sampled_from(PLAIN + SPECIAL + UNFIT), min_size=1, max_size=7)
sane = st.lists(st.sampled_from(PLAIN + SPECIAL[:12]), min_size=1, max_size=9, unique=True)


@given(members | sane, st.sampled_from(("", "  ", "    ")), st.sampled_from(TAILS))
@settings(max_examples=400, deadline=None)
def test_the_same_comes_out_of_a_pattern_and_of_yaml(listed: list[str], indent: str, tail: str) -> None:
    text = config(listed, indent, tail=tail)
    assert read(text) == read_as_yaml(text)


@pytest.mark.parametrize("member", PLAIN)
def test_what_add_writes_is_read_by_the_pattern(member: str) -> None:
    apart = set_apart(config([member], "  "), {})
    assert apart is not None
    assert None not in apart.order


@pytest.mark.parametrize("member", SPECIAL)
def test_what_is_not_plain_is_left_to_yaml(member: str) -> None:
    apart = set_apart(config([member, PLAIN[0]], ""), {})
    assert apart is None or apart.order[0] is None


def test_a_list_inside_of_a_text_is_no_list() -> None:
    text = (
        'x-notes: "quoted\nsources:\n  - https://a.example/feed\n  - https://b.example/feed\n"\nsources: [https://c.example/]\n'
    )
    found = read(text)
    assert isinstance(found, Settings)
    assert [source.url for source in found.sources] == ["https://c.example/"]


@given(sane, sane, st.sampled_from(("{}", "{world: {rank: 3}, passing on: {}}", "{local: {every: 2h}, world: {outlet: W}}")))
@settings(max_examples=200, deadline=None)
def test_what_is_remembered_of_an_earlier_text_changes_nothing(before: list[str], after: list[str], groups: str) -> None:
    memory, edited = Memory(), config(after, "  ", f"groups: {groups}\ntags: {{rail: 'a'}}\n")
    read(config(before, "  "), memory)
    assert read(edited, memory) == read_as_yaml(edited)


def test_an_edit_of_one_source_makes_no_other_one_anew() -> None:
    memory, listed = Memory(), [f"- url: https://{name}.example/feed\n  title: {name}" for name in "abcdefgh"]
    before = read(config(listed, "  "), memory)
    after = read(config([*listed[:3], listed[3].replace("title: d", "title: Edited"), *listed[4:]], "  "), memory)
    assert isinstance(before, Settings)
    assert isinstance(after, Settings)
    changed = [new.id for old, new in zip(before.sources, after.sources, strict=True) if old is not new]
    assert changed == ["d.example"]


def test_long_values_are_left_to_the_usual_checks() -> None:
    assert read_plain(f"url: https://a.example/feed\n  title: {'x' * 900}", "\n  ") is None
    assert read_plain(f"https://a.example/{'x' * 300}", "\n  ") is None
