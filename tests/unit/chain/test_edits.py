"""An edit of the config reaches what is stored, whenever it happens, and breaks no promise to subscribers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from aggregator.commands import why
from aggregator.commands.application import Application
from aggregator.commands.plan import lines
from aggregator.commands.plan_edit import make
from aggregator.commands.plan_values import Plan
from aggregator.commands.why import explain_story
from aggregator.commands.why_lines import lines as why_lines
from aggregator.errors import StoreError, UsageError
from aggregator.model import Slug, Story
from aggregator.ports import Keep, Phrase, QueryNames, StoryFilter
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.stories.decisions.find_named import find_story
from aggregator.stories.upkeep import reselect
from aggregator.stories.upkeep.adopt_config import apply_filters, fill
from aggregator.tag.query import Query
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

HERALD, POST, SUN = "https://herald.example/feed", "https://world.herald.test/feed", "https://sun.example/feed"
NATO = "NATO looks for ways to tie Ukraine closer"
TEXT = "The alliance wants to bind Ukraine closer while the war goes on, ministers said in Brussels on Thursday."
SALE = "Sponsored: a sale of ferries at the harbour"

OTHERS = (
    "Tram strike ends after nine days",
    "School roof mended before winter",
    "Lighthouse gets its first keeper in years",
    "Opera names a new conductor",
    "Bees return to the old airfield",
    "Parliament votes on dog licences",
    "Chess champion loses to a pupil",
    "Museum finds a lost Rembrandt drawing",
    "Heat closes two reactors",
    "Baker wins the lottery twice",
    "Glacier lake drains overnight",
    "Archive of radio plays goes on line",
    "Swimmer crosses the strait by night",
)
CONFIG = """
site: {{url: "https://news.example.org"}}
{top}
publish: {{websub: false, items: 4}}
sources:
  - {{id: herald, url: "https://herald.example/feed"{herald}}}
  - {{id: post, url: "https://world.herald.test/feed"{post}}}
  - {{id: sun, url: "https://sun.example/feed", group: quality}}
