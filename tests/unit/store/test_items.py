"""The contract of items and stories: identity, what a change keeps, merging and moving."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import Category, Enclosure, Item, ItemId, Origin, Picture, Slug, Story, StoryId, Tag, TagKind
from aggregator.ports import Store
from aggregator.stories.identity.entry_keys import title_hash
from tests.unit.store.builders import JOINED, NEW, entry, item

ALL = Slug("all")


def added(store: Store, one: Item, story: StoryId | None = None) -> tuple[Item, StoryId]:
    with store.begin() as transaction:
        return transaction.add_item(one, story, NEW if story is None else JOINED)


def whole(store: Store, id: StoryId) -> Story:
    story = store.story(id)
    assert story is not None
    return story


FULL = item(
    "urn:1",
    entry=entry(
        None,
        authors=("Ana Ruiz", "Bo Ek"),
        categories=(Category("Weather", "https://alpha.example/tags", "The weather"), Category("Sea")),
        enclosures=(
            Enclosure("https://alpha.example/a.mp3", "audio/mpeg", 12, 34, "Listen"),
            Enclosure("https://alpha.example/b"),
        ),
        image=Picture("https://alpha.example/i.jpg", 640, 360),
        language="en-GB",
        comments="https://alpha.example/c",
        origin=Origin("Beta Post", "https://beta.example/feed"),
        published=900.5,
        updated=950.25,
        content="<p>Ferries stay in port. Trains run late.</p>",
        text="Ferries stay in port. Trains run late.",
    ),
    language="en",
    rank=1,
    group="wires",
    tags=("sea", "north"),
    aggregator=True,
    undated=True,
    old=True,
    origin="reuters",
)


@pytest.mark.parametrize(
    "one",
    [
        FULL,
        item(),
        item(entry=entry(summary="Plain words", content="Plain words", text="Plain words")),
        item(entry=entry(summary="", content="<b>Only content</b>", text="Only content")),
        item(entry=entry(title="", summary="", text="", url=None), canonical=None),
        item(entry=entry(title="Ураган дійшов до берега", text="海岸に嵐 🌊", summary="海岸に嵐 🌊")),
        item("g" * 3000),
    ],
)
def test_an_item_comes_back_as_it_was_stored(store: Store, one: Item) -> None:
    stored, story = added(store, one)
    assert stored == replace(one, id=stored.id)
    assert whole(store, story).items == (stored,)


def test_a_new_story_begins_with_its_item(store: Store) -> None:
    stored, id = added(store, item(old=True))
    story = whole(store, id)
    assert (story.lead, story.published, story.first_seen, story.old) == (stored.id, stored.published, stored.first_seen, True)


def test_the_same_first_item_gives_the_same_story_id_in_every_database(store: Store) -> None:
    assert added(store, item("g1"))[1] == "11d05028-2ece-5984-8158-1866bbe7d595"
    assert added(store, item("g2"))[1] != added(store, item("g2", source="beta"))[1]


def test_items_stand_in_the_order_of_first_sight(store: Store) -> None:
    first, story = added(store, item("g1", at=2000.0))
    second, _ = added(store, item("g2", at=1000.0), story)
    third, _ = added(store, item("g3", at=2000.0), story)
    assert [one.id for one in whole(store, story).items] == [second.id, first.id, third.id]


def test_a_transaction_sees_its_own_writes(store: Store) -> None:
    with store.begin() as transaction:
        first, story = transaction.add_item(item("g1"), None, NEW)
        second, _ = transaction.add_item(item("g2", at=1001.0), story, JOINED)
        inside = transaction.story(story)
    assert inside is not None and inside.items == (first, second)
    assert whole(store, story).items == (first, second)


def test_an_item_of_a_story_that_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="no story"):
        added(store, item("g1"), StoryId("none"))
    assert store.counts()["items"] == 0


def test_an_error_inside_leaves_nothing_behind(store: Store) -> None:
    kept, story = added(store, item("g1"))
    with pytest.raises(ZeroDivisionError), store.begin() as transaction:
        transaction.add_item(item("g2"), None, NEW)
        transaction.add_item(item("g3"), story, JOINED)
        transaction.set_value("key", "value")
        transaction.save_story(replace(whole(store, story), updated=5.0))
        raise ZeroDivisionError
    assert whole(store, story).items == (kept,)
    assert store.counts()["items"] == 1
    assert store.value("key") is None
    assert added(store, item("g2"))[0].entry == entry("g2"), "and the next transaction works"


def test_an_item_of_the_same_source_and_guid_is_refused(store: Store) -> None:
    added(store, item("g1"))
    with pytest.raises(StoreError):
        added(store, item("g1"))
    added(store, item("g1", source="beta"))
    assert store.counts()["items"] == 2


def test_a_changed_item_keeps_its_identity_and_its_story(store: Store) -> None:
    first, story = added(store, item("g1"))
    second, _ = added(store, item("g2", at=1500.0), story)
    newer = replace(
        second, guid="other", first_seen=9.0, entry=entry("g2", title="Storm over"), hash=b"newhash1", canonical="x/2"
    )
    with store.begin() as transaction:
        assert transaction.update_item(newer) == story
        inside = transaction.story(story)
    expected = (first, replace(newer, guid="g2", first_seen=1500.0))
    assert whole(store, story).items == expected
    assert inside is not None and inside.items == expected


def test_known_finds_by_guid_and_by_link_within_the_source_alone(store: Store) -> None:
    first, story = added(store, item("g1"))
    second, other = added(store, item("g2"))
    added(store, item("g1", source="beta"))
    found = store.known(first.source, {"g1", "none"}, {"alpha.example/g2", "alpha.example/none"})
    assert [(one.id, one.guid, one.canonical, one.story) for one in found] == [
        (first.id, "g1", "alpha.example/g1", story),
        (second.id, "g2", "alpha.example/g2", other),
    ]
    assert (found[0].hash, found[0].fingerprint) == (first.hash, first.entry.fingerprint)
    assert (found[0].first_seen, found[0].published, found[0].undated, found[0].old) == (1000.0, 990.0, False, False)
    assert store.known(first.source, set(), set()) == []


def test_known_carries_the_hash_of_the_title_that_identification_compares(store: Store) -> None:
    for guid, title in (("a", "Storm: the U.S. coast’s 1,000 ferries"), ("b", "東京で嵐"), ("c", "")):
        one, _ = added(store, item(guid, entry=entry(guid, title=title)))
        [found] = store.known(one.source, {guid}, set())
        assert found.title_hash == title_hash(title)


def test_a_new_guid_is_what_an_item_is_known_by(store: Store) -> None:
    one, story = added(store, item("g1"))
    with store.begin() as transaction:
        transaction.rekey_item(one.id, "g9")
    assert [found.id for found in store.known(one.source, {"g9"}, set())] == [one.id]
    assert store.known(one.source, {"g1"}, set()) == []
    assert whole(store, story).items == (replace(one, guid="g9", entry=replace(one.entry, guid="g9")),)


def test_a_new_guid_that_is_taken_changes_nothing(store: Store) -> None:
    one, _ = added(store, item("g1"))
    other, _ = added(store, item("g2"))
    with store.begin() as transaction:
        transaction.rekey_item(one.id, "g2")
    assert [found.id for found in store.known(one.source, {"g1", "g2"}, set())] == [one.id, other.id]


def test_what_is_saved_of_a_story_comes_back(store: Store) -> None:
    _, id = added(store, item())
    story = replace(
        whole(store, id),
        updated=1234.5,
        lead_reason="better rank",
        tags=(Tag(TagKind.TAG, "sea", "group"), Tag(TagKind.ENTITY, "nato", "list")),
        topics=(Slug("weather"), Slug("sea")),
        visible=b"12345678",
        dropped=True,
    )
    with store.begin() as transaction:
        transaction.save_story(story)
        assert transaction.story(id) == story
    assert store.story(id) == story


def test_saving_a_story_before_it_was_written_is_the_same(store: Store) -> None:
    with store.begin() as transaction:
        _, id = transaction.add_item(item(), None, NEW)
        story = transaction.story(id)
        assert story is not None
        transaction.save_story(replace(story, updated=77.0))
    assert whole(store, id).updated == 77.0


def test_an_unknown_story_is_neither_found_nor_joined_nor_saved(store: Store) -> None:
    _, id = added(store, item())
    unknown = StoryId("00000000-0000-5000-8000-000000000000")
    assert store.story(unknown) is None
    assert [story.id for story in store.stories([unknown, id])] == [id]
    with pytest.raises(StoreError):
        added(store, item("g2"), unknown)
    with pytest.raises(StoreError), store.begin() as transaction:
        transaction.save_story(replace(whole(store, id), id=unknown))
    with pytest.raises(StoreError), store.begin() as transaction:
        transaction.update_item(replace(item(), id=ItemId(99)))


def test_stories_come_in_the_order_asked_for(store: Store) -> None:
    ids = [added(store, item(f"g{number}"))[1] for number in range(5)]
    asked = [ids[3], ids[0], ids[4]]
    assert [story.id for story in store.stories(asked)] == asked


def test_living_stories_come_in_the_order_asked_for_so_that_they_enter_feeds_the_same_in_every_process(store: Store) -> None:
    with store.begin() as transaction:
        ids = [transaction.add_item(item(guid=f"g{number}"), None, JOINED)[1] for number in range(20)]
        assert list(transaction.alive(reversed(ids))) == ids[::-1]


def test_merged_stories_are_one_and_the_other_redirects(store: Store) -> None:
    first, kept = added(store, item("g1"))
    second, alias = added(store, item("g2", at=1100.0))
    with store.begin() as transaction:
        transaction.enter(ALL, [alias, kept], 1.0)
        transaction.merge_stories(kept, alias, 2000.0)
        inside = transaction.story(kept)
        assert transaction.members_of([alias]) == {alias: frozenset()}
    assert inside is not None and inside.items == (first, second)
    assert whole(store, kept).items == (first, second)
    redirect = whole(store, alias)
    assert (redirect.alias_of, redirect.items) == (kept, ())
    assert store.story_of(alias) == kept
    assert [member.story for member in store.members(ALL)] == [kept]
    assert store.counts()["aliases"] == 1


def test_aliases_are_followed_through_chains(store: Store) -> None:
    ids = [added(store, item(f"g{number}", at=1000.0 + number))[1] for number in range(4)]
    with store.begin() as transaction:
        transaction.merge_stories(ids[1], ids[0], 1.0)
        transaction.merge_stories(ids[2], ids[1], 2.0)
        transaction.merge_stories(ids[3], ids[0], 3.0)
    assert [store.story_of(id) for id in ids] == [ids[3]] * 4
    assert len(whole(store, ids[3]).items) == 4
    with store.begin() as transaction:
        assert transaction.alive([*ids, StoryId("none")]) == dict.fromkeys(ids, ids[3])
        transaction.story(ids[3])
        transaction.add_item(item("late", at=5000.0), ids[0], JOINED)
        living = transaction.story(ids[3])
        assert living is not None
        assert living.items[-1].guid == "late"
    assert whole(store, ids[3]) == living


def test_a_merge_with_itself_changes_nothing(store: Store) -> None:
    _, id = added(store, item())
    before = whole(store, id)
    with store.begin() as transaction:
        transaction.merge_stories(id, id, 9.0)
    assert store.story(id) == before


def test_a_moved_item_is_in_its_new_story_alone(store: Store) -> None:
    first, old = added(store, item("g1"))
    second, _ = added(store, item("g2", at=1100.0), old)
    _, other = added(store, item("g3", at=1200.0))
    with store.begin() as transaction:
        assert transaction.move_item(first.id, other, JOINED, 1300.0) == other
    assert whole(store, old).items == (second,)
    assert whole(store, old).lead == second.id, "a story never has a lead that is not in it"
    assert whole(store, other).items[0].id == first.id
    assert store.evidence(other)[first.id] == (1300.0, JOINED)


def test_a_split_item_begins_a_story_of_its_own(store: Store) -> None:
    first, old = added(store, item("g1"))
    second, _ = added(store, item("g2", at=1100.0), old)
    with store.begin() as transaction:
        new = transaction.move_item(first.id, None, NEW, 1300.0)
    assert new != old, "the id that the first item gave stays with the story that had it"
    assert whole(store, new).items == (first,)
    assert whole(store, new).lead == first.id
    assert whole(store, old).items == (second,)


def test_an_item_that_stands_alone_can_not_be_split_off(store: Store) -> None:
    one, story = added(store, item())
    with store.begin() as transaction:
        assert transaction.move_item(one.id, None, NEW, 1.0) == story
    assert whole(store, story).items == (one,)


def test_a_story_whose_last_item_moved_redirects(store: Store) -> None:
    one, old = added(store, item("g1"))
    _, other = added(store, item("g2"))
    with store.begin() as transaction:
        transaction.move_item(one.id, other, JOINED, 1300.0)
    assert whole(store, old).alias_of == other
    assert store.story_of("g1") == other


def test_evidence_says_when_and_why(store: Store) -> None:
    first, story = added(store, item("g1"))
    second, _ = added(store, item("g2", at=1100.0), story)
    assert store.evidence(story) == {first.id: (1000.0, NEW), second.id: (1100.0, JOINED)}


@pytest.mark.parametrize("name", ["{id}", "urn:uuid:{id}", "https://alpha.example/g1?utm_source=rss", "g1"])
def test_a_story_is_found_by_what_people_have_of_it(store: Store, name: str) -> None:
    _, id = added(store, item("g1"))
    assert store.story_of(name.format(id=id)) == id
    assert store.story_of("https://alpha.example/unknown") is None
