"""Identity: what is new, changed, the same or known by another guid, and who published it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model import Category, Entry, Item, ItemId, Source, SourceId, StoryId
from aggregator.ports import KnownItem
from aggregator.stories.identity.entry_keys import content_hash, guid_of, title_hash
from aggregator.stories.identity.identify import Changed, Decision, New, Rekeyed, Repeated, Same, identify
from aggregator.stories.identity.outlets import Voice

NOW = 1_700_000_000.0
HOUR = 3600.0
SOURCE = Source(id=SourceId("daily"), url="https://feeds.daily.example/rss")
VOICE = Voice("daily.example", "daily.example", frozenset({"daily.example"}))


def entry(
    guid: str | None = None, url: str | None = None, title: str = "Harbour bridge opens to traffic", **more: object
) -> Entry:
    return replace(Entry(guid=guid, url=url, title=title, text="The first cars crossed at noon.", published=NOW - HOUR), **more)


class Shelf:
    """A store of one source's items, as small as identification needs it."""

    def __init__(self) -> None:
        self.items: list[KnownItem] = []

    def __call__(self, guids: object, canonicals: object) -> list[KnownItem]:
        return [item for item in self.items if item.guid in guids or item.canonical in canonicals]  # type: ignore[operator]

    def poll(
        self, *entries: Entry, unchanged: tuple[bytes, ...] = (), first: bool = False, source: Source = SOURCE
    ) -> list[Decision]:
        decisions = identify(entries, unchanged, self, source, VOICE, NOW, first, 24 * HOUR)
        for decision in decisions:
            if not isinstance(decision, Repeated):
                self._keep(decision.item)
        return list(decisions)

    def _keep(self, item: Item) -> None:
        number = item.id or ItemId(len(self.items) + 1)
        self.items = [old for old in self.items if old.id != number]
        self.items.append(
            KnownItem(
                number, item.guid, item.canonical, item.hash, item.entry.fingerprint, title_hash(item.entry.title), StoryId("s"),
                item.first_seen, item.published, item.undated, item.old,
            )
        )  # fmt: skip


def kinds(decisions: list[Decision]) -> list[str]:
    return [type(decision).__name__ for decision in decisions]


def test_an_entry_is_new_once_then_the_same_then_changed() -> None:
    shelf = Shelf()
    first = entry("a", "https://daily.example/1")
    assert kinds(shelf.poll(first)) == ["New"]
    assert kinds(shelf.poll(first)) == ["Same"]
    (edited,) = shelf.poll(replace(first, title="Harbour bridge opens late"))
    assert isinstance(edited, Changed) and edited.item.id == 1
    assert len(shelf.items) == 1


def test_an_item_has_its_entrys_language_or_the_one_that_is_likely() -> None:
    document = (entry("a"), entry("b", language="pl"))
    found = identify(document, (), Shelf(), SOURCE, VOICE, NOW, True, 0.0, "de")
    assert [one.item.language for one in found if isinstance(one, New)] == ["de", "pl"]


@pytest.mark.parametrize(
    ("one", "guid"),
    [
        (entry("tag:daily.example,2023:1", "https://daily.example/1"), "tag:daily.example,2023:1"),
        (entry("  padded ", None), "padded"),
        (entry(None, "https://www.daily.example/1/?utm_source=rss"), "link:daily.example/1"),
    ],
)
def test_guid(one: Entry, guid: str) -> None:
    assert guid_of(one) == guid


def test_made_up_guids_cannot_be_claimed_by_a_feed() -> None:
    assert guid_of(entry("link:daily.example/1")) != guid_of(entry(None, "https://daily.example/1"))
    assert len(guid_of(entry("x" * 10_000))) < 64
    assert guid_of(entry("x" * 10_000)) != guid_of(entry("x" * 9_999))
    assert guid_of(entry(None, None)) != guid_of(entry(None, None, title="Another"))


def test_a_guid_shared_by_several_entries_falls_back_to_the_link() -> None:
    shelf = Shelf()
    document = [entry("same", f"https://daily.example/{n}", title=f"Story number {n}") for n in range(3)]
    assert kinds(shelf.poll(*document)) == ["New"] * 3
    assert kinds(shelf.poll(*document)) == ["Same"] * 3
    assert len({item.guid for item in shelf.items}) == 3


def test_a_guid_shared_with_an_entry_that_was_not_read_again_stays_with_that_entry() -> None:
    shelf = Shelf()
    old = entry("same", "https://daily.example/1", fingerprint=b"11111111")
    shelf.poll(old)
    (second,) = shelf.poll(entry("same", "https://daily.example/2", title="Ferry fares rise"), unchanged=(b"11111111",))
    assert isinstance(second, New)
    (third,) = shelf.poll(entry(None, "https://daily.example/2", title="Ferry fares rise again"), unchanged=(b"11111111",))
    assert isinstance(third, Changed)
    assert len(shelf.items) == 2


def test_link_and_guid_shared_by_all_entries_leaves_title_date_and_text() -> None:
    shelf = Shelf()
    document = [entry("home", "https://daily.example/", title=f"Notice {n}") for n in range(3)]
    assert kinds(shelf.poll(*document)) == ["New"] * 3
    assert kinds(shelf.poll(*document)) == ["Same"] * 3