"""
QUALITY = 'topics: [{slug: quality, title: Quality, query: "group:quality"}]'


def config(herald: str = "", post: str = "", top: str = "") -> str:
    return CONFIG.format(herald=herald and f", {herald}", post=post and f", {post}", top=top)


@pytest.fixture
def desk(newsroom: Newsroom) -> Iterator[Newsroom]:
    """Two sources with one story in common, and one of each alone, read a day and a half ago."""
    newsroom.configure(config(top=QUALITY))
    newsroom.serves(
        HERALD,
        told(NATO, "herald.example/nato", text=TEXT, at=START - HOUR),
        told("Ferry to the islands is late again", "herald.example/ferry", at=START - 2 * HOUR),
        told(SALE, "herald.example/sale", at=START - 3 * HOUR),
    )
    newsroom.serves(
        POST,
        told(NATO, "world.herald.test/nato", text=TEXT, at=START - HOUR / 2),
        told("Grain harvest is the best in years", "world.herald.test/grain", at=START - HOUR),
    )
    newsroom.serves(SUN)
    newsroom.poll()
    newsroom.clock.time += 36 * HOUR
    yield newsroom


def told(title: str, address: str, **more: Any) -> dict[str, Any]:
    return entry(title, url=f"https://{address}", **more)


def edit(desk: Newsroom, text: str) -> None:
    """An edit that a reload or the next start takes up, and what is published of it."""
    desk.configure(text)
    desk.publisher.publish(None, desk.clock.now())


def story(desk: Newsroom, title: str = NATO) -> Story:
    (found,) = (one for one in desk.stories() if any(item.entry.title == title for item in one.items))
    return found


def plan(desk: Newsroom) -> Plan:
    return make(desk.store, desk.settings, desk.rules, 0.0, desk.clock.now())


def plan_of(desk: Newsroom, text: str) -> list[str]:
    """What `plan` says of an edited file, before it is adopted."""
    before = desk.settings, desk.rules
    desk.read(text)
    try:
        return list(lines(plan(desk), 5, "30d"))
    finally:
        desk.settings, desk.rules = before


# --- outlet, group, rank, tags
def test_an_outlet_named_later_is_counted_once(desk: Newsroom) -> None:
    assert story(desk).outlets == ("herald.example", "herald.test")
    ids = {row["title"]: row["id"] for row in desk.feed()}
    edit(desk, config("outlet: The Herald", "outlet: The Herald", QUALITY))
    assert story(desk).outlets == ("The Herald",)
    assert not story(desk).lead_item.second_hand
    assert {row["title"]: row["id"] for row in desk.feed()} == ids, "nothing is new to a subscriber"
    edit(desk, config(top=QUALITY))
    assert story(desk).outlets == ("herald.example", "herald.test"), "and back"


def test_outlets_named_in_the_config_reach_stored_entries(desk: Newsroom) -> None:
    outlets = "\noutlets: {The Herald: [herald.example, herald.test]}"
    told_before = plan_of(desk, config(top=QUALITY) + outlets)
    assert "~ outlets (The Herald)" in told_before
    assert "~ source herald: 3 stored entries follow" in told_before
    ids = {row["title"]: row["id"] for row in desk.feed()}
    edit(desk, config(top=QUALITY) + outlets)
    assert story(desk).outlets == ("The Herald",)
    assert {row["title"]: row["id"] for row in desk.feed()} == ids, "nothing is new to a subscriber"
    edit(desk, config(top=QUALITY) + "\noutlets: {herald.test: {platform: true}}")
    assert story(desk).outlets == ("herald.example", "world.herald.test")
    edit(desk, config(top=QUALITY))
    assert story(desk).outlets == ("herald.example", "herald.test"), "and back"


def found_by(desk: Newsroom, query: str) -> list[str]:
    """Headlines that `search` finds: by the index of words, and then by the query itself."""
    asked = Query(query, QueryNames())
    found = desk.store.find(asked.filter(desk.clock.now()))
    return [one.title for one in found if asked.matches(one, desk.clock.now())]


def test_the_outlets_name_in_a_headline_is_stored_and_not_shown(desk: Newsroom) -> None:
    sent = "Lighthouse keeper retires after forty years - The Morning Chronicle"
    keeper = told(sent, "herald.example/keeper", text="He has lit the lamp since 1983.", at=desk.clock.time - HOUR)
    desk.serves(HERALD, keeper)
    desk.poll("herald")
    assert sent in desk.titles(), "nothing says that the Herald is called so"
    assert found_by(desk, "title:chronicle") == [sent]
    outlets = "\noutlets: {Morning Chronicle: [herald.example]}"
    edit(desk, config(top=QUALITY) + outlets)
    shown = sent.removesuffix(" - The Morning Chronicle")
    assert shown in desk.titles() and sent not in desk.titles()
    assert story(desk, sent).lead_item.entry.title == sent, "kept as it was sent"
    assert "corrected by hand" not in "\n".join(why_lines(explain_story(cast(Application, desk), story(desk, sent))))
    assert found_by(desk, "title:chronicle") == []
    assert found_by(desk, "lighthouse -chronicle") == [shown]
    again = "Grain prices fall again in early trade - The Morning Chronicle"
    desk.serves(HERALD, keeper, told(again, "herald.example/grain", at=desk.clock.time - HOUR))
    desk.poll("herald")
    assert again.removesuffix(" - The Morning Chronicle") in desk.titles()
    edit(desk, config(top=QUALITY))
    assert sent in desk.titles() and again in desk.titles()
    assert found_by(desk, "title:chronicle lighthouse") == [sent]


def test_a_headline_is_grouped_without_the_outlets_name(desk: Newsroom) -> None:
    """Two papers put their own long names to a short headline."""
    names = {HERALD: "Herald of Northern Isles and Skerries", POST: "World Press Daily of Oslo Fjord"}
    top = "\noutlets: {Herald of Northern Isles and Skerries: [herald.example], World Press Daily of Oslo Fjord: [herald.test]}"
    edit(desk, config() + top)
    for address, name in names.items():
        page = address.removeprefix("https://").replace("feed", "keeper")
        desk.serves(address, told(f"Keeper Olsen retires - {name}", page, text=" ", at=desk.clock.time - HOUR))
    desk.poll("herald", "post")
    (found,) = [one for one in desk.stories() if "Olsen" in one.title]
    assert found.title == "Keeper Olsen retires"
    assert found.outlets == tuple(names.values())


def test_what_an_aggregator_does_not_attribute_counts_as_no_outlet(desk: Newsroom) -> None:
    top = 'topics: [{slug: two, title: Two, query: "outlets>=2"}]'
    edit(desk, config(top=top))
    assert desk.titles("two") == [NATO]
    edit(desk, config(post="aggregator: true", top=top))
    assert story(desk).outlets == ("herald.example",)
    assert desk.titles("two") == []
    (row,) = [row for row in desk.feed() if row["title"] == NATO]
    assert [one["name"] for one in row["_aggregator"]["outlets"]] == ["herald.example"]
    grain = story(desk, "Grain harvest is the best in years")
    assert grain.outlets == () and grain.lead_item.outlet == "herald.test", "it is shown under the name of who passes it on"


def test_a_new_text_of_a_renamed_outlet_is_compared_as_its_own(desk: Newsroom) -> None:
    """The index of grouping knows outlets, too: without the edit there, the follow-up would count as another outlet's."""
    edit(desk, config("outlet: The Herald", "outlet: The Herald"))
    with desk.store.begin() as transaction:
        rows = transaction.index.items([item.id for item in story(desk).items])
        assert {row.outlet for row in rows.values()} == {item.outlet_key for item in story(desk).items} == {"the herald"}


