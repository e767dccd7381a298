"""After an edit of sources, whose domains are whose is as if it had been collected anew."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model import Source, SourceId
from aggregator.settings import Outlet, Settings
from aggregator.stories.identity.domains import collect_owners
from aggregator.stories.identity.edited_sources import concerned_sources, edited_domains, owners_after
from aggregator.stories.upkeep.restate import attributes_hash

URLS = (
    "https://herald.example/world.xml",
    "https://www.herald.example/sport.xml",
    "https://heral.example/feed",
    "https://bbc.example/news",
    "https://medium.com/feed/@anna",
    "https://social.example/@anna.rss",
    "https://social.example/@ben.rss",
    "https://feeds.feedburner.com/herald",
    "https://anna.substack.com/feed",
    "http://10.0.0.1/feed",
)
TITLES = (None, "The Herald", "The Herald - World", "Herald > Sport", "Anna's notes")
OUTLETS = ({}, {"BBC": Outlet(("bbc.example", "herald.example"))}, {"Social": Outlet(("social.example",), platform=True)})

sources = st.builds(
    Source,
    id=st.sampled_from([SourceId(f"s{number}") for number in range(8)]),
    url=st.sampled_from(URLS),
    title=st.sampled_from(TITLES),
    outlet=st.sampled_from((None, None, None, "Herald", "herald.example", "BBC")),
    private=st.sampled_from((False, False, False, True)),
)
listed = st.lists(sources, max_size=8, unique_by=lambda source: source.id).map(tuple)
edits = st.lists(st.tuples(st.integers(0, 8), st.none() | sources), max_size=2)


def configured(listed: tuple[Source, ...], outlets: dict[str, Outlet]) -> Settings:
    return Settings(file=Path("feeds.yaml"), sources=listed, outlets=outlets)


def edited(before: Settings, edits: list[tuple[int, Source | None]]) -> Settings:
    """Each edit removes the source at a place, if there is one, or puts another one in its place."""
    after = list(before.sources)
    for place, source in edits:
        after[place : place + 1] = [] if source is None else [source]
    return replace(before, sources=tuple({source.id: source for source in after}.values()))


@given(listed, edits, st.sampled_from(OUTLETS))
@settings(max_examples=400, deadline=None)
def test_owners_after_an_edit_are_those_of_the_whole(listed: tuple[Source, ...], edits: list, outlets: dict) -> None:  # type: ignore[type-arg]
    before = configured(listed, outlets)
    after = edited(before, edits)
    owned = collect_owners(before.sources, outlets)
    assert owners_after(owned, before, after) == collect_owners(after.sources, outlets)


@given(listed, edits, st.sampled_from(OUTLETS))
@settings(max_examples=400, deadline=None)
def test_an_edit_concerns_every_source_whose_attributes_it_changes(
    listed: tuple[Source, ...],
    edits: list,  # type: ignore[type-arg]
    outlets: dict,  # type: ignore[type-arg]
) -> None:
    before = configured(listed, outlets)
    after = edited(before, edits)
    owned = [collect_owners(one.sources, outlets) for one in (before, after)]
    concerned = concerned_sources(before, after, *owned)
    if concerned is not None:
        for id in before.sources_by_id.keys() & after.sources_by_id.keys() - concerned:
            old, new = (attributes_hash(one.sources_by_id[id], own) for one, own in zip((before, after), owned, strict=True))
            assert old == new, id


def test_the_edit_of_a_source_concerns_its_domain_alone() -> None:
    many = tuple(Source(SourceId(f"s{number}"), f"https://paper{number:02}s.example/feed") for number in range(50))
    before = configured(many, {})
    after = configured((replace(many[0], title="Paper"), *many[1:]), {})
    assert edited_domains(collect_owners(many), before, after) == {"paper00s.example"}
    assert concerned_sources(before, after, collect_owners(many), collect_owners(after.sources)) == {"s0"}
