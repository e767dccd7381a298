"""What stored entries would be in other stories by the edited config, and doing it with the promises kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.commands import plan_dedup
from aggregator.dedup.engine import Engine
from aggregator.model import Entry, Evidence, Item, ItemId, Slug, SourceId, Story, StoryId
from aggregator.ports import Store
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.stories.upkeep import regroup
from aggregator.stories.upkeep.regroup import Applied, Plan
from aggregator.stories.upkeep.rehearsal import Groups
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

ONE, TWO, THREE = (f"https://{name}.example/feed.json" for name in ("one", "two", "three"))
CONFIG = f"""
sources:
  - {{id: one, url: "{ONE}"}}
  - {{id: two, url: "{TWO}"}}
  - {{id: three, url: "{THREE}"}}
"""
APART = CONFIG.replace('"}', '", dedup: false}')
FERRY, BRIDGE = "Ferry line to the islands reopens after storm", "Mayor opens the new harbour bridge"


def read(newsroom: Newsroom, config: str) -> Newsroom:
    """One story in three outlets and one of a single outlet, read under a config and published."""
    newsroom.configure(config)
    newsroom.serves(ONE, entry(FERRY, url="https://one.example/ferry"), entry(BRIDGE, url="https://one.example/bridge"))
    newsroom.serves(TWO, entry(FERRY, url="https://two.example/ferry", at=START - HOUR / 2))
    newsroom.serves(THREE, entry(FERRY, url="https://three.example/ferry", at=START - HOUR / 3))
    newsroom.poll()
    newsroom.clock.time += HOUR
    return newsroom


def planned(newsroom: Newsroom, since: float = START - HOUR) -> Plan:
    return regroup.plan(newsroom.store, newsroom.settings, newsroom.rules, Engine(newsroom.settings.dedup), since)


def applied(newsroom: Newsroom, plan: Plan) -> Applied:
    engine = Engine(newsroom.settings.dedup)
    done = regroup.apply(newsroom.store, newsroom.settings, newsroom.rules, engine, plan, newsroom.clock.now())
    newsroom.publisher.publish(None, newsroom.clock.now())
    return done


def story_at(newsroom: Newsroom, name: str) -> StoryId:
    story = newsroom.store.story_of(f"https://{name}.example/ferry")
    assert story is not None
    return story


def overrides(newsroom: Newsroom) -> StoryEditor:
    return StoryEditor(newsroom.store, newsroom.settings, newsroom.rules)


def test_nothing_changes_where_config_and_engine_are_the_same(newsroom: Newsroom) -> None:
    plan = planned(read(newsroom, CONFIG))
    assert (plan.changes, plan.looked_at) == ((), 4)
    assert "no story would change" in "\n".join(plan_dedup.lines(plan, None, 9, "7d"))


def test_stories_that_would_join_are_shown_with_outlets_and_evidence(newsroom: Newsroom) -> None:
    read(newsroom, APART)
    assert newsroom.titles().count(FERRY) == 3
    newsroom.configure(CONFIG)
    plan = planned(newsroom)
    (change,) = plan.changes
    assert (change.kind, len(change.before), plan.seen_as_new) == ("join", 3, 0)
    text = "\n".join(plan_dedup.lines(plan, None, 9, "7d"))
    assert "(one.example, two.example, three.example)" in text
    assert "one pair is sure" in text or "most of the story agrees" in text
    assert newsroom.titles().count(FERRY) == 3, "a plan changes nothing"


def test_joined_stories_keep_the_earliest_published_id_and_the_others_lead_there(newsroom: Newsroom) -> None:
    read(newsroom, APART)
    earliest, *others = (story_at(newsroom, name) for name in ("one", "two", "three"))
    newsroom.configure(CONFIG)
    done = applied(newsroom, planned(newsroom))
    assert (done.done, done.stale, sorted(done.feeds)) == (1, 0, ["all"])
    assert {story_at(newsroom, name) for name in ("one", "two", "three")} == {earliest}
    assert all(newsroom.store.story_of(other) == earliest for other in others)
    assert [row["id"] for row in newsroom.feed() if row["title"] == FERRY] == [f"urn:uuid:{earliest}"]
    assert planned(newsroom).changes == (), "what is done is not planned again"


def test_what_may_be_joined_now_is_found_by_what_comes(newsroom: Newsroom) -> None:
    read(newsroom, APART)
    newsroom.configure(CONFIG)
    applied(newsroom, planned(newsroom))
    newsroom.serves(TWO, entry(FERRY, id="again", url="https://two.example/again"))
    newsroom.poll("two")
    assert newsroom.titles().count(FERRY) == 1


def test_a_story_that_parts_leaves_its_id_with_its_lead(newsroom: Newsroom) -> None:
    read(newsroom, CONFIG)
    before = story_at(newsroom, "one")
    newsroom.configure(CONFIG.replace(f'{{id: three, url: "{THREE}"', f'{{id: three, url: "{THREE}", dedup: false'))
    plan = planned(newsroom)
    (change,) = plan.changes
    assert (change.kind, plan.seen_as_new, list(change.published)) == ("part", 1, [before])
    assert plan_dedup.as_mapping(plan, None)["stories"][0]["after"][1]["id"] is None
    applied(newsroom, plan)
    assert story_at(newsroom, "one") == story_at(newsroom, "two") == before
    assert story_at(newsroom, "three") != before
    assert newsroom.titles().count(FERRY) == 2


def test_the_parts_of_an_old_story_stay_in_the_feeds_that_showed_it(newsroom: Newsroom) -> None:
    newsroom.clock.time += 90 * HOUR
    read(newsroom, CONFIG)
    newsroom.configure(APART)
    applied(newsroom, planned(newsroom))
    assert newsroom.titles().count(FERRY) == 3


def test_the_lead_alone_keeps_the_id_even_if_it_came_last(newsroom: Newsroom) -> None:
    ranked = CONFIG.replace(f'{{id: three, url: "{THREE}"', f'{{id: three, url: "{THREE}", rank: 1')
    read(newsroom, ranked)
    before = story_at(newsroom, "one")
    newsroom.configure(ranked.replace("rank: 1", "rank: 1, dedup: false"))
    applied(newsroom, planned(newsroom))
    assert story_at(newsroom, "three") == before
    assert story_at(newsroom, "one") == story_at(newsroom, "two") != before


def test_never_takes_stories_apart(newsroom: Newsroom) -> None:
    read(newsroom, CONFIG)
    newsroom.configure(CONFIG + 'dedup: {never: ["title:ferry"]}\n')
    applied(newsroom, planned(newsroom))
    assert newsroom.titles().count(FERRY) == 3


def test_a_persons_decisions_stay(newsroom: Newsroom) -> None:
    read(newsroom, CONFIG)
    overrides(newsroom).split("https://two.example/ferry")
    bridge = newsroom.store.story_of("https://one.example/bridge")
    assert bridge
    overrides(newsroom).merge(story_at(newsroom, "one"), bridge)
    assert planned(newsroom).changes == ()


def test_what_joined_a_story_that_was_split_off_stays_in_it(newsroom: Newsroom) -> None:
    read(newsroom, CONFIG)
    alone = overrides(newsroom).split("https://one.example/ferry")
    again = entry(FERRY, id="again", url="https://one.example/ferry", text=f"{FERRY}. Boats sail from noon on.")
    newsroom.serves(ONE, entry(FERRY, url="https://one.example/ferry"), again)
    newsroom.poll("one")
    (story,) = newsroom.store.stories([alone])
    assert len(story.items) == 2
    assert planned(newsroom).changes == (), "those that it was parted from don't come to it, though they came later"


def test_what_was_split_off_together_stays_together(newsroom: Newsroom) -> None:
    read(newsroom, CONFIG)
    newsroom.serves(THREE, entry(FERRY, id="fold", url="https://one.example/ferry", at=START - HOUR / 4))
    newsroom.poll("three")
    overrides(newsroom).split("https://one.example/ferry")
    assert planned(newsroom).changes == ()


def test_decisions_outlive_a_feeds_change_of_guids(newsroom: Newsroom) -> None:
    read(newsroom, CONFIG)
    alone = overrides(newsroom).split("https://two.example/ferry")
    newsroom.serves(TWO, entry(FERRY, id="other", url="https://two.example/ferry", at=START - HOUR / 2))
    newsroom.poll("two")
    (story,) = newsroom.store.stories([alone])
    assert story.items[0].guid == "other"
    assert planned(newsroom).changes == ()
    overrides(newsroom).merge(story_at(newsroom, "one"), alone)
    newsroom.serves(TWO, entry(FERRY, id="third", url="https://two.example/ferry", at=START - HOUR / 2))
    newsroom.poll("two")
    newsroom.configure(APART)
    assert planned(newsroom).changes == (), "what a person put together stays, also where its sources are kept apart"


def test_the_later_of_two_decisions_binds(newsroom: Newsroom) -> None:
    read(newsroom, CONFIG)
    alone = overrides(newsroom).split("https://two.example/ferry")
    overrides(newsroom).merge(story_at(newsroom, "one"), alone)
    assert planned(newsroom).changes == ()
    overrides(newsroom).split("https://one.example/ferry")
    assert planned(newsroom).changes == ()


def test_a_story_that_changed_meanwhile_is_left_as_it_is(newsroom: Newsroom) -> None:
    read(newsroom, APART)
    newsroom.configure(CONFIG)
    plan = planned(newsroom)
    overrides(newsroom).merge(story_at(newsroom, "one"), story_at(newsroom, "two"))
    done = applied(newsroom, plan)
    assert (done.done, done.stale) == (0, 1)
    assert "run it again" in "\n".join(plan_dedup.lines(plan, done, 9, "7d"))


def test_a_dropped_story_takes_no_part(newsroom: Newsroom) -> None:
    read(newsroom, APART)
    overrides(newsroom).drop("https://one.example/ferry")
    newsroom.configure(CONFIG)
    applied(newsroom, planned(newsroom))
    assert newsroom.titles().count(FERRY) == 1
    assert story_at(newsroom, "one") != story_at(newsroom, "two")


def test_what_is_older_than_the_time_asked_for_stays(newsroom: Newsroom) -> None:
    read(newsroom, APART)
    newsroom.configure(CONFIG)
    assert planned(newsroom, since=START + 1).changes == ()


def test_a_part_older_than_what_a_feed_shows_does_not_enter_it(newsroom: Newsroom) -> None:
    read(newsroom, CONFIG)
    newsroom.configure(CONFIG + 'publish: {items: 1}\ndedup: {never: ["title:ferry"]}\n')
    with newsroom.store.begin() as transaction:
        curator = newsroom.curator()
        item = newsroom.store.stories([story_at(newsroom, "one")])[0].items[1]
        new = transaction.move_item(item.id, None, Evidence("test"), newsroom.clock.now())
        later = replace(curator, oldest={Slug("all"): START})
        assert later.refresh(transaction, [new]) == frozenset()
    assert newsroom.store.members_of([new]) == {new: frozenset()}


@pytest.mark.parametrize("level", ["story", "event"])
def test_every_item_is_in_one_part(newsroom: Newsroom, level: str) -> None:
    read(newsroom, CONFIG + f"dedup: {{level: {level}}}\n")
    newsroom.configure(APART)
    items = [item.id for change in planned(newsroom).changes for part in change.after for item in part.items]
    assert len(items) == len(set(items)) == 3
    store: Store = newsroom.store
    assert applied(newsroom, planned(newsroom)).done == 1
    assert store.counts()["stories"] == 4


HOMES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), min_size=1, max_size=14)


@given(HOMES, st.sets(st.integers(0, 4)))
def test_every_item_has_one_place_and_every_id_leads_to_one_story(homes: list[tuple[int, int, bool]], public: set[int]) -> None:
    """homes: of each item, the story it is in, the group that it comes to, and whether it wants to be its story's lead."""
    wholes: dict[int, list[Item]] = {}
    leads: dict[int, Item] = {}
    groups = Groups()
    firsts: dict[int, StoryId] = {}
    for number, (old, new, leading) in enumerate(homes, 1):
        item = stored(number)
        wholes.setdefault(old, []).append(item)
        leads[old] = item if leading else leads.get(old, item)
        firsts[new] = groups.put(item, firsts.get(new), Evidence("new"))
    stories = [
        Story(StoryId(f"s{old}"), tuple(items), leads[old].id, 0.0, items[0].first_seen, 0.0) for old, items in wholes.items()
    ]
    published = {StoryId(f"s{old}") for old in public}
    changes = list(regroup.compare(stories, groups, published))
    for change in changes:
        before = {item.id for story in change.before for item in story.items}
        assert sorted(before) == sorted(item.id for part in change.after for item in part.items)
        heirs = [id for part in change.after for id in ((part.id, *part.aliases) if part.id else ())]
        assert sorted(heirs) == sorted(story.id for story in change.before), "each id stays, or leads to one that stays"
        for part in change.after:
            assert part.id in change.published or not published.intersection(part.aliases), (
                "a published id is no alias of another"
            )
            lead = next((story.lead for story in change.before if story.id == part.id), None)
            assert lead is None or lead in {item.id for item in part.items}, "the id stays with its lead"
    touched = {story.id for change in changes for story in change.before}
    for story in stories:
        whole = {groups.label_of[item.id] for item in story.items}
        alone = len(whole) == 1 and len(groups.members[next(iter(whole))]) == len(story.items)
        assert (story.id not in touched) == alone, "what stays as it is is not told"


def stored(number: int) -> Item:
    """An item by its number, which is also when it came."""
    title = Entry(str(number), None, f"Title {number}")
    return Item(ItemId(number), SourceId("one"), str(number), title, None, "One", "one", 0.0, float(number), b"")