def test_a_source_that_changes_its_group_brings_its_stories_along(desk: Newsroom) -> None:
    assert desk.titles("quality") == []
    told_before = plan_of(desk, config("group: quality", top=QUALITY))
    assert "~ source herald: group; 3 stored entries follow" in told_before
    assert any(line.startswith("~ feed quality: +3 -0") for line in told_before)
    edit(desk, config("group: quality", top=QUALITY))
    assert desk.titles("quality") == [NATO, "Ferry to the islands is late again", SALE]
    edit(desk, config(post="group: quality", top=QUALITY))
    assert desk.titles("quality") == [NATO, "Grain harvest is the best in years"]
    edit(desk, config(post="group: better", top=QUALITY).replace("group:quality", "group:better"))
    assert desk.titles("quality") == [NATO, "Grain harvest is the best in years"], "the group is renamed, and its topic with it"
    edit(desk, config(top=QUALITY))
    assert desk.titles("quality") == []


def test_what_a_group_says_of_its_sources_reaches_what_they_brought(desk: Newsroom) -> None:
    top = 'groups: {{quality: {{rank: 1, tags: [{tag}], outlet: {outlet}}}}}\ntags: {{marked: "tag:{tag}"}}'
    edit(desk, config(post="group: quality", top=top.format(tag="wire", outlet="Herald")))
    assert (story(desk).lead_item.source, story(desk).lead_item.outlet) == ("post", "Herald")
    assert {"wire", "marked"} <= {tag.value for tag in story(desk).tags}
    edit(desk, config(post="group: quality", top=top.format(tag="agency", outlet="Tribune")))
    assert story(desk).lead_item.outlet == "Tribune"
    assert {tag.value for tag in story(desk).tags if tag.kind == "tag"} == {"agency", "marked"}


def test_a_better_rank_leads_and_only_that_story_is_updated(desk: Newsroom) -> None:
    assert story(desk).lead_item.source == "herald"
    before = {row["title"]: row["date_modified"] for row in desk.feed()}
    edit(desk, config("rank: 3", top=QUALITY))
    assert story(desk).lead_item.source == "post"
    after = {row["title"]: row["date_modified"] for row in desk.feed()}
    assert [title for title in after if after[title] != before[title]] == [NATO]