def test_a_feed_that_changes_all_its_guids_does_not_flood() -> None:
    shelf = Shelf()
    shelf.poll(*[entry(f"old-{n}", f"https://daily.example/{n}", title=f"Story {n}") for n in range(5)])
    decisions = shelf.poll(*[entry(f"new-{n}", f"https://daily.example/{n}", title=f"Story {n}, edited") for n in range(5)])
    assert kinds(decisions) == ["Rekeyed"] * 5
    assert all(isinstance(one, Rekeyed) and one.changed for one in decisions)
    assert {item.guid for item in shelf.items} == {f"new-{n}" for n in range(5)}
    assert kinds(shelf.poll(entry("new-1", "https://daily.example/1", title="Story 1, edited"))) == ["Same"]


def test_one_new_guid_under_an_old_link_is_another_entry_unless_it_has_the_same_title() -> None:
    shelf = Shelf()
    shelf.poll(
        entry("v1", "https://daily.example/changelog", title="Version 1"),
        entry("other", "https://daily.example/x", title="Other"),
    )
    assert kinds(shelf.poll(entry("v2", "https://daily.example/changelog", title="Version 2"))) == ["New"]
    assert kinds(shelf.poll(entry("other?v=2", "https://daily.example/x", title="Other"))) == ["Rekeyed"]


def test_the_same_entry_twice_in_a_document_counts_once() -> None:
    shelf = Shelf()
    one = entry("a", "https://daily.example/1")
    assert kinds(shelf.poll(one, one)) == ["New", "Repeated"]


@pytest.mark.parametrize(
    ("published", "stored", "undated"),
    [(NOW - HOUR, NOW - HOUR, False), (NOW + HOUR, NOW, False), (None, NOW, True), (0.0, NOW, True), (-62e9, NOW, True)],
)
def test_published_is_never_later_than_first_sight(published: float | None, stored: float, undated: bool) -> None:
    (decision,) = Shelf().poll(entry("a", published=published))
    assert isinstance(decision, New)
    assert (decision.item.published, decision.item.undated) == (stored, undated)


def test_a_changed_entry_keeps_its_dates() -> None:
    shelf = Shelf()
    shelf.poll(entry("a", published=NOW - 9 * HOUR))
    (decision,) = shelf.poll(entry("a", title="Edited headline of the day", published=NOW - HOUR))
    assert isinstance(decision, Changed)
    assert decision.item.published == NOW - 9 * HOUR


@pytest.mark.parametrize(
    ("first", "published", "old"),
    [(True, NOW - 25 * HOUR, True), (True, None, True), (True, NOW - HOUR, False), (False, NOW - 99 * HOUR, False)],
)
def test_the_backlog_of_a_new_source_is_old(first: bool, published: float | None, old: bool) -> None:
    (decision,) = Shelf().poll(entry("a", published=published), first=first)
    assert isinstance(decision, New)
    assert decision.item.old is old


def test_the_hash_sees_what_a_reader_sees() -> None:
    one = entry("a", "https://daily.example/1?utm_source=rss")
    assert content_hash(one) == content_hash(
        replace(one, url="https://daily.example/1?utm_source=atom", published=NOW, fingerprint=b"x")
    )
    for other in (
        replace(one, title="Another"),
        replace(one, url="https://daily.example/2"),
        replace(one, summary="<p>More</p>"),
        replace(one, categories=(Category("transport"),)),
    ):
        assert content_hash(other) != content_hash(one)


@pytest.mark.parametrize(
    ("text", "authors", "agency"),
    [
        ("OSLO, June 15 (Reuters) - The bridge opened.", (), "reuters"),
        ("(AP) — The bridge opened.", (), "ap"),
        ("Berlin (dpa/lno) - Die Brücke ist offen.", (), "dpa"),
        ("Most otwarto w czwartek. (PAP)", (), "pap"),
        ("The bridge opened.", ("Jane Doe, Associated Press",), "ap"),
        ("The bridge opened.", ("By Agence France-Presse",), "afp"),
        ("The bridge opened.", ("Jane Doe",), None),
        (
            "A map of the bridge, behind the start of a text which is longer than any dateline is, has (AP) for its source.",
            (),
            None,
        ),
    ],
)
def test_the_agency_is_read_from_dateline_and_byline(text: str, authors: tuple[str, ...], agency: str | None) -> None:
    (decision,) = Shelf().poll(entry("a", text=text, authors=authors))
    assert isinstance(decision, New)
    assert decision.item.origin == agency


_entries = st.builds(
    lambda guid, page, title: entry(guid, page and f"https://daily.example/{page}", title=title),
    st.sampled_from([None, "a", "b", "c"]),
    st.sampled_from([None, "1", "2", ""]),
    st.sampled_from(["", "One", "Two"]),
)


@given(st.lists(_entries, max_size=8))
def test_reading_a_document_twice_brings_nothing_new(document: list[Entry]) -> None:
    shelf = Shelf()
    first = shelf.poll(*document)
    guids = [one.item.guid for one in first if not isinstance(one, Repeated)]
    assert len(set(guids)) == len(guids)
    again = shelf.poll(*document)
    assert all(isinstance(one, Same | Repeated) for one in again)