def test_an_aggregator_never_leads(desk: Newsroom) -> None:
    edit(desk, config("aggregator: true", top=QUALITY))
    assert [item.aggregator for item in story(desk).items] == [True, False]


def test_a_feed_by_number_of_outlets_follows(desk: Newsroom) -> None:
    top = 'outputs: [{slug: many, title: Many, query: "outlets>=2"}]'
    edit(desk, config(top=top))
    assert desk.titles("many") == [NATO]
    edit(desk, config("outlet: The Herald", "outlet: The Herald", top))
    assert desk.titles("many") == []
    edit(desk, config(top=top))
    assert desk.titles("many") == [NATO]


def test_an_edit_of_a_source_lets_in_at_most_what_a_feed_shows(desk: Newsroom) -> None:
    rows = [told(title, f"herald.example/{number}", at=START + number * HOUR) for number, title in enumerate(OTHERS)]
    desk.serves(HERALD, *rows)
    desk.poll()
    edit(desk, config("group: quality", top=QUALITY))
    assert len(desk.titles("quality")) == 4
    assert len(desk.store.members(Slug("quality"))) == 4


def test_a_source_that_moves_or_is_renamed_keeps_its_entries(desk: Newsroom) -> None:
    moved = config(top=QUALITY).replace("https://herald.example/feed", "https://herald.example.net/all")
    edit(desk, moved)
    assert story(desk).outlets == ("example.net", "herald.test")
    assert not any(item.second_hand for item in story(desk).items), "most of its entries link to its old domain"
    with desk.store.begin() as transaction:
        transaction.set_value("domain:herald.example herald", "5.0")
        transaction.set_value("domain:herald.example herald-sport", "6.0")
    renamed = moved.replace("id: herald", "id: tribune")
    assert "~ source herald: is tribune from now on; its history goes with it" in plan_of(desk, renamed)
    edit(desk, renamed)
    assert {item.source for item in story(desk).items} == {"tribune", "post"}
    assert not any(item.second_hand for item in story(desk).items)
    assert desk.store.values("domain:herald.example") == {
        "domain:herald.example herald-sport": "6.0",
        "domain:herald.example tribune": "5.0",
    }, "since when it has a domain goes with it"
    assert plan_of(desk, renamed)[0].startswith("nothing would change")


def test_an_edit_made_under_an_older_release_arrives_after_the_upgrade(desk: Newsroom) -> None:
    """That release kept no record of what it adopted; its stored entries tell."""
    with desk.store.begin() as transaction:
        for key in desk.store.values("source."):
            transaction.set_value(key, None)
        ferry = story(desk, "Ferry to the islands is late again").items[0]
        transaction.save_attributes([_ranked(ferry, 7)])
    documents = desk.feed()
    edit(desk, config(top=QUALITY))
    assert story(desk, "Ferry to the islands is late again").lead_item.rank == 2
    assert desk.feed() == documents, "an upgrade alone changes nothing that a reader sees"


def _ranked(item: Any, rank: int) -> Any:
    from msgspec.structs import replace

    return replace(item, rank=rank)


# --- keep and drop
DROP = "drop: 'title:sponsored'"


def hidden(desk: Newsroom) -> dict[str, str]:
    found = desk.store.find(StoryFilter(hidden=True))
    return {item.entry.title: item.hidden for one in found for item in one.items if item.hidden}


def test_an_edited_drop_is_told_and_waits(desk: Newsroom) -> None:
    told_before = plan_of(desk, config(DROP, top=QUALITY))
    assert told_before[:2] == [
        "~ source herald: drop",
        "~ source herald: its keep and drop would take out 1 stored entry",
    ]
    assert SALE in told_before[2]
    assert told_before[3] == "in all 1 stored entry out, with 1 whole story; 0 in, with 0 whole stories"
    edit(desk, config(DROP, top=QUALITY))
    assert SALE in desk.titles(), "nobody said `apply`"
    assert any("take out 1 stored entry" in line for line in lines(plan(desk), 5, "30d")), "it is still told"


def test_what_a_drop_hid_comes_back_when_it_is_lifted(desk: Newsroom) -> None:
    before = desk.feed()
    edit(desk, config(DROP, top=f"apply: true\n{QUALITY}"))
    assert hidden(desk) == {SALE: "drop title:sponsored"}
    assert SALE not in desk.titles()
    assert not plan(desk)
    desk.clock.time += HOUR
    edit(desk, config(top=f"apply: true\n{QUALITY}"))
    assert hidden(desk) == {}
    assert desk.feed() == before, "the same entries under the same ids and dates"


def test_plan_apply_does_it_beside_a_daemon_and_undoes_it(desk: Newsroom) -> None:
    before = desk.feed()
    edit(desk, config(DROP, top=QUALITY))
    assert apply_filters(desk.store, desk.settings, desk.rules, desk.clock.now()) == {"all"}
    desk.publisher.publish(None, desk.clock.now())
    assert SALE not in desk.titles()
    assert not plan(desk)
    edit(desk, config(top=QUALITY))
    assert any("let in 1 stored entry" in line for line in lines(plan(desk), 5, "30d"))
    assert apply_filters(desk.store, desk.settings, desk.rules, desk.clock.now()) == {"all"}
    desk.publisher.publish(None, desk.clock.now())
    assert desk.feed() == before


def test_plan_apply_names_the_feeds_that_readers_see_change(desk: Newsroom) -> None:
    """The second source of an outlet adds nothing to see, and neither does what a feed no longer shows."""
    edit(desk, config("outlet: The Herald", "outlet: The Herald", QUALITY))
    edit(desk, config("outlet: The Herald", "outlet: The Herald, drop: 'title:ukraine'", QUALITY))
    assert any("take out 1 stored entry" in line for line in lines(plan(desk), 5, "30d"))
    before = [(row["id"], row.get("date_modified")) for row in desk.feed()]
    assert apply_filters(desk.store, desk.settings, desk.rules, desk.clock.now()) == frozenset()
    desk.publisher.publish(None, desk.clock.now())
    assert [(row["id"], row.get("date_modified")) for row in desk.feed()] == before


def test_a_story_loses_the_entries_that_are_dropped_and_gets_them_back(desk: Newsroom) -> None:
    id = story(desk).id
    edit(desk, config("drop: nato", top=f"apply: true\n{QUALITY}"))
    assert (story(desk).id, story(desk).outlets, story(desk).lead_item.source) == (id, ("herald.test",), "post")
    assert [row["url"] for row in desk.feed() if row["title"] == NATO] == ["https://world.herald.test/nato"]
    edit(desk, config(top=f"apply: true\n{QUALITY}"))
    assert (story(desk).id, story(desk).outlets) == (id, ("herald.example", "herald.test"))


def test_a_keep_takes_out_what_it_does_not_name(desk: Newsroom) -> None:
    edit(desk, config("keep: nato", top=f"apply: true\n{QUALITY}"))
    assert sorted(desk.titles()) == sorted([NATO, "Grain harvest is the best in years"])
    edit(desk, config("keep: 'nato OR ferry'", top=f"apply: true\n{QUALITY}"))
    assert "Ferry to the islands is late again" in desk.titles()
    assert SALE not in desk.titles()


def test_hidden_entries_are_nowhere(desk: Newsroom) -> None:
    edit(desk, config("drop: nato OR sponsored", "drop: nato", f"apply: true\n{QUALITY}"))
    assert NATO not in desk.titles()
    assert [one for one in desk.stories() if NATO in one.lead_item.entry.title] == []
    assert list(desk.store.find(StoryFilter(Phrase(("sponsored",))))) == []
    assert list(desk.store.find(StoryFilter(sources=frozenset({"herald"})))) != []
    gone = desk.store.story_of("https://herald.example/sale")
    assert gone is not None
    found = desk.store.story(gone)
    assert found is not None
    assert (found.items, found.topics, found.tags) == ((), (), ())


def test_why_tells_the_rule_that_took_an_entry_out(desk: Newsroom) -> None:
    edit(desk, config("drop: 'nato OR sponsored'", top=f"apply: true\n{QUALITY}"))
    runner = CliRunner()
    application = SimpleNamespace(store=desk.store, rules=desk.rules, settings=desk.settings)
    gone = runner.invoke(why.command, ["https://herald.example/sale"], obj=application).output
    assert "nothing of this story is to be seen" in gone
    assert f"[herald]  {SALE}" in gone
    assert "drop nato OR sponsored" in gone
    part = runner.invoke(why.command, ["https://herald.example/nato"], obj=application).output
    assert "entries taken out by a rule" in part
    assert "[post]" in part
    with pytest.raises(UsageError, match="taken out by a rule of herald: drop nato OR sponsored"):
        find_story(desk.store, "https://herald.example/sale")


def test_the_page_of_a_hidden_story_in_an_archive_is_gone(desk: Newsroom) -> None:
    sale = story(desk, SALE).id
    rows = [told(title, f"herald.example/{number}", at=START + number * HOUR) for number, title in enumerate(OTHERS)]
    desk.serves(HERALD, *rows)
    desk.poll()
    assert sale in {id for page in desk.store.pages(Slug("all")) for id in page.stories}
    assert desk.publisher.shelf.on_demand(f"/stories/{sale}.html", lambda token: False) is not None
    edit(desk, config(DROP, top=f"apply: true\n{QUALITY}"))
    assert desk.publisher.shelf.on_demand(f"/stories/{sale}.html", lambda token: False) is None
    edit(desk, config(top=f"apply: true\n{QUALITY}"))
    assert desk.publisher.shelf.on_demand(f"/stories/{sale}.html", lambda token: False) is not None


def test_a_story_that_was_taken_down_by_hand_follows_too(desk: Newsroom) -> None:
    editor = StoryEditor(desk.store, desk.settings, desk.rules)
    editor.drop("https://herald.example/nato")
    edit(desk, config("outlet: The Herald", "outlet: The Herald", QUALITY))
    assert NATO not in desk.titles()
    editor.undo(desk.store.decisions()[-1].id)
    assert story(desk).outlets == ("The Herald",)


def test_a_hidden_entry_that_the_feed_still_lists_stays_hidden(desk: Newsroom) -> None:
    edit(desk, config(DROP, top=f"apply: true\n{QUALITY}"))
    desk.serves(HERALD, told(SALE, "herald.example/sale", text="Edited since.", at=START - 3 * HOUR))
    (report,) = desk.poll("herald").values()
    assert (report.new, report.changed) == (0, 1)
    assert SALE not in desk.titles()
    edit(desk, config(top=f"apply: true\n{QUALITY}"))
    assert ["Edited since." in str(row) for row in desk.feed() if row["title"] == SALE] == [True]


def test_a_report_that_joins_a_hidden_story_is_shown_alone(desk: Newsroom) -> None:
    id = story(desk).id
    edit(desk, config("drop: nato", top=f"apply: true\n{QUALITY}"))
    edit(desk, config("drop: nato", "drop: nato", f"apply: true\n{QUALITY}"))
    assert NATO not in desk.titles()
    desk.serves(SUN, told(NATO, "sun.example/nato", text=TEXT, at=START + 35 * HOUR))
    desk.poll("sun")
    assert (story(desk).id, story(desk).outlets) == (id, ("sun.example",))
    edit(desk, config(top=f"apply: true\n{QUALITY}"))
    assert story(desk).outlets == ("herald.example", "herald.test", "sun.example")


def test_what_a_drop_kept_from_being_stored_comes_as_backlog(newsroom: Newsroom) -> None:
    """The feed still lists it, and is read whole again after the edit; subscribers get nothing old as new."""
    newsroom.configure(config(DROP))
    newsroom.serves(POST)
    newsroom.serves(SUN)
    old, young = told(SALE, "herald.example/sale", at=START - HOUR), told("Sponsored: soap", "herald.example/soap", at=None)
    newsroom.serves(HERALD, told(NATO, "herald.example/nato"), old, young)
    newsroom.poll()
    assert newsroom.titles() == [NATO]
    newsroom.clock.time += 36 * HOUR
    newsroom.configure(config())
    fresh = told("Sponsored: a boat", "herald.example/boat", at=START + 35 * HOUR)
    newsroom.serves(HERALD, told(NATO, "herald.example/nato"), old, young)
    newsroom.poll()
    assert len(newsroom.stories()) == 3, "the same document was read again"
    newsroom.serves(HERALD, fresh, told(NATO, "herald.example/nato"), old, young)
    newsroom.poll()
    assert newsroom.titles() == ["Sponsored: a boat", NATO]
    assert newsroom.store.rejects(10) == []


def test_a_private_source_stays_apart_from_what_was_hidden(desk: Newsroom) -> None:
    """What is hidden when its source turns private must not come back into a public story."""
    edit(desk, config("drop: nato", top=f"apply: true\n{QUALITY}"))
    edit(desk, config("drop: nato, private: true", top=f"apply: true\n{QUALITY}"))
    edit(desk, config("private: true", top=f"apply: true\n{QUALITY}"))
    public = [one for one in desk.stories() if not one.private]
    assert {item.source for one in public for item in one.items} == {"post"}
    assert {item.source for one in desk.stories() if one.private for item in one.items} == {"herald"}


def test_retention_takes_what_is_hidden(desk: Newsroom) -> None:
    edit(desk, config(DROP, top=f"apply: true\n{QUALITY}"))
    desk.serves(HERALD, told(NATO, "herald.example/nato", text=TEXT))
    desk.poll()
    desk.store.sweep(Keep(HOUR), desk.clock.now() + 2 * HOUR)  # type: ignore[attr-defined]
    assert hidden(desk) == {}


def test_what_is_killed_on_the_way_is_done_at_the_next_start(desk: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reselect, "CHUNK", 1)
    save, calls = reselect._save, []

    def refuse(*arguments: Any) -> bool:
        calls.append(1)
        if len(calls) == 3:
            raise StoreError("disk full")
        return save(*arguments)

    monkeypatch.setattr(reselect, "_save", refuse)
    text = config("group: quality, " + DROP, top=f"apply: true\n{QUALITY}")
    with pytest.raises(StoreError):
        desk.configure(text)
    edit(desk, text)
    assert desk.titles("quality") == [NATO, "Ferry to the islands is late again"]
    assert hidden(desk) == {SALE: "drop title:sponsored"}


def test_older_stories_that_match_an_edited_topic_can_be_let_in(desk: Newsroom) -> None:
    topic = "topics: [{{slug: sea, title: Sea, query: '{query}'}}]"
    edit(desk, config(top=topic.format(query="grain")))
    desk.clock.time += 36 * HOUR
    told_before = plan_of(desk, config(top=topic.format(query="grain OR ferry")))
    assert told_before == [
        "~ topic sea (query)",
        "~ feed sea: +0 -0; 1 more match and stay out, older than what the feed shows: `topics fill sea` lets them in",
    ], "grain is newer than the ferry, and a day has passed"
    edit(desk, config(top=topic.format(query="grain OR ferry")))
    assert desk.titles("sea") == ["Grain harvest is the best in years"]
    output = next(output for output in desk.settings.outputs if output.slug == "sea")
    assert fill(desk.store, desk.rules, output, desk.clock.now()) == 1
    desk.publisher.publish(None, desk.clock.now())
    assert desk.titles("sea") == ["Grain harvest is the best in years", "Ferry to the islands is late again"]
    assert fill(desk.store, desk.rules, output, desk.clock.now()) == 0


def test_an_edit_of_many_sources_is_one_line_and_stories_are_counted_once(desk: Newsroom) -> None:
    more = "".join(f"  - {{id: more{number}, url: 'https://more{number}.example/f'}}\n" for number in range(4))
    desk.configure(config(top=QUALITY) + more)
    told_before = plan_of(desk, config(top="apply: true\ndefaults: {drop: nato}\n" + QUALITY) + more)
    assert told_before[:2] == ["~ apply", "~ 7 sources (herald, more0, more1, …): drop"]
    assert "in all 2 stored entries out, with 1 whole story; 0 in, with 0 whole stories" in told_before
    assert "~ feed all: +0 -1" in told_before


# --- the plan of the rest
def test_a_digest_is_told_as_a_digest(desk: Newsroom) -> None:
    top = QUALITY + '\noutputs: [{slug: morning, title: Morning, query: nato, digest: "0 6 * * *"}]'
    (line,) = [line for line in plan_of(desk, config(top=top)) if "morning" in line]
    assert line == "+ digest morning: first issue 2023-06-17T06:00:00Z (0 6 * * *), of 1 stored stories and what comes until then"
    edit(desk, config(top=top))
    told_before = plan_of(desk, config(top=top.replace("query: nato", "query: ferry")))
    assert "~ output morning (query)" in told_before
    assert [line for line in told_before if "digest" in line] == [
        "~ digest morning: next issue 2023-06-17T06:00:00Z (0 6 * * *), with 1 stories more and 1 fewer; past issues stay"
    ]


def test_every_key_that_differs_is_told(desk: Newsroom) -> None:
    edit(desk, config(top="topics: [{slug: water, title: Sea, query: ferry}]"))
    top = "tags: {sea: ferry}\nserver: {port: 9000}\ntopics: [{slug: water, title: Water, query: ferry}]"
    found = plan_of(desk, config("every: 1h, title: Herald", top=top))
    assert {
        "+ tag sea",
        "~ server (port)",
        "~ topic water (title)",
        "~ source herald: title, every; 3 stored entries follow",
    } <= set(found)
    edit(desk, config("every: 1h, title: Herald", top=top))
    assert plan_of(desk, config("every: 1h, title: Herald", top=top))[0].startswith("nothing would change")


def test_no_secret_is_stored_with_what_was_adopted(desk: Newsroom) -> None:
    top = 'outputs: [{slug: desk, title: Desk, query: nato, access: {token: "a-token-of-mine"}}]'
    edit(desk, config("headers: {Authorization: a-secret-of-mine}", top=top))
    stored = " ".join([*desk.store.values("source.").values(), desk.store.value("config") or ""])
    assert stored
    assert "of-mine" not in stored


def test_an_edited_time_zone_reaches_what_keep_and_drop_ask_of_days(desk: Newsroom) -> None:
    day = datetime.fromtimestamp(START, UTC)
    drop = config(f"drop: 'ferry date:{day:%Y-%m-%d}'", top=f"apply: true\n{QUALITY}")
    ferry = "Ferry to the islands is late again"
    edit(desk, drop)
    assert ferry not in desk.titles()
    edit(desk, drop.replace("site: {", "site: {timezone: Pacific/Kiritimati, "))
    assert ferry in desk.titles(), "there it was the next day"


def test_an_edited_time_zone_moves_what_asks_for_days(desk: Newsroom) -> None:
    late = told("Night ferry runs aground", "herald.example/aground", text="It left at eleven.", at=START - 13 * HOUR)
    desk.serves(HERALD, late)
    desk.poll("herald")
    day = datetime.fromtimestamp(START - 13 * HOUR, UTC)
    assert day.hour == 23
    topics = f'topics: [{{slug: night, title: Night, query: "ferry date:{day:%Y-%m-%d}"}}]'
    edit(desk, config(top=topics))
    assert desk.titles("night") == [late["title"]]
    tokyo = config(top=topics).replace("site: {", "site: {timezone: Asia/Tokyo, ")
    edit(desk, tokyo)
    assert desk.titles("night") == [], "there it was the next day"
    edit(desk, config(top=topics))
    assert desk.titles("night") == [late["title"]]
